package org.plait.torture;

import java.util.Arrays;
import java.util.Objects;
import org.plait.DType;
import org.plait.LogitsGrad;
import org.plait.PolicyStep;
import org.plait.RowStats;
import org.plait.torture.Arg.Use;

/** Calls of the kernels that see the vocabulary. */
final class LogitsCalls {
  private static final DType[] FLOATS = {DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16};
  private static final int[] VOCABS = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65, 100};

  private LogitsCalls() {}

  static Call rowStats(Draw draw) {
    Call call = start("row_stats", draw);
    logits(call, draw, draw.oneIn(4));
    outputs(call, draw);
    if (draw.oneIn(2)) {
      if (draw.oneIn(2)) {
        call.output("badTargets", "bad_targets", false, DType.INT64, 1);
      }
      call.body =
          c ->
              RowStats.compute(
                  c.backend(), c.logits(), c.given("out", rowOutput(c)), c.optional("badTargets"));
    } else {
      call.body =
          c -> c.returned = RowStats.compute(c.backend(), c.logits(), c.given("out", rowOutput(c)));
    }
    return call;
  }

  static Call merge(Draw draw) {
    Call call = start("row_stats_merge", draw);
    call.parts = 1L + draw.below(4);
    states(call, "states", true, (int) call.parts * call.tokens, draw);
    boolean temperatures = draw.oneIn(2);
    if (temperatures) {
      temperatures(call, "temperatures", draw);
    } else {
      call.temperature = draw.real(0.3, 2);
    }
    outputs(call, draw);
    Arg state = call.arg("state");
    if (state != null && draw.oneIn(2)) {
      state.over = call.arg("states");
    }
    call.body =
        c -> {
          if (temperatures) {
            RowStats.merge(
                c.backend(),
                c.view("states"),
                c.parts,
                c.view("temperatures"),
                c.given("out", rowOutput(c)));
          } else {
            RowStats.merge(
                c.backend(),
                c.view("states"),
                c.parts,
                c.temperature,
                c.given("out", rowOutput(c)));
          }
        };
    return call;
  }

  static Call logitsGrad(Draw draw) {
    Call call = start("logits_grad", draw);
    logits(call, draw, draw.oneIn(4));
    states(call, "state", true, call.tokens, draw);
    call.input("c", "c", true, DType.FLOAT32, coefficients(call.tokens, draw));
    if (draw.oneIn(2)) {
      call.input("h", "h", false, DType.FLOAT32, coefficients(call.tokens, draw));
    }
    gradient(call, draw);
    if (draw.oneIn(2)) {
      call.output("badTargets", "bad_targets", false, DType.INT64, 1);
      call.body =
          c ->
              LogitsGrad.compute(
                  c.backend(),
                  c.logits(),
                  c.view("state"),
                  c.view("c"),
                  c.optional("h"),
                  c.view("dLogits"),
                  c.optional("badTargets"));
    } else {
      call.body =
          c ->
              c.returned =
                  LogitsGrad.compute(
                      c.backend(),
                      c.logits(),
                      c.view("state"),
                      c.view("c"),
                      c.optional("h"),
                      c.view("dLogits"));
    }
    return call;
  }

  static Call policyStep(Draw draw) {
    Call call = start("policy_step", draw);
    logits(call, draw, false);
    TokenCalls.batch(call, draw, true);
    gradient(call, draw);
    call.output("logProbs", "logp", true, DType.FLOAT32, call.tokens);
    call.output("entropy", "entropy", true, DType.FLOAT32, call.tokens);
    if (draw.oneIn(2)) {
      call.output("tokenLoss", "token_loss", false, DType.FLOAT32, call.tokens);
    }
    TokenCalls.metrics(call, draw);
    call.scratch(
        PolicyStep.workspaceBytes(call.tokens, TokenCalls.sequences(call)) + draw.below(3));
    call.body =
        c ->
            PolicyStep.compute(
                c.backend(),
                c.logits(),
                c.batch(),
                c.objective(),
                c.given("normalizers", c.normalizers),
                c.given(
                    "out",
                    new PolicyStep.Output(
                        c.view("dLogits"),
                        c.view("logProbs"),
                        c.view("entropy"),
                        c.optional("tokenLoss"))),
                c.metrics(),
                c.view("workspace"));
    return call;
  }

  private static Call start(String kernel, Draw draw) {
    return new Call(kernel, draw.oneIn(12) ? 0 : 1 + draw.below(7));
  }

  private static RowStats.Output rowOutput(Call c) {
    return new RowStats.Output(
        c.optional("logProbs"),
        c.optional("entropy"),
        c.optional("logSumExp"),
        c.optional("state"));
  }

  private static void outputs(Call call, Draw draw) {
    String[][] names = {{"logProbs", "logp"}, {"entropy", "entropy"}, {"logSumExp", "logsumexp"}};
    int all = draw.below(16);
    for (int i = 0; i < 3; i++) {
      if ((all >> i & 1) == 1) {
        call.output(names[i][0], names[i][1], false, DType.FLOAT32, call.tokens);
      }
    }
    if (all >> 3 == 1) {
      call.add(new Arg("state", "state", Use.OUTPUT, false, DType.FLOAT32, call.tokens, 4));
    }
  }

  /** Rows of logits, each with its target and the temperature of all. */
  private static void logits(Call call, Draw draw, boolean shard) {
    int vocab = draw.oneIn(100) ? 4095 + draw.below(3) : VOCABS[draw.below(VOCABS.length)];
    boolean indexed = draw.oneIn(4);
    int rows = call.tokens + (indexed ? draw.below(4) : 0);
    DType dtype = draw.of(FLOATS);
    Arg data = new Arg("logits", "logits.data", Use.INPUT, true, dtype, rows, vocab);
    data.values = values(rows, vocab, draw);
    data.strided = true;
    call.add(data);
    double[] targets = new double[call.tokens];
    Arrays.setAll(
        targets, t -> draw.oneIn(40) ? -1 + draw.below(2) * (vocab + 1) : draw.below(vocab));
    DType targetType = draw.oneIn(2) ? DType.INT64 : DType.INT32;
    call.input("targets", "logits.targets", true, targetType, targets);
    if (indexed) {
      double[] index = new double[call.tokens];
      int skipped = rows - call.tokens;
      for (int t = 0, row = 0; t < index.length; t++, row++) {
        while (skipped > 0 && draw.oneIn(2)) {
          row++;
          skipped--;
        }
        index[t] = row;
      }
      call.input("rowIndex", "logits.row_index", false, DType.INT64, index);
    }
    if (draw.oneIn(3)) {
      temperatures(call, "logits.temperatures", draw);
    } else {
      call.temperature = draw.oneIn(2) ? 1 : draw.real(0.3, 2);
    }
    if (shard) {
      call.vocabBegin = draw.below(10);
      call.vocabTotal = call.vocabBegin + vocab + draw.below(10);
    }
  }

  /** Logits of every kind, with masked entries, common offsets and rows that are not numbers. */
  private static double[] values(int rows, int vocab, Draw draw) {
    double[] values = draw.reals(rows * vocab, -8, 8);
    double offset = draw.oneIn(8) ? 1e4 * (1 - 2 * draw.below(2)) : 0;
    boolean masked = draw.oneIn(4);
    for (int i = 0; i < values.length && (offset != 0 || masked); i++) {
      values[i] = masked && draw.oneIn(3) ? Double.NEGATIVE_INFINITY : values[i] + offset;
    }
    if (rows > 0 && draw.oneIn(8)) {
      double odd = draw.of(new Double[] {Double.NaN, Double.POSITIVE_INFINITY, -1e30});
      values[draw.below(values.length)] = odd;
    }
    return values;
  }

  private static void temperatures(Call call, String nativeName, Draw draw) {
    call.input("temperatures", nativeName, false, DType.FLOAT32, draw.reals(call.tokens, 0.3, 2));
  }

  private static void states(Call call, String name, boolean required, int rows, Draw draw) {
    Arg arg = new Arg(name, name, Use.INPUT, required, DType.FLOAT32, rows, 4);
    double[] values = new double[4 * rows];
    for (int i = 0; i < values.length; i += 4) {
      values[i] = draw.real(-1, 9);
      values[i + 1] = draw.real(1, 20);
      values[i + 2] = draw.real(-20, 0);
      values[i + 3] = draw.oneIn(20) ? Double.NaN : values[i] - draw.real(0, 9);
    }
    arg.values = values;
    call.add(arg);
  }

  private static double[] coefficients(int count, Draw draw) {
    double[] values = draw.reals(count, -2, 2);
    for (int i = 0; i < count; i++) {
      values[i] = draw.oneIn(5) ? 0 : values[i];
    }
    return values;
  }

  /** The gradient, in place or apart; of both the rows of the index alone are written. */
  private static void gradient(Call call, Draw draw) {
    Arg data = Objects.requireNonNull(call.arg("logits"));
    Arg gradient =
        new Arg("dLogits", "dlogits", Use.OUTPUT, true, data.dtype, data.rows, data.columns);
    gradient.strided = true;
    Arg index = call.arg("rowIndex");
    if (index != null) {
      double[] rows = Objects.requireNonNull(index.values);
      gradient.writtenRows = Arrays.stream(rows).mapToInt(row -> (int) row).toArray();
    }
    call.add(gradient);
    if (draw.oneIn(3)) {
      gradient.over = data;
    }
  }
}
