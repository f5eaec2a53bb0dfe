package org.plait.lab.compare;

import java.math.BigDecimal;
import java.util.List;
import org.plait.lab.train.TrainConfig;

/**
 * One of the things compared: a recipe at a learning rate.
 *
 * @param label how the report calls it
 * @param configs one per seed
 */
record Arm(String label, List<TrainConfig> configs) {

  Arm {
    configs = List.copyOf(configs);
  }

  String recipe() {
    return configs.get(0).recipe();
  }

  double learningRate() {
    return configs.get(0).learningRate();
  }

  /** Name of the directory of a run. */
  String directory(int index) {
    return label.replace(", ", "-").replace(" ", "") + "-seed" + configs.get(index).seed();
  }

  /** A learning rate as people write it: 1e-4. */
  static String rate(double learningRate) {
    BigDecimal number = new BigDecimal(Double.toString(learningRate)).stripTrailingZeros();
    int exponent = number.precision() - number.scale() - 1;
    return exponent < -2
        ? number.movePointLeft(exponent).stripTrailingZeros().toPlainString() + "e" + exponent
        : number.toPlainString();
  }
}
