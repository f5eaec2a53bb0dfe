package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import org.plait.Aggregation;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.Term;

/** The objectives that the sweep runs, by name. */
final class Objectives {

  private Objectives() {}

  static Map<String, Objective> all() {
    Map<String, Objective> all = new LinkedHashMap<>(ObjectivePresets.all());
    // The ratio of a whole response overflows float32 in the samples, as it does upstream.
    all.put("rloo_trl", Objective.rlooTrl().toBuilder().logRatioLimit(20).build());
    all.put("sft + entropy", Objective.sft().toBuilder().entropyBonus(1e-3f).build());
    for (KlEstimator kl : KlEstimator.values()) {
      all.put(
          "grpo + " + JsonFields.lower(kl) + " + entropy",
          Objective.grpo().toBuilder().kl(kl, 0.05f).entropyBonus(0.01f).build());
      all.put(JsonFields.lower(kl) + " alone", rollouts(Rule.builder().kl(kl, Term.of(0.5f))));
    }
    Term one = Term.of(1);
    all.put("unclipped", rollouts(Rule.builder().policy(PolicyLoss.CLIP, one)));
    all.put(
        "log-ratio limit", rollouts(Rule.builder().policy(PolicyLoss.CLIP, one).logRatioLimit(1)));
    all.put(
        "reinforce, limited",
        rollouts(Rule.builder().policy(PolicyLoss.REINFORCE, one).logRatioLimit(1)));
    for (Aggregation aggregation : Aggregation.values()) {
      for (Population population : Population.values()) {
        all.put(
            "mixed, " + JsonFields.lower(aggregation) + ", " + JsonFields.lower(population),
            mixed(aggregation, population));
      }
    }
    all.putAll(ObjectiveFamily.all());
    return all;
  }

  static Objective rollouts(Rule.Builder rule) {
    return Objective.builder().rollout(rule.build()).build();
  }

  /** Every kind of term at once, on all roles, with unlike coefficients, token by token. */
  static Objective mixed(Aggregation aggregation, Population population) {
    Term term = new Term(1, aggregation, population);
    Rule rollout =
        Rule.builder()
            .policy(PolicyLoss.CLIP, term)
            .clip(0.2f, 0.28f)
            .dualClip(3)
            .kl(KlEstimator.K3, term.withCoefficient(0.04f))
            .entropy(term.withCoefficient(0.01f))
            .build();
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.REINFORCE, term.withCoefficient(0.5f))
            .nll(term.withCoefficient(0.7f))
            .entropy(term.withCoefficient(0.003f))
            .build();
    Rule hint = Rule.builder().nll(term.withCoefficient(0.1f)).build();
    return Objective.builder().rollout(rollout).demonstration(demonstration).hint(hint).build();
  }
}
