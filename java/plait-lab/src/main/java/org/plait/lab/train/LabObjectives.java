package org.plait.lab.train;

import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.EntropySelection;
import org.plait.HybridObjectives;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;

/**
 * What the methods are trained on here: their published objectives, made alike in what does not
 * tell them apart, so that a comparison shows the rest. All take token means, all clip rollouts by
 * 0.2, none has a KL term or an entropy bonus.
 */
final class LabObjectives {

  private static final float NONE = Float.POSITIVE_INFINITY;

  /** UFT's weight of the hint; at this scale the paper's 0.001 has no effect. */
  private static final float HINT_WEIGHT = 0.1f;

  private LabObjectives() {}

  private static Objective tokenMean(Objective objective) {
    return objective.toBuilder().aggregation(Aggregation.TOKEN_MEAN).build();
  }

  static Objective grpo() {
    return tokenMean(Objective.grpo());
  }

  static Objective luffy() {
    return tokenMean(HybridObjectives.luffy().toBuilder().clip(0.2f, 0.2f).build());
  }

  /** LUFFY whose demonstrations have {@code -A p}: importance sampling as it stands. */
  static Objective luffyUnshaped() {
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.CLIP, Term.of(1))
            .clip(NONE, NONE)
            .behaviour(Behaviour.CERTAIN)
            .build();
    return luffy().toBuilder().demonstration(demonstration).build();
  }

  static Objective uft() {
    return HybridObjectives.uft(HINT_WEIGHT);
  }

  static Objective bread() {
    return tokenMean(HybridObjectives.bread(0));
  }

  /**
   * Prefix-RFT whose prefix tokens are ranked within their sequence, so that the gradient does not
   * depend on how a batch is divided among threads.
   */
  static Objective prefixRft() {
    EntropySelection selection = new EntropySelection(Scope.SEQUENCE, 0.8f);
    return tokenMean(
        HybridObjectives.prefixRft().toBuilder()
            .demonstration(rule -> rule.selection(selection))
            .hint(rule -> rule.selection(selection))
            .build());
  }
}
