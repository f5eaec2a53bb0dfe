package org.plait.benchmarks;

import java.util.Locale;
import org.bytedeco.pytorch.Tensor;
import org.plait.EntropyWeighting;
import org.plait.HybridObjectives;
import org.plait.Objective;
import org.plait.SamplerCorrection;
import org.plait.Scope;

/** What is timed: an objective, and the chain of PyTorch operations that it replaces. */
@SuppressWarnings("ImmutableEnumChecker") // a record of records, without an annotation that says so
enum StepObjective {
  SFT(Objective.sft(), false),
  GRPO(Objective.grpo(), false),
  GRPO_ENTROPY(Objective.grpo().toBuilder().entropyBonus(TorchLosses.BONUS).build(), true),
  GRPO_TIS(Objective.grpo().toBuilder().correction(SamplerCorrection.tis(2)).build(), false),
  DAPO(Objective.dapo(), false),
  LUFFY(HybridObjectives.luffy(), false),
  SRFT(srft(), true);

  final Objective plait;

  /** Whether PyTorch has to compute the entropy; Plait always does. */
  final boolean usesEntropy;

  StepObjective(Objective plait, boolean usesEntropy) {
    this.plait = plait;
    this.usesEntropy = usesEntropy;
  }

  static StepObjective of(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  /** Whether half of the sequences are demonstrations. */
  boolean mixed() {
    return this == LUFFY || this == SRFT;
  }

  /** The scalar loss. */
  Tensor torch(TorchLosses losses) {
    return switch (this) {
      case SFT -> losses.sft();
      case GRPO, GRPO_ENTROPY, GRPO_TIS -> losses.grpo(this == GRPO_ENTROPY, this == GRPO_TIS);
      case DAPO -> losses.dapo();
      case LUFFY -> losses.luffy();
      case SRFT -> losses.srft();
    };
  }

  /** Each token by its own entropy, which needs one pass. */
  private static Objective srft() {
    return HybridObjectives.srft().toBuilder()
        .rollout(r -> r.policyWeighting(new EntropyWeighting(Scope.TOKEN, 0.1f, 1, true)))
        .demonstration(r -> r.nllWeighting(EntropyWeighting.of(Scope.TOKEN, 0.5f, -1)))
        .build();
  }
}
