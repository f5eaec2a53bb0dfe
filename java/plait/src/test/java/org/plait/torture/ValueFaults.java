package org.plait.torture;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.Normalizers;

/** Wrong numbers: in arrays, which the kernels look at before they start, and beside them. */
final class ValueFaults {
  private static final double[] BAD_TEMPERATURES = {
    0, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -0.0
  };

  private ValueFaults() {}

  static @Nullable Refusal spoil(Call call, Draw draw) {
    return switch (draw.below(12)) {
      case 0 -> temperature(call, draw);
      case 1 -> temperatures(call, draw);
      case 2 -> rowIndex(call, draw);
      case 3 -> offsets(call, draw);
      case 4 -> element(call, draw, "roles", "roles", draw.oneIn(2) ? 4 : 4 + draw.below(252));
      case 5 -> ids(call, draw);
      case 6 -> element(call, draw, "weights", "weights", draw.oneIn(2) ? -1 : Double.NaN);
      case 7 -> rewards(call, draw);
      case 8 -> parts(call, draw);
      case 9 -> workspace(call, draw);
      case 10 -> length(call);
      default -> shard(call);
    };
  }

  private static @Nullable Refusal temperature(Call call, Draw draw) {
    boolean takesOne = call.arg("logits") != null || call.arg("states") != null;
    if (!takesOne || call.arg("temperatures") != null) {
      return null;
    }
    call.temperature = (float) BAD_TEMPERATURES[draw.below(BAD_TEMPERATURES.length)];
    return Refusal.of("temperature", "temperature");
  }

  private static @Nullable Refusal temperatures(Call call, Draw draw) {
    double bad = BAD_TEMPERATURES[draw.below(BAD_TEMPERATURES.length)];
    return element(call, draw, "temperatures", "temperatures", bad);
  }

  private static @Nullable Refusal element(
      Call call, Draw draw, String arg, String name, double bad) {
    Arg array = call.arg(arg);
    if (array == null || array.rows == 0) {
      return null;
    }
    int at = draw.below(array.rows);
    Objects.requireNonNull(array.values)[at] = bad;
    return Refusal.of(arg + " value", name + "[" + at + "]");
  }

  private static @Nullable Refusal rowIndex(Call call, Draw draw) {
    Arg index = call.arg("rowIndex");
    if (index == null || index.rows == 0) {
      return null;
    }
    double[] rows = Objects.requireNonNull(index.values);
    int at = draw.below(rows.length);
    double limit = Objects.requireNonNull(call.arg("logits")).rows;
    rows[at] = at > 0 && draw.oneIn(2) ? rows[at - 1] : draw.oneIn(2) ? -1 - draw.below(9) : limit;
    return Refusal.of("rowIndex value", "logits.row_index");
  }

  private static @Nullable Refusal offsets(Call call, Draw draw) {
    Arg offsets = call.arg("offsets");
    if (offsets == null || call.kernel.equals("whiten")) {
      return null; // whitening knows no sequences
    }
    double[] values = Objects.requireNonNull(offsets.values);
    int at = draw.below(values.length);
    int last = values.length - 1;
    if (at == 0) {
      values[0] = draw.oneIn(2) ? 1 + draw.below(9) : -1;
    } else if (at == last) {
      values[last] += draw.oneIn(2) ? 1 : -1;
    } else {
      values[at] = draw.oneIn(2) ? values[at - 1] - 1 - draw.below(9) : values[last] + 1e9;
    }
    return Refusal.of("offsets value", "offsets");
  }

  private static @Nullable Refusal ids(Call call, Draw draw) {
    Arg ids = call.arg("ids");
    return ids == null ? null : element(call, draw, "ids", "ids", draw.oneIn(2) ? -1 : 1e12);
  }

  private static @Nullable Refusal rewards(Call call, Draw draw) {
    if (!call.kernel.equals("group_advantage") && !call.kernel.equals("conveniences")) {
      return null;
    }
    double bad = draw.oneIn(2) ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    return element(call, draw, "rewards", "rewards", bad);
  }

  private static @Nullable Refusal parts(Call call, Draw draw) {
    Arg states = call.arg("states");
    if (states == null) {
      return null;
    }
    if (draw.oneIn(2)) {
      call.parts = -draw.below(3);
      return Refusal.of("parts", "parts");
    }
    if (states.rows == 0) {
      return null;
    }
    call.parts = states.rows + 1L;
    return Refusal.of("parts", "states");
  }

  private static @Nullable Refusal workspace(Call call, Draw draw) {
    Arg workspace = call.arg("workspace");
    if (workspace == null) {
      return null;
    }
    // No more than two bytes beyond what is needed have been given.
    workspace.rows -= Math.min(workspace.rows, 3 + draw.below(40));
    return Refusal.of("workspace size", "workspace_bytes");
  }

  private static @Nullable Refusal length(Call call) {
    Objectives.Needs needs = call.needs;
    if (needs == null || !needs.length()) {
      return null;
    }
    call.normalizers = Normalizers.NONE;
    return Refusal.of("length", "normalizers.length");
  }

  private static @Nullable Refusal shard(Call call) {
    Arg logits = call.arg("logits");
    if (logits == null) {
      return null;
    }
    if (call.kernel.equals("policy_step")) {
      call.vocabTotal = logits.columns + 1L;
      return Refusal.of("shard", "logits.vocab_total");
    }
    call.vocabBegin = 3;
    call.vocabTotal = logits.columns + 2L;
    return Refusal.of("shard", "vocabBegin");
  }
}
