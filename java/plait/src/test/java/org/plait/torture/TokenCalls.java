package org.plait.torture;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.Baseline;
import org.plait.DType;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.ImportanceRatio;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.RatioLevel;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.Statistics;
import org.plait.TensorView;
import org.plait.TokenAdvantage;
import org.plait.TokenObjective;
import org.plait.Whitening;

/** Calls of the kernels that see tokens and rewards. */
final class TokenCalls {
  private TokenCalls() {}

  static Call tokenObjective(Draw draw) {
    Call call = start("token_objective", draw);
    batch(call, draw, true);
    call.input("logProbs", "logp", true, DType.FLOAT32, draw.logProbs(call.tokens));
    boolean needed = Objects.requireNonNull(call.needs).entropy();
    if (needed || draw.oneIn(2)) {
      double[] entropy = draw.reals(call.tokens, 0, 4);
      call.input("entropy", "entropy", needed, DType.FLOAT32, entropy);
    }
    for (String[] name : new String[][] {{"c", "c"}, {"h", "h"}, {"tokenLoss", "token_loss"}}) {
      if (!draw.oneIn(4)) {
        call.output(name[0], name[1], false, DType.FLOAT32, call.tokens);
      }
    }
    metrics(call, draw);
    call.scratch(TokenObjective.workspaceBytes(call.tokens, sequences(call)) + draw.below(3));
    call.body =
        c ->
            TokenObjective.compute(
                c.backend(),
                c.batch(),
                c.objective(),
                c.given("normalizers", c.normalizers),
                c.view("logProbs"),
                c.optional("entropy"),
                c.given(
                    "out",
                    new TokenObjective.Output(
                        c.optional("c"), c.optional("h"), c.optional("tokenLoss"))),
                c.metrics(),
                c.view("workspace"));
    return call;
  }

  static Call groupAdvantage(Draw draw) {
    Call call = start("group_advantage", draw);
    int n = call.tokens;
    GroupAdvantage options = options(draw);
    call.input("rewards", "rewards", true, DType.FLOAT32, rewards(n, draw));
    boolean byIds = draw.oneIn(2);
    double[] bounds = bounds(n, draw);
    int groups = bounds.length - 1;
    if (byIds) {
      double[] ids = new double[n];
      for (int i = 0; i < n && groups > 0; i++) {
        ids[i] = draw.below(groups);
      }
      call.input("ids", "ids", true, DType.INT64, ids);
    } else {
      call.input("offsets", "offsets", true, DType.INT64, bounds);
    }
    roles(call, "roles", draw);
    boolean weighted = options.baseline() == Baseline.WEIGHTED_MEAN;
    if (weighted || draw.oneIn(3)) {
      call.input("weights", "weights", weighted, DType.FLOAT32, draw.reals(n, 0, 9));
    }
    call.output("advantages", "advantages", true, DType.FLOAT32, n);
    if (draw.oneIn(2)) {
      call.output("groupMean", "group_mean", false, DType.FLOAT32, groups);
    }
    if (draw.oneIn(2)) {
      call.output("groupStd", "group_std", false, DType.FLOAT32, groups);
    }
    call.scratch(GroupAdvantage.workspaceBytes(groups) + draw.below(3));
    call.body =
        c -> {
          Groups of = byIds ? Groups.ids(c.view("ids"), groups) : Groups.offsets(c.view("offsets"));
          GroupAdvantage.Input in =
              new GroupAdvantage.Input(
                  c.view("rewards"),
                  c.given("groups", of),
                  c.optional("roles"),
                  c.optional("weights"));
          options.compute(
              c.backend(),
              c.given("in", in),
              c.given(
                  "out",
                  new GroupAdvantage.Output(
                      c.view("advantages"), c.optional("groupMean"), c.optional("groupStd"))),
              c.view("workspace"));
        };
    return call;
  }

  static Call tokenAdvantage(Draw draw) {
    Call call = start("token_advantage", draw);
    batch(call, draw, false);
    TokenAdvantage options = new TokenAdvantage(draw.real(0, 1), draw.real(0, 1), draw.oneIn(2));
    call.input("rewards", "rewards", true, DType.FLOAT32, draw.reals(call.tokens, -1, 1));
    if (draw.oneIn(2)) {
      call.input("values", "values", false, DType.FLOAT32, draw.reals(call.tokens, -1, 1));
    }
    call.output("advantages", "advantages", true, DType.FLOAT32, call.tokens);
    if (draw.oneIn(2)) {
      call.output("returns", "returns", false, DType.FLOAT32, call.tokens);
    }
    call.body =
        c ->
            options.compute(
                c.backend(),
                c.batch(),
                c.view("rewards"),
                c.optional("values"),
                c.given(
                    "out", new TokenAdvantage.Output(c.view("advantages"), c.optional("returns"))));
    return call;
  }

  static Call whiten(Draw draw) {
    Call call = start("whiten", draw);
    batch(call, draw, false);
    Whitening options =
        new Whitening(draw.oneIn(2), draw.oneIn(2), draw.real(0, 1e-3), draw.real(0, 1e-3));
    Arg x = call.input("x", "x", true, DType.FLOAT32, draw.reals(call.tokens, -3, 3));
    Arg out = call.output("out", "out", true, DType.FLOAT32, call.tokens);
    if (draw.oneIn(3)) {
      out.over = x;
    }
    call.body = c -> options.compute(c.backend(), c.batch(), c.view("x"), c.view("out"));
    return call;
  }

  static Call importanceRatio(Draw draw) {
    Call call = start("importance_ratio", draw);
    batch(call, draw, false);
    call.input("oldLogProbs", "old_logp", true, DType.FLOAT32, draw.logProbs(call.tokens));
    call.input("logProbs", "logp", true, DType.FLOAT32, draw.logProbs(call.tokens));
    RatioLevel level = draw.of(RatioLevel.values());
    ImportanceRatio.Options options =
        new ImportanceRatio.Options(
            level, draw.real(0, 1), draw.real(0, 1), draw.oneIn(2) ? 1 : Float.POSITIVE_INFINITY);
    if (draw.oneIn(2)) {
      call.output("ratio", "ratio", false, DType.FLOAT32, call.tokens);
    }
    if (level != RatioLevel.TOKEN && draw.oneIn(2)) {
      int count = call.arg("offsets") == null ? 1 : (int) sequences(call);
      call.output("sequenceRatio", "sequence_ratio", false, DType.FLOAT32, count);
    }
    if (draw.oneIn(2)) {
      call.output("flags", "flags", false, DType.UINT8, call.tokens);
    }
    call.body =
        c ->
            ImportanceRatio.compute(
                c.backend(),
                c.batch(),
                c.view("logProbs"),
                c.given("options", options),
                c.given(
                    "out",
                    new ImportanceRatio.Output(
                        c.optional("ratio"), c.optional("sequenceRatio"), c.optional("flags"))));
    return call;
  }

  /** Calls that allocate their results, and views that read and write their elements. */
  static Call convenience(Draw draw) {
    Call call = start("conveniences", draw);
    int n = call.tokens;
    call.input("rewards", "rewards", true, DType.FLOAT32, rewards(n, draw));
    Arg out = call.output("copy", "copy", true, DType.FLOAT32, n);
    Singleton singleton = draw.oneIn(2) ? Singleton.ZERO : Singleton.REWARD;
    GroupAdvantage options = GroupAdvantage.grpo().singleton(singleton);
    boolean close = draw.oneIn(2);
    call.body =
        c -> {
          TensorView offsets = TensorView.copyOf(0L, n);
          TensorView result = options.of(c.view("rewards"), Groups.offsets(offsets));
          c.view(out.name).copyFrom(result.toFloats());
          if (close) {
            ((org.bytedeco.javacpp.Pointer) offsets.owner()).close();
            ((org.bytedeco.javacpp.Pointer) result.owner()).close();
          }
        };
    return call;
  }

  private static Call start(String kernel, Draw draw) {
    return new Call(kernel, draw.oneIn(12) ? 0 : 1 + draw.below(30));
  }

  private static GroupAdvantage options(Draw draw) {
    return new GroupAdvantage(
        draw.of(Baseline.values()),
        draw.of(Scale.values()),
        draw.oneIn(2) ? Singleton.ZERO : Singleton.REWARD,
        draw.oneIn(2),
        draw.real(0, 1e-3),
        draw.of(EpsilonPlace.values()),
        draw.of(Statistics.values()),
        draw.oneIn(2),
        draw.real(0, 1e-3));
  }

  private static double[] rewards(int n, Draw draw) {
    double[] rewards = draw.reals(n, -1, 1);
    for (int i = 0; i < n; i++) {
      rewards[i] = draw.oneIn(10) ? Double.NaN : draw.oneIn(3) ? 1 : rewards[i];
    }
    return rewards;
  }

  /** Where sequences or groups start and end, some of them empty. */
  private static double[] bounds(int tokens, Draw draw) {
    int sequences = tokens == 0 && draw.oneIn(2) ? 0 : 1 + draw.below(5);
    double[] bounds = new double[sequences + 1];
    for (int i = 1; i <= sequences; i++) {
      int before = (int) bounds[i - 1];
      bounds[i] = i == sequences ? tokens : before + draw.below(tokens - before + 1);
    }
    return bounds;
  }

  static long sequences(Call call) {
    Arg offsets = call.arg("offsets");
    return offsets == null ? 0 : offsets.rows - 1L;
  }

  private static void roles(Call call, String nativeName, Draw draw) {
    if (draw.oneIn(2)) {
      double[] roles = new double[call.tokens];
      for (int t = 0; t < roles.length; t++) {
        roles[t] = draw.below(4);
      }
      call.input("roles", nativeName, false, DType.UINT8, roles);
    }
  }

  /** Sequences and roles, and for an objective all that it needs and some that it does not. */
  static void batch(Call call, Draw draw, boolean forObjective) {
    if (!draw.oneIn(4)) {
      call.input("offsets", "offsets", false, DType.INT64, bounds(call.tokens, draw));
    }
    roles(call, forObjective ? "batch.roles" : "roles", draw);
    if (!forObjective) {
      return;
    }
    Objectives.Needs needs = Objectives.any(draw);
    call.needs = needs;
    int tokens = call.tokens;
    if (needs.advantages() || draw.oneIn(2)) {
      call.advantagePerSequence = draw.oneIn(2);
      int count =
          !call.advantagePerSequence
              ? tokens
              : call.arg("offsets") == null ? 1 : (int) sequences(call);
      call.input(
          "batchAdvantages",
          "batch.advantages",
          needs.advantages(),
          DType.FLOAT32,
          draw.reals(count, -2, 2));
    }
    policy(call, draw, "oldLogProbs", "batch.old_logp", needs.sampler());
    policy(call, draw, "referenceLogProbs", "batch.ref_logp", needs.reference());
    policy(call, draw, "samplerLogProbs", "batch.sampler_logp", needs.sampler());
    if (needs.length() || draw.oneIn(3)) {
      call.normalizers =
          new Normalizers(
              count(draw), count(draw), 0, count(draw), count(draw), 0, 0, 0, 1 + draw.below(9));
    }
  }

  private static double count(Draw draw) {
    return draw.oneIn(2) ? 0 : 1 + draw.below(99);
  }

  private static void policy(Call call, Draw draw, String name, String nativeName, boolean needed) {
    if (needed || draw.oneIn(2)) {
      call.input(name, nativeName, needed, DType.FLOAT32, draw.logProbs(call.tokens));
    }
  }

  /** Metrics in a view, in an object, or none. */
  static void metrics(Call call, Draw draw) {
    int kind = draw.below(3);
    if (kind == 0) {
      Arg metrics = call.output("metrics", "metrics", false, DType.UINT8, Metrics.BYTES);
      metrics.alignment = Long.BYTES;
    } else if (kind == 1) {
      call.metrics = new Metrics();
    }
  }

  /** The name of an argument in the Java API, where two arguments of a call have the same. */
  static String javaName(@Nullable Arg arg, boolean perSequence) {
    String name = Objects.requireNonNull(arg).name;
    return name.equals("batchAdvantages")
        ? perSequence ? "sequenceAdvantages" : "advantages"
        : name;
  }
}
