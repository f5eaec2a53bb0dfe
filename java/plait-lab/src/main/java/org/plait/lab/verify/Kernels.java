package org.plait.lab.verify;

import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.ImportanceRatio;
import org.plait.Logits;
import org.plait.LogitsGrad;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenAdvantage;
import org.plait.TokenBatch;
import org.plait.TokenObjective;
import org.plait.Whitening;

/**
 * The kernels of a backend for arrays on the host: one method per kernel, which brings the arrays
 * to where the backend works, calls the kernel, and brings them back. On the CPU nothing moves.
 */
final class Kernels {

  private final Backend backend;
  private final Memory memory;

  private Kernels(Backend backend, Memory memory) {
    this.backend = backend;
    this.memory = memory;
  }

  /**
   * The kernels of a backend.
   *
   * @throws IllegalArgumentException if its memory cannot be had, with the reason
   */
  static Kernels of(Backend backend) {
    return of(backend, Memory.of(backend));
  }

  /** The kernels of a backend, in this memory. */
  static Kernels of(Backend backend, Memory memory) {
    return new Kernels(backend.onStream(memory.stream()), memory);
  }

  Backend backend() {
    return backend;
  }

  /** {@code row_stats}: how many targets were bad. */
  long rowStats(Logits logits, RowStats.Output out) {
    TensorView bad = TensorView.allocate(DType.INT64, 1);
    try (Memory.Stage stage = memory.stage()) {
      RowStats.compute(backend, at(stage, logits), at(stage, out), stage.at(bad));
      stage.finish();
    }
    return bad.getLong(0);
  }

  /** {@code row_stats_merge}, with a temperature of its own for each token or one for all. */
  void merge(
      TensorView states,
      long parts,
      @Nullable TensorView temperatures,
      float temperature,
      RowStats.Output out) {
    try (Memory.Stage stage = memory.stage()) {
      if (temperatures == null) {
        RowStats.merge(backend, stage.at(states), parts, temperature, at(stage, out));
      } else {
        RowStats.merge(backend, stage.at(states), parts, stage.at(temperatures), at(stage, out));
      }
      stage.finish();
    }
  }

  /** {@code logits_grad}: how many targets were bad. */
  long logitsGrad(
      Logits logits, TensorView state, TensorView c, @Nullable TensorView h, TensorView dLogits) {
    TensorView bad = TensorView.allocate(DType.INT64, 1);
    try (Memory.Stage stage = memory.stage()) {
      LogitsGrad.compute(
          backend,
          at(stage, logits),
          stage.at(state),
          stage.at(c),
          optional(stage, h),
          stage.at(dLogits),
          stage.at(bad));
      stage.finish();
    }
    return bad.getLong(0);
  }

  /** {@code policy_step}. */
  void policyStep(
      Logits logits,
      TokenBatch batch,
      Objective objective,
      Normalizers normalizers,
      PolicyStep.Output out,
      Metrics metrics,
      TensorView workspace) {
    TensorView struct = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    try (Memory.Stage stage = memory.stage()) {
      PolicyStep.compute(
          backend,
          at(stage, logits),
          at(stage, batch),
          objective,
          normalizers,
          new PolicyStep.Output(
              stage.at(out.dLogits()),
              stage.at(out.logProbs()),
              stage.at(out.entropy()),
              optional(stage, out.tokenLoss())),
          Metrics.at(stage.at(struct)),
          stage.at(workspace));
      stage.finish();
    }
    metrics.read(struct);
  }

  /** {@code token_objective}. */
  void tokenObjective(
      TokenBatch batch,
      Objective objective,
      Normalizers normalizers,
      TensorView logProbs,
      @Nullable TensorView entropy,
      TokenObjective.Output out,
      Metrics metrics,
      TensorView workspace) {
    TensorView struct = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    try (Memory.Stage stage = memory.stage()) {
      TokenObjective.compute(
          backend,
          at(stage, batch),
          objective,
          normalizers,
          stage.at(logProbs),
          optional(stage, entropy),
          new TokenObjective.Output(
              optional(stage, out.c()), optional(stage, out.h()), optional(stage, out.tokenLoss())),
          Metrics.at(stage.at(struct)),
          stage.at(workspace));
      stage.finish();
    }
    metrics.read(struct);
  }

  /** {@code group_advantage}. */
  void groupAdvantage(
      GroupAdvantage options,
      GroupAdvantage.Input in,
      GroupAdvantage.Output out,
      TensorView workspace) {
    try (Memory.Stage stage = memory.stage()) {
      Groups groups =
          in.groups() instanceof Groups.Ids ids
              ? Groups.ids(stage.at(ids.ids()), ids.count())
              : Groups.offsets(stage.at(((Groups.Offsets) in.groups()).offsets()));
      options.compute(
          backend,
          new GroupAdvantage.Input(
              stage.at(in.rewards()),
              groups,
              optional(stage, in.roles()),
              optional(stage, in.weights())),
          new GroupAdvantage.Output(
              stage.at(out.advantages()),
              optional(stage, out.groupMean()),
              optional(stage, out.groupStd())),
          stage.at(workspace));
      stage.finish();
    }
  }

  /** {@code token_advantage}. */
  void tokenAdvantage(
      TokenAdvantage options,
      TokenBatch batch,
      TensorView rewards,
      @Nullable TensorView values,
      TokenAdvantage.Output out) {
    try (Memory.Stage stage = memory.stage()) {
      options.compute(
          backend,
          at(stage, batch),
          stage.at(rewards),
          optional(stage, values),
          new TokenAdvantage.Output(stage.at(out.advantages()), optional(stage, out.returns())));
      stage.finish();
    }
  }

  /** {@code whiten}. */
  void whiten(Whitening options, TokenBatch batch, TensorView x, TensorView out) {
    try (Memory.Stage stage = memory.stage()) {
      options.compute(backend, at(stage, batch), stage.at(x), stage.at(out));
      stage.finish();
    }
  }

  /** {@code importance_ratio}. */
  void importanceRatio(
      TokenBatch batch,
      TensorView logProbs,
      ImportanceRatio.Options options,
      ImportanceRatio.Output out) {
    try (Memory.Stage stage = memory.stage()) {
      ImportanceRatio.compute(
          backend,
          at(stage, batch),
          stage.at(logProbs),
          options,
          new ImportanceRatio.Output(
              optional(stage, out.ratio()),
              optional(stage, out.sequenceRatio()),
              optional(stage, out.flags())));
      stage.finish();
    }
  }

  private static @Nullable TensorView optional(Memory.Stage stage, @Nullable TensorView view) {
    return view == null ? null : stage.at(view);
  }

  private static RowStats.Output at(Memory.Stage stage, RowStats.Output out) {
    return new RowStats.Output(
        optional(stage, out.logProbs()),
        optional(stage, out.entropy()),
        optional(stage, out.logSumExp()),
        optional(stage, out.state()));
  }

  private static Logits at(Memory.Stage stage, Logits logits) {
    Logits.Builder builder =
        Logits.builder(stage.at(logits.data()), stage.at(logits.targets()))
            .shard(logits.vocabBegin(), logits.vocabTotal());
    TensorView temperatures = logits.temperatures();
    if (temperatures == null) {
      builder.temperature(logits.temperature());
    } else {
      builder.temperatures(stage.at(temperatures));
    }
    TensorView rowIndex = logits.rowIndex();
    if (rowIndex != null) {
      builder.rowIndex(stage.at(rowIndex));
    }
    return builder.build();
  }

  private static TokenBatch at(Memory.Stage stage, TokenBatch batch) {
    TokenBatch.Builder builder = TokenBatch.builder(batch.tokens());
    TensorView view = batch.offsets();
    if (view != null) {
      builder.offsets(stage.at(view));
    }
    view = batch.roles();
    if (view != null) {
      builder.roles(stage.at(view));
    }
    view = batch.advantages();
    if (view != null && batch.advantagePerSequence()) {
      builder.sequenceAdvantages(stage.at(view));
    } else if (view != null) {
      builder.advantages(stage.at(view));
    }
    view = batch.oldLogProbs();
    if (view != null) {
      builder.oldLogProbs(stage.at(view));
    }
    view = batch.referenceLogProbs();
    if (view != null) {
      builder.referenceLogProbs(stage.at(view));
    }
    view = batch.samplerLogProbs();
    if (view != null) {
      builder.samplerLogProbs(stage.at(view));
    }
    return builder.build();
  }
}
