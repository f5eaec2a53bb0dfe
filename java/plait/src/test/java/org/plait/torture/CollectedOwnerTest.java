package org.plait.torture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.ImportanceRatio;
import org.plait.Logits;
import org.plait.LogitsGrad;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.RatioLevel;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenAdvantage;
import org.plait.TokenBatch;
import org.plait.TokenObjective;
import org.plait.Whitening;

/**
 * Memory whose owner nothing but a call reaches is not taken from under it: calls that last while
 * another thread collects garbage. The owner may go once the kernel is done, a moment before the
 * call returns, so that one round in a few proves nothing; a call that does not keep its arguments
 * loses them in every round.
 */
@Timeout(300)
class CollectedOwnerTest {
  private static final Backend CPU = Backend.cpu();
  private static final int ROUNDS = 5;
  private static final int ROWS = 64;
  private static final int VOCAB = 200_000;
  private static final int TOKENS = 1_000_000;

  /** Makes a long call with one array that nothing else reaches. */
  private interface Round {
    void call(TensorView only);
  }

  @Test
  void rowStatsKeepTheirLogits() {
    TensorView targets = TensorView.allocate(DType.INT64, ROWS);
    RowStats.Output out = RowStats.Output.allocate(ROWS);
    keeps(logits(), only -> RowStats.compute(CPU, Logits.of(only, targets), out));
  }

  @Test
  void logitsGradKeepsItsGradient() {
    Logits logits = Logits.of(logits(), TensorView.allocate(DType.INT64, ROWS));
    RowStats.Output out = RowStats.Output.allocate(ROWS);
    RowStats.compute(CPU, logits, out);
    TensorView state = Objects.requireNonNull(out.state());
    TensorView c = TensorView.allocate(DType.FLOAT32, ROWS);
    c.copyFrom(ones(ROWS));
    keeps(logits(), only -> LogitsGrad.compute(CPU, logits, state, c, null, only, null));
  }

  @Test
  void policyStepKeepsItsLogits() {
    TensorView targets = TensorView.allocate(DType.INT64, ROWS);
    TokenBatch batch = TokenBatch.builder(ROWS).build();
    TensorView workspace = workspace(ROWS);
    keeps(
        logits(),
        only -> {
          Logits logits = Logits.of(only, targets);
          PolicyStep.compute(
              CPU,
              logits,
              batch,
              Objective.sft(),
              Normalizers.NONE,
              PolicyStep.Output.inPlace(logits),
              null,
              workspace);
        });
  }

  @Test
  void tokenObjectiveKeepsItsLogProbs() {
    TokenBatch batch = TokenBatch.builder(TOKENS).advantages(tokens()).build();
    TokenObjective.Output out = TokenObjective.Output.allocate(TOKENS);
    TensorView workspace = workspace(TOKENS);
    keeps(
        tokens(),
        only ->
            TokenObjective.compute(
                CPU, batch, Objective.ppo(), Normalizers.NONE, only, null, out, null, workspace));
  }

  @Test
  void importanceRatioKeepsTheBatch() {
    TensorView logProbs = tokens();
    ImportanceRatio.Output out = new ImportanceRatio.Output(tokens(), null, null);
    ImportanceRatio.Options options = ImportanceRatio.Options.of(RatioLevel.SEQUENCE_SUM);
    keeps(
        tokens(),
        only -> {
          TokenBatch batch = TokenBatch.builder(TOKENS).oldLogProbs(only).build();
          ImportanceRatio.compute(CPU, batch, logProbs, options, out);
        });
  }

  @Test
  void advantagesKeepTheirRewards() {
    TensorView out = tokens();
    Groups groups = Groups.offsets(TensorView.copyOf(0L, TOKENS));
    TensorView workspace = TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(1));
    TokenBatch batch = TokenBatch.builder(TOKENS).build();
    GroupAdvantage.Output group = new GroupAdvantage.Output(out, null, null);
    keeps(
        tokens(),
        only ->
            GroupAdvantage.grpo()
                .compute(CPU, GroupAdvantage.Input.of(only, groups), group, workspace));
    TokenAdvantage.Output token = new TokenAdvantage.Output(out, null);
    keeps(tokens(), only -> TokenAdvantage.gae(1, 1).compute(CPU, batch, only, null, token));
    keeps(tokens(), only -> Whitening.verl().compute(CPU, batch, only, out));
  }

  private static void keeps(TensorView memory, Round round) {
    AtomicBoolean stopped = new AtomicBoolean();
    Thread collector =
        new Thread(
            () -> {
              while (!stopped.get()) {
                System.gc();
              }
            });
    collector.start();
    int lost = 0;
    try {
      for (int i = 0; i < ROUNDS; i++) {
        lost += isLost(memory, round) ? 1 : 0;
      }
    } finally {
      stopped.set(true);
    }
    assertTrue(2 * lost < ROUNDS, "lost in " + lost + " of " + ROUNDS + " calls");
  }

  /** Whether the owner was gone when the call returned. */
  private static boolean isLost(TensorView memory, Round round) {
    Lease owner = new Lease(memory.address(), 1);
    Lease.State state = owner.state();
    long[] shape =
        memory.rank() == 1
            ? new long[] {memory.size(0)}
            : new long[] {memory.size(0), memory.size(1)};
    TensorView only =
        TensorView.ofAddress(
            memory.address(), memory.dtype(), shape, memory.rowStride(), -1, owner);
    round.call(only);
    return state.isReturned();
  }

  private static TensorView logits() {
    return TensorView.allocate(DType.FLOAT32, ROWS, VOCAB);
  }

  private static TensorView tokens() {
    return TensorView.allocate(DType.FLOAT32, TOKENS);
  }

  private static TensorView workspace(long tokens) {
    return TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(tokens, 0));
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }
}
