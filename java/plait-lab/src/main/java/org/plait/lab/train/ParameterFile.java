package org.plait.lab.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.plait.lab.model.GptConfig;
import org.plait.lab.model.ParameterLayout;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.SafeTensors;

/** Parameters as named tensors in a safetensors file. */
final class ParameterFile {

  private static final String MODEL = "model";

  private ParameterFile() {}

  static void write(Path file, Parameters parameters, Map<String, String> metadata)
      throws IOException {
    Map<String, SafeTensors.Entry> tensors = new LinkedHashMap<>();
    put(parameters, tensors);
    new SafeTensors(withModel(parameters.config(), metadata), tensors).write(file);
  }

  static Parameters read(Path file, GptConfig config) throws IOException {
    return parameters(SafeTensors.read(file), config);
  }

  /** Adds every parameter under its name. */
  static void put(Parameters parameters, Map<String, SafeTensors.Entry> tensors) {
    float[] values = parameters.values();
    for (ParameterLayout.Entry entry : parameters.layout().entries()) {
      int from = (int) entry.offset();
      tensors.put(
          entry.name(),
          new SafeTensors.Entry(
              entry.shape(), Arrays.copyOfRange(values, from, from + (int) entry.size())));
    }
  }

  static Map<String, String> withModel(GptConfig config, Map<String, String> metadata) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put(MODEL, config.toString());
    all.putAll(metadata);
    return all;
  }

  /** The parameters in a file, which must be those of a model of this shape. */
  static Parameters parameters(SafeTensors file, GptConfig config) throws IOException {
    if (!config.toString().equals(file.metadata().get(MODEL))) {
      throw new IOException("it holds another model");
    }
    ParameterLayout layout = config.layout();
    float[] values = new float[(int) layout.size()];
    for (ParameterLayout.Entry entry : layout.entries()) {
      SafeTensors.Entry tensor = file.tensors().get(entry.name());
      if (tensor == null || !tensor.shape().equals(entry.shape())) {
        throw new IOException("it lacks the parameter " + entry.name());
      }
      System.arraycopy(tensor.values(), 0, values, (int) entry.offset(), (int) entry.size());
    }
    return Parameters.of(config, values);
  }
}
