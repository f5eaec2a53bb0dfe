package org.plait.lab.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.plait.lab.model.AdamW;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.SafeTensors;

/**
 * Everything that a run needs to go on as if it had never stopped. Random streams follow from seed
 * and step, so they need no state of their own.
 *
 * @param parameters of the model
 * @param optimizer its state
 * @param step steps taken
 * @param options those that must not change
 * @param recipe the recipe's state
 * @param csvPosition bytes of metrics written
 * @param before evaluation of the base
 * @param time where the run spent its time so far
 */
record Checkpoint(
    Parameters parameters,
    AdamW.State optimizer,
    int step,
    ObjectNode options,
    JsonNode recipe,
    long csvPosition,
    Evaluation before,
    RunTime time) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MEAN = "adamw.mean";
  private static final String VARIANCE = "adamw.variance";
  private static final String RUN = "run";

  /** The part that is not tensors. */
  private record Run(
      int step,
      int optimizerSteps,
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
    tensors.put(MEAN, new SafeTensors.Entry(shape, optimizer.mean()));
    tensors.put(VARIANCE, new SafeTensors.Entry(shape, optimizer.variance()));
    Run run = new Run(step, optimizer.steps(), options, recipe, csvPosition, before, time);
    Map<String, String> metadata =
        ParameterFile.withModel(parameters.config(), Map.of(RUN, JSON.writeValueAsString(run)));
    new SafeTensors(metadata, tensors).write(file);
  }

  /** Reads a checkpoint; an {@link IOException} says why it is not one of this model. */
  static Checkpoint read(Path file) throws IOException {
    SafeTensors read = SafeTensors.read(file);
    Parameters parameters = ParameterFile.parameters(read, BasePolicy.MODEL);
    SafeTensors.Entry mean = read.tensors().get(MEAN);
    SafeTensors.Entry variance = read.tensors().get(VARIANCE);
    String text = read.metadata().get(RUN);
    if (mean == null || variance == null || text == null) {
      throw new IOException("it holds parameters, but not the state of a run");
    }
    try {
      Run run = JSON.readValue(text, Run.class);
      return new Checkpoint(
          parameters,
          new AdamW.State(mean.values(), variance.values(), run.optimizerSteps()),
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
}
