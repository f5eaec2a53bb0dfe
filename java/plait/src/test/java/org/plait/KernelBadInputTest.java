package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.message;
import static org.plait.Refusals.missing;
import static org.plait.Refusals.overlaps;
import static org.plait.Refusals.refused;
import static org.plait.StepFixture.filled;
import static org.plait.StepFixture.gaussian;
import static org.plait.StepFixture.guard;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.plait.GroupAdvantage.Input;

/** Bad arguments of the kernels beside the policy step, which has a test of its own. */
class KernelBadInputTest {
  private static final Backend CPU = Backend.cpu();
  private static final int T = 4;
  private static final int V = 6;

  private final Logits logits = Logits.of(gaussian(1, T, V), TensorView.copyOf(0L, 5, 2, 3));

  @Test
  void rowStatsRefuseOutputsThatDoNotFit() {
    TensorView good = floats(T);
    Runnable unwritten = guard(good);
    TensorView state = floats(T, 4);
    stats("logProbs", new RowStats.Output(floats(T + 1), good, null, null));
    stats("entropy", new RowStats.Output(good, longs(T), null, null));
    stats("logSumExp", new RowStats.Output(good, null, floats(T, 1), null));
    stats("state", new RowStats.Output(good, null, null, floats(T, 3)));
    stats("state", new RowStats.Output(good, null, null, floats(4 * T)));
    stats("state", new RowStats.Output(good, null, null, strided(T, 4, 5)));
    overlaps(() -> RowStats.compute(CPU, logits, new RowStats.Output(good, good, null, null)));
    RowStats.Output inState = new RowStats.Output(alias(state, T), null, null, state);
    overlaps(() -> RowStats.compute(CPU, logits, inState));
    RowStats.Output inLogits = new RowStats.Output(good, alias(logits.data(), T), null, state);
    overlaps(() -> RowStats.compute(CPU, logits, inLogits));
    refused("logits", () -> RowStats.compute(CPU, missing(), RowStats.Output.allocate(T)));
    refused("out", () -> RowStats.compute(CPU, logits, missing()));
    unwritten.run();
  }

  @Test
  void mergeRefusesStatesThatDoNotFit() {
    RowStats.Output out = RowStats.Output.allocate(T);
    Runnable unwritten = guard(out.logProbs(), out.entropy(), out.logSumExp(), out.state());
    TensorView states = floats(2 * T, 4);
    refused("parts", () -> RowStats.merge(CPU, states, 0, 1, out));
    refused("states", () -> RowStats.merge(CPU, states, 3, 1, out));
    refused("states", () -> RowStats.merge(CPU, floats(8 * T), 2, 1, out));
    refused("states", () -> RowStats.merge(CPU, floats(2 * T, 5), 2, 1, out));
    refused("states", () -> RowStats.merge(CPU, missing(), 2, 1, out));
    refused("logProbs", () -> RowStats.merge(CPU, states, 1, 1, out));
    refused("temperature", () -> RowStats.merge(CPU, states, 2, 0, out));
    refused("temperature", () -> RowStats.merge(CPU, states, 2, Float.NaN, out));
    refused("temperatures", () -> RowStats.merge(CPU, states, 2, floats(T + 1), out));
    refused("temperatures[0]", () -> RowStats.merge(CPU, states, 2, filled(T, -1), out));
    refused("temperatures", () -> RowStats.merge(CPU, states, 2, missing(), out));
    RowStats.Output second = new RowStats.Output(null, null, null, states.rows(T, 2 * T));
    overlaps(() -> RowStats.merge(CPU, states, 2, 1, second));
    unwritten.run();
  }

  @Test
  void logitsGradRefusesArgumentsThatDoNotFit() {
    TensorView state = floats(T, 4);
    TensorView c = floats(T);
    TensorView out = floats(T, V);
    Runnable unwritten = guard(out);
    refused("state", () -> LogitsGrad.compute(CPU, logits, floats(T, 3), c, null, out));
    refused("state", () -> LogitsGrad.compute(CPU, logits, missing(), c, null, out));
    refused("c", () -> LogitsGrad.compute(CPU, logits, state, floats(T - 1), null, out));
    refused("c", () -> LogitsGrad.compute(CPU, logits, state, longs(T), null, out));
    refused("h", () -> LogitsGrad.compute(CPU, logits, state, c, floats(T + 1), out));
    refused("dLogits", () -> LogitsGrad.compute(CPU, logits, state, c, null, floats(T, V + 1)));
    refused("dLogits", () -> LogitsGrad.compute(CPU, logits, state, c, null, longs(T, V)));
    refused("logits", () -> LogitsGrad.compute(CPU, missing(), state, c, null, out));
    TensorView inside = alias(out, T);
    overlaps(() -> LogitsGrad.compute(CPU, logits, state, inside, null, out));
    unwritten.run();
  }

  @Test
  void tokenObjectiveRefusesArgumentsThatDoNotFit() {
    TokenBatch batch = TokenBatch.builder(T).advantages(floats(T)).build();
    Objective objective = Objective.ppo();
    TokenObjective.Output out = TokenObjective.Output.allocate(T);
    Runnable unwritten = guard(out.c(), out.h(), out.tokenLoss());
    Metrics metrics = new Metrics();
    TensorView work = bytes(TokenObjective.workspaceBytes(T, 0));
    TensorView logp = filled(T, -1);
    Objective withEntropy = objective.toBuilder().entropyBonus(0.1f).build();
    TokenObjective.Output longC = new TokenObjective.Output(floats(T + 1), null, null);
    TokenObjective.Output same = new TokenObjective.Output(out.c(), logp, null);
    refused("logProbs", () -> token(batch, objective, floats(T + 1), null, out, metrics, work));
    refused("logProbs", () -> token(batch, objective, missing(), null, out, metrics, work));
    refused("entropy", () -> token(batch, objective, logp, longs(T), out, metrics, work));
    refused("entropy", () -> token(batch, withEntropy, logp, null, out, metrics, work));
    for (Objective needsEntropy :
        new Objective[] {HybridObjectives.srft(), HybridObjectives.prefixRft()}) {
      Objective byToken = needsEntropy.toBuilder().aggregation(Aggregation.TOKEN_MEAN).build();
      refused("entropy", () -> token(batch, byToken, logp, null, out, metrics, work));
    }
    refused("c", () -> token(batch, objective, logp, null, longC, metrics, work));
    overlaps(() -> token(batch, objective, logp, null, same, metrics, work));
    refused("workspace_bytes", () -> token(batch, objective, logp, null, out, metrics, bytes(0)));
    refused("workspace", () -> token(batch, objective, logp, null, out, metrics, longs(99)));
    refused("batch", () -> token(missing(), objective, logp, null, out, metrics, work));
    refused("objective", () -> token(batch, missing(), logp, null, out, metrics, work));
    refused("out", () -> token(batch, objective, logp, null, missing(), metrics, work));
    unwritten.run();
    assertEquals(0, metrics.tokens());
    refused("tokens, sequences", () -> TokenObjective.workspaceBytes(-1, 0));
    token(batch, objective, logp, null, out, metrics, work);
    assertEquals(T, metrics.tokens());
  }

  @Test
  void groupAdvantageRefusesArgumentsThatDoNotFit() {
    GroupAdvantage grpo = GroupAdvantage.grpo();
    TensorView rewards = TensorView.copyOf(1f, 0, 0, 1);
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 2, 4));
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(4, 2);
    Runnable unwritten = guard(out.advantages(), out.groupMean(), out.groupStd());
    TensorView work = bytes(GroupAdvantage.workspaceBytes(2));
    GroupAdvantage.Output aliased = new GroupAdvantage.Output(rewards, null, null);
    GroupAdvantage.Output shortMean = new GroupAdvantage.Output(out.advantages(), floats(1), null);
    refused("rewards", () -> grpo.compute(CPU, Input.of(longs(4), groups), out, work));
    refused("rewards", () -> grpo.compute(CPU, Input.of(missing(), groups), out, work));
    refused("rewards[2]", () -> grpo.compute(CPU, Input.of(infinite(), groups), out, work));
    refused("advantages", () -> grpo.compute(CPU, Input.of(floats(5), groups), out, work));
    refused("advantages", () -> grpo.compute(CPU, Input.of(rewards, groups), aliased, work));
    refused("groupMean", () -> grpo.compute(CPU, Input.of(rewards, groups), shortMean, work));
    refused("workspace_bytes", () -> grpo.compute(CPU, Input.of(rewards, groups), out, bytes(0)));
    refused("groups", () -> grpo.compute(CPU, Input.of(rewards, missing()), out, work));
    refused("offsets[2]", () -> grpo.compute(CPU, Input.of(rewards, offsets(0, 2, 3)), out, work));
    refused("offsets[0]", () -> grpo.compute(CPU, Input.of(rewards, offsets(1, 2, 4)), out, work));
    refused("offsets[2]", () -> grpo.compute(CPU, Input.of(rewards, offsets(0, 5, 4)), out, work));
    refused("ids", () -> grpo.compute(CPU, Input.of(rewards, ids(2, 0, 1)), out, work));
    refused("ids[3]", () -> grpo.compute(CPU, Input.of(rewards, ids(2, 0, 1, 0, 2)), out, work));
    refused("ids[0]", () -> grpo.compute(CPU, Input.of(rewards, ids(2, -1, 1, 0, 0)), out, work));
    Input in = Input.of(rewards, groups);
    refused("roles", () -> grpo.compute(CPU, in.withRoles(bytes(3)), out, work));
    refused("roles[1]", () -> grpo.compute(CPU, in.withRoles(badRole()), out, work));
    refused("weights", () -> grpo.compute(CPU, in.withWeights(longs(4)), out, work));
    TensorView negative = TensorView.copyOf(1f, 1, -1, 1);
    refused("weights[2]", () -> grpo.compute(CPU, in.withWeights(negative), out, work));
    refused("weights", () -> GroupAdvantage.opo().compute(CPU, in, out, work));
    refused("in", () -> grpo.compute(CPU, missing(), out, work));
    refused("offsets", () -> Groups.offsets(floats(3)));
    refused("offsets", () -> Groups.offsets(longs(0)));
    refused("ids", () -> Groups.ids(longs(2, 2), 2));
    refused("count", () -> Groups.ids(longs(2), -1));
    unwritten.run();
  }

  @Test
  void importanceRatioRefusesArgumentsThatDoNotFit() {
    TensorView logp = filled(T, -1);
    TensorView offsets = TensorView.copyOf(0L, 3, 4);
    TokenBatch batch = TokenBatch.builder(T).offsets(offsets).oldLogProbs(filled(T, -2)).build();
    TokenBatch without = TokenBatch.builder(T).build();
    ImportanceRatio.Options options = ImportanceRatio.Options.of(RatioLevel.TOKEN);
    TensorView ratio = floats(T);
    Runnable unwritten = guard(ratio);
    ratios(
        "logProbs", batch, floats(T - 1), options, new ImportanceRatio.Output(ratio, null, null));
    ratios("oldLogProbs", without, logp, options, new ImportanceRatio.Output(ratio, null, null));
    ratios("ratio", batch, logp, options, new ImportanceRatio.Output(floats(T + 1), null, null));
    ImportanceRatio.Output three = new ImportanceRatio.Output(ratio, floats(3), null);
    ratios("sequenceRatio", batch, logp, options, three);
    ImportanceRatio.Options sums = ImportanceRatio.Options.of(RatioLevel.SEQUENCE_SUM);
    ratios("sequenceRatio", batch, logp, sums, three);
    ratios("flags", batch, logp, options, new ImportanceRatio.Output(ratio, null, longs(T)));
    ratios("options", batch, logp, missing(), new ImportanceRatio.Output(ratio, null, null));
    ratios("batch", missing(), logp, options, new ImportanceRatio.Output(ratio, null, null));
    ratios("out", batch, logp, options, missing());
    offsets.setLong(1, 5);
    ratios("offsets[2]", batch, logp, options, new ImportanceRatio.Output(ratio, null, null));
    offsets.setLong(1, 3);
    unwritten.run();
    float inf = Float.POSITIVE_INFINITY;
    RatioLevel level = RatioLevel.TOKEN;
    refused("clipLow", () -> new ImportanceRatio.Options(level, -1, inf, inf));
    refused("clipHigh", () -> new ImportanceRatio.Options(level, 0, Float.NaN, inf));
    refused("logRatioLimit", () -> new ImportanceRatio.Options(level, 0, 0, 0));
    ImportanceRatio.compute(
        CPU, batch, logp, options, new ImportanceRatio.Output(ratio, null, null));
    assertEquals(Math.E, ratio.getFloat(0), 1e-6);
  }

  @Test
  void bandwidthRefusesWhatItCannotMeasure() {
    refused("data", () -> Bandwidth.read(missing()));
    refused("data", () -> Bandwidth.read(strided(4, 4, 5)));
    refused("data", () -> Bandwidth.scale(longs(1024), 2));
    String message =
        message(assertThrows(IllegalArgumentException.class, () -> Bandwidth.read(floats(7))));
    assertTrue(message.contains("4096"), message);
  }

  private void stats(String argument, RowStats.Output out) {
    refused(argument, () -> RowStats.compute(CPU, logits, out));
  }

  private static void token(
      TokenBatch batch,
      Objective objective,
      TensorView logp,
      @Nullable TensorView entropy,
      TokenObjective.Output out,
      Metrics metrics,
      TensorView work) {
    TokenObjective.compute(
        CPU, batch, objective, Normalizers.NONE, logp, entropy, out, metrics, work);
  }

  private static void ratios(
      String argument,
      TokenBatch batch,
      TensorView logp,
      ImportanceRatio.Options options,
      ImportanceRatio.Output out) {
    refused(argument, () -> ImportanceRatio.compute(CPU, batch, logp, options, out));
  }

  private static TensorView infinite() {
    return TensorView.copyOf(0f, 1, Float.POSITIVE_INFINITY, 0);
  }

  private static TensorView badRole() {
    TensorView roles = bytes(4);
    roles.setLong(1, 4);
    return roles;
  }

  private static Groups offsets(long... values) {
    return Groups.offsets(TensorView.copyOf(values));
  }

  private static Groups ids(long count, long... values) {
    return Groups.ids(TensorView.copyOf(values), count);
  }

  private static TensorView floats(long... shape) {
    return TensorView.allocate(DType.FLOAT32, shape);
  }

  private static TensorView longs(long... shape) {
    return TensorView.allocate(DType.INT64, shape);
  }

  private static TensorView bytes(long length) {
    return TensorView.allocate(DType.UINT8, length);
  }

  private static TensorView strided(long rows, long columns, long stride) {
    TensorView memory = floats(rows, stride);
    long[] shape = {rows, columns};
    return TensorView.ofAddress(memory.address(), DType.FLOAT32, shape, stride, -1, memory);
  }

  /** A view of other shape over the memory of another; refused calls do not touch it. */
  private static TensorView alias(TensorView view, long... shape) {
    long columns = shape[shape.length - 1];
    return TensorView.ofAddress(view.address(), DType.FLOAT32, shape, columns, -1, view.owner());
  }
}
