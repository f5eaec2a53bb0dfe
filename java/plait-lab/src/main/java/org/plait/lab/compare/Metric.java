package org.plait.lab.compare;

import org.plait.lab.train.Evaluation;
import org.plait.lab.train.RunResult;

/** What an evaluation measures. */
enum Metric {
  GREEDY("greedy", "greedy"),
  SAMPLED("sampled", "sampled"),
  PASS("pass@" + RunResult.PASS_SAMPLES, "pass_at_" + RunResult.PASS_SAMPLES),
  ENTROPY("entropy", "entropy");

  private final String title;
  private final String column;

  Metric(String title, String column) {
    this.title = title;
    this.column = column;
  }

  /** The name for readers. */
  String title() {
    return title;
  }

  /** The name in CSV. */
  String column() {
    return column;
  }

  double of(Evaluation evaluation) {
    return switch (this) {
      case GREEDY -> evaluation.greedy();
      case SAMPLED -> evaluation.sampled();
      case PASS -> evaluation.passAtK();
      case ENTROPY -> evaluation.entropy();
    };
  }

  /** Whether it is a share of problems or samples, of which more is better. */
  boolean isSuccess() {
    return this != ENTROPY;
  }

  /** As the report writes it: success in percent. */
  String text(Spread spread) {
    return isSuccess() ? spread.text(100, 1) : spread.text(1, 3);
  }
}
