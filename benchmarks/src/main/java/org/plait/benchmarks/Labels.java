package org.plait.benchmarks;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** What tables and charts call things. */
final class Labels {
  private static final List<String> KERNELS =
      List.of(
          "RowStats",
          "LogitsGrad",
          "PolicyStep",
          "TokenObjective",
          "ImportanceRatio",
          "GroupAdvantage");

  /** In which kernels are shown. */
  static final Comparator<Measurement> ORDER =
      Comparator.comparingInt((Measurement m) -> KERNELS.indexOf(m.benchmark()))
          .thenComparing(Measurement::objective)
          .thenComparing(Measurement::vocab)
          .thenComparing(Measurement::dtype, Comparator.reverseOrder());

  private Labels() {}

  /** The kernel, and what it does here. */
  static String kernel(Measurement kernel) {
    return switch (kernel.benchmark()) {
      case "RowStats" -> "row_stats";
      case "LogitsGrad" -> "logits_grad, in place";
      case "PolicyStep" -> "policy_step, " + objective(kernel) + ", in place";
      case "TokenObjective" -> "token_objective, " + objective(kernel);
      case "ImportanceRatio" -> "importance_ratio, " + kernel.objective().replace('_', ' ');
      case "GroupAdvantage" -> "group_advantage";
      default -> kernel.benchmark();
    };
  }

  /** As {@link #kernel}, for the axis of a chart. */
  static String brief(Measurement kernel) {
    String objective =
        switch (kernel.objective()) {
          case "grpo_entropy" -> "GRPO + entropy";
          case "grpo_tis" -> "GRPO + TIS";
          default -> kernel.objective().toUpperCase(Locale.ROOT);
        };
    return kernel(kernel)
        .replace(", in place", "")
        .replace(", " + objective(kernel), " " + objective);
  }

  static String objective(Measurement kernel) {
    return switch (kernel.objective()) {
      case "grpo_entropy" -> "GRPO with entropy bonus";
      case "grpo_tis" -> "GRPO with truncated sampler weights";
      case "srft" -> "SRFT, weights by each token's entropy";
      default -> kernel.objective().toUpperCase(Locale.ROOT);
    };
  }

  static String shape(Measurement kernel) {
    if (kernel.vocab() > 0) {
      return kernel.tokens() + " x " + kernel.vocab();
    }
    return kernel.benchmark().equals("GroupAdvantage") ? "1024 x 8" : "8 x 1024";
  }
}
