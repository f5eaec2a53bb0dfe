package org.plait.lab.train;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.Objective;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Vocabulary;
import org.plait.lab.model.AdamW;
import org.plait.lab.model.Gpt;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.Sampler;
import org.plait.lab.model.Workers;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;

/** Post-trains the base policy by one recipe. Not thread-safe. */
final class Trainer implements AutoCloseable {

  private static final AdamW.Options OPTIMIZER = new AdamW.Options(0.9, 0.99, 1e-8, 0);

  /** Problems and samples of a point of the held-out curve. */
  static final int CURVE_PROBLEMS = 250;

  static final int CURVE_SAMPLES = 4;

  private final TrainConfig config;
  private final RunDirectory directory;
  private final Dataset data;
  private final PromptOrder order;
  private final Parameters parameters;
  private final Learner learner;
  private final @Nullable Gpt reference;
  private final Map<Recipe.Optimizer, AdamW> optimizers = new EnumMap<>(Recipe.Optimizer.class);
  private final Sampler sampler;
  private final Evaluator evaluator;
  private final Recipe recipe;

  /**
   * What a run came to.
   *
   * @param trainingGreedy share of the training problems that greedy answers solve in the end
   */
  record Outcome(Evaluation before, Evaluation after, double trainingGreedy, RunTime time) {}

  Trainer(
      TrainConfig config, RunDirectory directory, Dataset data, Parameters base, Workers workers) {
    this.config = config;
    this.directory = directory;
    this.data = data;
    order = new PromptOrder(data.training(), config.seed());
    parameters = Parameters.of(base.config(), base.values());
    learner = new Learner(parameters, workers, config.loss());
    reference = needsReference(config.objective()) ? Gpt.forInference(base) : null;
    optimizer(Recipe.Optimizer.MAIN);
    sampler = new Sampler(learner.inference(), workers, Vocabulary.EOS, Vocabulary.PAD);
    evaluator =
        new Evaluator(
            learner,
            sampler,
            config.evalSplit().problems(data).subList(0, config.evalPrompts()),
            config.seed());
    recipe = config.newRecipe();
  }

  private static boolean needsReference(Objective objective) {
    return objective.rollout().kl().term().isOn()
        || objective.demonstration().kl().term().isOn()
        || objective.hint().kl().term().isOn();
  }

  /** Made when it is first used, so that runs without it carry no moments of it. */
  private AdamW optimizer(Recipe.Optimizer which) {
    return optimizers.computeIfAbsent(which, w -> new AdamW(parameters, OPTIMIZER));
  }

  /** Trains to the last step, from a checkpoint if there is one, and evaluates before and after. */
  Outcome run(@Nullable Checkpoint resumed, RunObserver observer) throws IOException {
    Evaluation before;
    int start = 0;
    RunTime time = RunTime.ZERO;
    if (resumed == null) {
      directory.writeConfig(config);
      observer.evaluating(config.evalPrompts());
      before = evaluator.full(0);
    } else {
      parameters.copyFrom(resumed.parameters());
      resumed.optimizers().forEach((which, state) -> optimizer(which).restore(state));
      recipe.restore(resumed.recipe());
      before = resumed.before();
      start = resumed.step();
      time = resumed.time();
    }
    try (MetricsCsv csv =
        resumed == null
            ? MetricsCsv.create(directory.metrics())
            : MetricsCsv.resume(directory.metrics(), resumed.csvPosition())) {
      observer.training(start, config.steps());
      for (int step = start; step < config.steps(); step++) {
        Row row = new Row(step + 1);
        time = time.plus(step(step, row));
        if ((step + 1) % config.evalEvery() == 0) {
          evaluate(row);
        }
        csv.write(row);
        if ((step + 1) % config.checkpointEvery() == 0 || step + 1 == config.steps()) {
          checkpoint(step + 1, csv.position(), before, time);
        }
        observer.step(message(row));
      }
    }
    observer.evaluating(config.evalPrompts());
    return new Outcome(
        before,
        evaluator.full(config.steps()),
        evaluator.greedy(data.training().stream().map(Example::problem).toList()),
        time);
  }

  private RunTime step(int step, Row row) {
    long started = System.nanoTime();
    Recipe.Batches batches =
        recipe.next(new StepContext(step, config.seed(), order, sampler::sample));
    long sampled = System.nanoTime();
    LossMetrics total = LossMetrics.ZERO;
    double norm = 0;
    int steps = 0;
    for (Recipe.Update update : batches.updates()) {
      List<List<Shard>> minibatches = minibatches(update);
      prepare(minibatches);
      for (List<Shard> minibatch : minibatches) {
        Learner.Step done =
            learner.step(
                minibatch,
                update.objective(),
                optimizer(update.optimizer()),
                config.learningRate());
        total = total.plus(done.metrics());
        norm += done.gradientNorm();
        steps++;
      }
    }
    RunTime spent = new RunTime(sampled - started, System.nanoTime() - sampled, total.nanos());
    row.set(Column.LOSS, total.loss() / steps)
        .set(Column.REWARD, batches.reward())
        .set(Column.ENTROPY, total.entropyMean())
        .set(Column.GRADIENT_NORM, norm / steps)
        .set(Column.LEARNING_RATE, config.learningRate())
        .set(Column.TOKENS, total.tokens())
        .set(Column.ROLLOUTS, batches.rollouts())
        .set(Column.DEMONSTRATIONS, batches.demonstrations())
        .set(Column.CLIP_FRACTION_LOW, total.clipFractionLow())
        .set(Column.CLIP_FRACTION_HIGH, total.clipFractionHigh())
        .set(Column.APPROX_KL, total.approxKlMean())
        .set(Column.SAMPLING_MS, spent.samplingNanos() / 1e6)
        .set(Column.UPDATE_MS, spent.updateNanos() / 1e6)
        .set(Column.LOSS_MS, spent.lossNanos() / 1e6);
    return spent;
  }

  /** Parts of a batch, in order, all as large as can be, so that groups stay whole. */
  private List<List<Shard>> minibatches(Recipe.Update update) {
    List<TrainingSequence> sequences = update.sequences();
    int size = Math.max(1, sequences.size() / config.minibatches());
    List<List<Shard>> parts = new ArrayList<>();
    for (int from = 0; from < sequences.size(); from += size) {
      int to = Math.min(sequences.size(), from + size);
      parts.add(Shard.split(sequences.subList(from, to), update.objective()));
    }
    return parts;
  }

  /**
   * Adds what the objective needs of other policies. With one mini-batch the policy is still the
   * one that sampled, so the ratio is 1 without old log-probabilities.
   */
  private void prepare(List<List<Shard>> minibatches) {
    List<Shard> shards = minibatches.stream().flatMap(List::stream).toList();
    if (minibatches.size() > 1) {
      List<Learner.Statistics> old = learner.statistics(learner.inference(), shards);
      for (int i = 0; i < shards.size(); i++) {
        shards.get(i).setOldLogProbs(old.get(i).logProbs());
      }
    }
    if (reference != null) {
      List<Learner.Statistics> other = learner.statistics(reference, shards);
      for (int i = 0; i < shards.size(); i++) {
        shards.get(i).setReferenceLogProbs(other.get(i).logProbs());
      }
    }
  }

  private void evaluate(Row row) {
    Evaluation point = evaluator.quick(row.step(), CURVE_PROBLEMS, CURVE_SAMPLES);
    row.set(Column.EVAL_SAMPLED, point.sampled()).set(Column.EVAL_ENTROPY, point.entropy());
  }

  private void checkpoint(int step, long csvPosition, Evaluation before, RunTime time)
      throws IOException {
    new Checkpoint(
            parameters,
            states(),
            step,
            config.fixedJson(),
            recipe.state(),
            csvPosition,
            before,
            time)
        .write(directory.checkpoint());
  }

  private Map<Recipe.Optimizer, AdamW.State> states() {
    Map<Recipe.Optimizer, AdamW.State> states = new EnumMap<>(Recipe.Optimizer.class);
    optimizers.forEach((which, optimizer) -> states.put(which, optimizer.state()));
    return states;
  }

  @Override
  public void close() {
    learner.close();
  }

  private static String message(Row row) {
    double reward = row.get(Column.REWARD);
    return Double.isNaN(reward)
        ? String.format(Locale.ROOT, "loss %.3f", row.get(Column.LOSS))
        : String.format(Locale.ROOT, "reward %.3f", reward);
  }
}
