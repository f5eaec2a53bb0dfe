package org.plait.lab.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.plait.lab.model.AdamW;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.SafeTensors;

/**
 * Everything that a run needs to go on as if it had never stopped. Random streams follow from seed
 * and step, so they need no state of their own.
 *
 * @param parameters of the model
 * @param optimizers states of those that were used
 * @param step steps taken
 * @param options those that must not change
 * @param recipe the recipe's state
 * @param csvPosition bytes of metrics written
 * @param before evaluation of the base
 * @param time where the run spent its time so far
 */
record Checkpoint(
    Parameters parameters,
    Map<Recipe.Optimizer, AdamW.State> optimizers,
    int step,
    ObjectNode options,
    JsonNode recipe,
    long csvPosition,
    Evaluation before,
    RunTime time) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RUN = "run";

  /** The part that is not tensors. */
  private record Run(
      int step,
      Map<Recipe.Optimizer, Integer> optimizerSteps,
      ObjectNode options,
      JsonNode recipe,
      long csvPosition,
      Evaluation before,
      RunTime time) {}

  /** Replaces the file in one step. */
  void write(Path file) throws IOException {
    Map<String, SafeTensors.Entry> tensors = new LinkedHashMap<>();
    ParameterFile.put(parameters, tensors);
    List<Long> shape = List.of(parameters.layout().size());
    Map<Recipe.Optimizer, Integer> optimizerSteps = new EnumMap<>(Recipe.Optimizer.class);
    optimizers.forEach(
        (which, state) -> {
          tensors.put(mean(which), new SafeTensors.Entry(shape, state.mean()));
          tensors.put(variance(which), new SafeTensors.Entry(shape, state.variance()));
          optimizerSteps.put(which, state.steps());
        });
    Run run = new Run(step, optimizerSteps, options, recipe, csvPosition, before, time);
    Map<String, String> metadata =
        ParameterFile.withModel(parameters.config(), Map.of(RUN, JSON.writeValueAsString(run)));
    new SafeTensors(metadata, tensors).write(file);
  }

  /** Reads a checkpoint; an {@link IOException} says why it is not one of this model. */
  static Checkpoint read(Path file) throws IOException {
    SafeTensors read = SafeTensors.read(file);
    Parameters parameters = ParameterFile.parameters(read, BasePolicy.MODEL);
    String text = read.metadata().get(RUN);
    if (text == null) {
      throw new IOException("it holds parameters, but not the state of a run");
    }
    try {
      Run run = JSON.readValue(text, Run.class);
      return new Checkpoint(
          parameters,
          optimizers(read, run.optimizerSteps()),
          run.step(),
          run.options(),
          run.recipe(),
          run.csvPosition(),
          run.before(),
          run.time());
    } catch (JsonProcessingException e) {
      throw new IOException("it was written by another version", e);
    }
  }

  private static Map<Recipe.Optimizer, AdamW.State> optimizers(
      SafeTensors read, Map<Recipe.Optimizer, Integer> steps) throws IOException {
    Map<Recipe.Optimizer, AdamW.State> states = new EnumMap<>(Recipe.Optimizer.class);
    for (Map.Entry<Recipe.Optimizer, Integer> optimizer : steps.entrySet()) {
      SafeTensors.Entry mean = read.tensors().get(mean(optimizer.getKey()));
      SafeTensors.Entry variance = read.tensors().get(variance(optimizer.getKey()));
      if (mean == null || variance == null) {
        throw new IOException("it lacks the moments of an optimizer");
      }
      states.put(
          optimizer.getKey(),
          new AdamW.State(mean.values(), variance.values(), optimizer.getValue()));
    }
    return states;
  }

  private static String mean(Recipe.Optimizer optimizer) {
    return name(optimizer) + ".mean";
  }

  private static String variance(Recipe.Optimizer optimizer) {
    return name(optimizer) + ".variance";
  }

  private static String name(Recipe.Optimizer optimizer) {
    return optimizer == Recipe.Optimizer.MAIN
        ? "adamw"
        : "adamw." + optimizer.name().toLowerCase(Locale.ROOT);
  }
}
