package org.plait.lab.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.plait.Backend;
import org.plait.Objective;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Generator;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Trace;
import org.plait.lab.countdown.Vocabulary;
import org.plait.lab.model.AdamW;
import org.plait.lab.model.GptConfig;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.TorchRuntime;
import org.plait.lab.model.Workers;
import org.plait.lab.util.RandomStreams;
import org.plait.lab.util.RandomStreams.Purpose;

/**
 * The policy that post-training starts from: trained for about a minute on random traces, mostly of
 * three numbers, it knows the form of an answer and some arithmetic, and solves a few percent of
 * the four-number problems. Kept on disk under a name that its settings, seed and versions
 * determine.
 */
final class BasePolicy {

  /** The model of the setting: 159,232 parameters. */
  static final GptConfig MODEL =
      new GptConfig(Vocabulary.SIZE, Problem.PROMPT_LENGTH + Trace.MAX_LENGTH, 3, 64, 4);

  /** About half a minute on two cores, until three to four percent of the samples are right. */
  static final int DEFAULT_STEPS = 1800;

  /**
   * Raised when traces, initialization or schedule change in a way that the settings do not say.
   */
  private static final int FORMAT = 1;

  private static final int BATCH = 64;
  private static final double LEARNING_RATE = 3e-3;
  private static final int WARM_UP = 50;
  private static final double FOUR_NUMBER_SHARE = 0.1;
  private static final long SEED = 0;
  private static final AdamW.Options OPTIMIZER = new AdamW.Options(0.9, 0.999, 1e-8, 0.01);

  private final Dataset data;
  private final int steps;

  BasePolicy(Dataset data, int steps) {
    this.data = data;
    this.steps = steps;
  }

  /** Everything that determines the parameters, as text. */
  private String settings() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT);
    json.put("model", MODEL.toString());
    json.put("data_seed", Dataset.DEFAULT_SEED);
    json.put("steps", steps);
    json.put("batch", BATCH);
    json.put("learning_rate", LEARNING_RATE);
    json.put("warm_up", WARM_UP);
    json.put("four_number_share", FOUR_NUMBER_SHARE);
    json.put("seed", SEED);
    json.put("optimizer", OPTIMIZER.toString());
    json.put("plait", Backend.nativeVersion());
    json.put("pytorch", TorchRuntime.version());
    return json.toString();
  }

  /** A short name for the settings. */
  String key() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(settings().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  /** The parameters, from the cache if they are there, else by training them now. */
  Parameters loadOrTrain(Path cache, Workers workers) throws IOException {
    Path file = cache.resolve("base-" + key() + ".safetensors");
    if (Files.exists(file)) {
      try {
        return ParameterFile.read(file, MODEL);
      } catch (IOException e) {
        System.err.println(file + " cannot be used (" + e.getMessage() + "); training it again.");
      }
    }
    Parameters parameters = train(workers);
    ParameterFile.write(file, parameters, Map.of("settings", settings()));
    return parameters;
  }

  private Parameters train(Workers workers) {
    Parameters parameters =
        Parameters.initialize(MODEL, RandomStreams.stream(SEED, Purpose.INITIALIZATION));
    AdamW optimizer = new AdamW(parameters, OPTIMIZER);
    Objective objective = Objective.sft();
    try (Learner learner = new Learner(parameters, workers, PolicyObjectiveLoss.Kind.PLAIT);
        Progress progress = Progress.start("Pre-training the base", 0, steps)) {
      for (int step = 0; step < steps; step++) {
        List<Shard> shards = Shard.split(batch(step));
        Learner.Step done = learner.step(shards, objective, optimizer, learningRate(step));
        progress.step(String.format(Locale.ROOT, "loss %.3f", done.metrics().loss()));
      }
    }
    return parameters;
  }

  private List<TrainingSequence> batch(int step) {
    SplittableRandom random = RandomStreams.stream(SEED, Purpose.PRETRAINING_TRACES, step);
    List<TrainingSequence> batch = new ArrayList<>(BATCH);
    while (batch.size() < BATCH) {
      int numbers = Problem.MAX_NUMBERS - (random.nextDouble() < FOUR_NUMBER_SHARE ? 0 : 1);
      Example example = Generator.draw(numbers, random);
      while (!data.allowsTrainingOn(example.problem())) {
        example = Generator.draw(numbers, random);
      }
      batch.add(TrainingSequence.demonstration(example));
    }
    return batch;
  }

  /** Linear warm-up, then a cosine to zero. */
  private double learningRate(int step) {
    double warmUp = Math.min(1, (step + 1.0) / WARM_UP);
    return LEARNING_RATE * warmUp * 0.5 * (1 + Math.cos(Math.PI * step / steps));
  }
}
