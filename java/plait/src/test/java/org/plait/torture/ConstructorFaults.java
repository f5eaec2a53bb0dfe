package org.plait.torture;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.Covariance;
import org.plait.DType;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.ImportanceRatio;
import org.plait.KlEstimator;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.RatioLevel;
import org.plait.Reshaping;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Sapo;
import org.plait.Scope;
import org.plait.TensorView;
import org.plait.Term;
import org.plait.TokenAdvantage;
import org.plait.TokenBatch;
import org.plait.TokenObjective;
import org.plait.Vespo;
import org.plait.Whitening;

/** Options that no call gets to see, because they refuse to exist. */
final class ConstructorFaults {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  private record Fault(String name, Runnable make) {}

  private static final List<Fault> FAULTS =
      List.of(
          new Fault("coefficient", () -> Term.of(NAN)),
          new Fault("coefficient", () -> Term.of(INF)),
          new Fault("coefficient", () -> Term.of(-1)),
          new Fault("clipLow", () -> Rule.builder().clip(-1, 0).build()),
          new Fault("clipHigh", () -> Rule.builder().clip(0, NAN).build()),
          new Fault("dualClip", () -> Rule.builder().dualClip(1).build()),
          new Fault("logRatioLimit", () -> Rule.builder().logRatioLimit(0).build()),
          new Fault("maxProbability", () -> Rule.builder().maxProbability(NAN).build()),
          new Fault("offPolicyThreshold", () -> Rule.builder().offPolicyThreshold(NAN).build()),
          new Fault("policy", () -> Rule.builder().policy(PolicyLoss.NONE, Term.of(1)).build()),
          new Fault("logLimit", () -> Rule.builder().klLimits(0, 1).build()),
          new Fault("valueLimit", () -> Rule.builder().klLimits(1, NAN).build()),
          new Fault("parameter", () -> new Reshaping(Reshaping.LUFFY.reshape(), 0, 0, 1)),
          new Fault("low", () -> new Reshaping(Reshaping.LUFFY.reshape(), 1, 1, 0)),
          new Fault("positive", () -> new Sapo(0, 1)),
          new Fault("negativeK", () -> new Vespo(1, 1, INF, 1)),
          new Fault("fraction", () -> Covariance.kl(0, 1)),
          new Fault("low", () -> Covariance.clip(0, 1, NAN, 1)),
          new Fault("drop", () -> new EntropySelection(Scope.BATCH, 1)),
          new Fault("scope", () -> new EntropySelection(Scope.TOKEN, 0)),
          new Fault("scope", () -> EntropyWeighting.of(Scope.BATCH, 1, 1)),
          new Fault("scale", () -> EntropyWeighting.of(Scope.TOKEN, -1, 1)),
          new Fault("exponent", () -> EntropyWeighting.of(Scope.TOKEN, 1, NAN)),
          new Fault("high", () -> SamplerCorrection.tis(NAN)),
          new Fault("low", () -> SamplerCorrection.icePop(3, 2)),
          new Fault("logLimit", () -> SamplerCorrection.builder().logLimit(0).build()),
          new Fault(
              "level",
              () ->
                  SamplerCorrection.builder()
                      .weights(CorrectionLevel.SEQUENCE_MAX, CorrectionBounds.MASK, 0, 1)
                      .build()),
          new Fault(
              "filterEstimator",
              () ->
                  SamplerCorrection.builder()
                      .filter(CorrectionLevel.TOKEN, KlEstimator.ABS, 0, 1)
                      .build()),
          new Fault("correction", () -> Objective.sft().toBuilder().correction(tis()).build()),
          new Fault("clip", () -> Objective.sft().toBuilder().clip(1, 1).build()),
          new Fault("objective", () -> Objective.builder().build()),
          new Fault("epsilon", () -> GroupAdvantage.grpo().epsilon(NAN)),
          new Fault("stdFloor", () -> GroupAdvantage.grpo().stdFloor(-1)),
          new Fault("groups", () -> GroupAdvantage.workspaceBytes(-1)),
          new Fault("tokens, sequences", () -> TokenObjective.workspaceBytes(0, -1)),
          new Fault("tokens", () -> TokenBatch.builder(-1)),
          new Fault("gamma", () -> TokenAdvantage.gae(1.5f, 1)),
          new Fault("lambda", () -> TokenAdvantage.gae(1, NAN)),
          new Fault("floor", () -> new Whitening(true, true, INF, 0)),
          new Fault("epsilon", () -> new Whitening(true, true, 0, -1)),
          new Fault("clipLow", () -> new ImportanceRatio.Options(RatioLevel.TOKEN, NAN, 0, 1)),
          new Fault("length", () -> Normalizers.NONE.withLength(-1)),
          new Fault("tokens", () -> Normalizers.NONE.withTokens(Double.NaN)),
          new Fault("count", () -> Groups.ids(TensorView.copyOf(0L), -1)),
          new Fault("copy", () -> new Metrics().read(TensorView.copyOf(0L))),
          new Fault("values", () -> TensorView.copyOf(0f, 1).copyFrom(0f)),
          new Fault("shape", () -> TensorView.allocate(DType.FLOAT32, -1)),
          new Fault("shape", () -> TensorView.allocate(DType.INT64, Long.MAX_VALUE / 4, 3)),
          new Fault("shape", () -> TensorView.allocate(DType.INT64)));

  private ConstructorFaults() {}

  private static SamplerCorrection tis() {
    return SamplerCorrection.tis(2);
  }

  static @Nullable Refusal spoil(Call call, Draw draw) {
    Fault fault = FAULTS.get(draw.below(FAULTS.size()));
    call.body = c -> fault.make.run();
    return Refusal.of("constructor", fault.name);
  }
}
