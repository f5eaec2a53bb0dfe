package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;

/** Every option of the policy loss and of the other terms, one at a time and all together. */
final class ObjectiveFamily {

  private static final Term ONE = Term.of(1);
  private static final Term SEQUENCES =
      ONE.withAggregation(Aggregation.SEQ_MEAN_TOKEN_MEAN).withPopulation(Population.OWN_ROLE);

  private final Map<String, Objective> all = new LinkedHashMap<>();

  private ObjectiveFamily() {}

  static Map<String, Objective> all() {
    ObjectiveFamily family = new ObjectiveFamily();
    family.ratios();
    family.reshapings();
    family.kl();
    family.weightings();
    family.probabilities();
    family.gates();
    family.mixtures();
    family.all.putAll(CorrectionFamily.all());
    return family.all;
  }

  private void put(String name, Rule.Builder rollout) {
    all.put(name, Objectives.rollouts(rollout));
  }

  private static Rule.Builder policy(PolicyLoss loss) {
    return Rule.builder().policy(loss, ONE).clip(0.2f, 0.28f);
  }

  private void ratios() {
    for (PolicyLoss loss :
        List.of(PolicyLoss.CLIP, PolicyLoss.CISPO, PolicyLoss.SAPO, PolicyLoss.RESHAPED)) {
      String name = JsonFields.lower(loss);
      put(name, policy(loss));
      put(
          name + ", sequence mean",
          policy(loss).policy(loss, SEQUENCES).ratioLevel(RatioLevel.SEQUENCE_MEAN));
      put(
          name + ", sequence sum",
          policy(loss)
              .policy(loss, SEQUENCES)
              .ratioLevel(RatioLevel.SEQUENCE_SUM)
              .logRatioLimit(8));
      put(name + ", log-ratio limit", policy(loss).logRatioLimit(1));
      put(name + ", certain behaviour", policy(loss).behaviour(Behaviour.CERTAIN));
    }
    put("dual clip, sequence mean", clipped(RatioLevel.SEQUENCE_MEAN).dualClip(1.5f));
    put(
        "unclipped, sequence mean",
        Rule.builder().policy(PolicyLoss.CLIP, SEQUENCES).ratioLevel(RatioLevel.SEQUENCE_MEAN));
    put(
        "cispo, upper bound alone",
        Rule.builder().policy(PolicyLoss.CISPO, ONE).clip(Float.POSITIVE_INFINITY, 4));
    put("sapo, other temperatures", policy(PolicyLoss.SAPO).sapo(0.5f, 3));
    put("gmpo, wide", Rule.builder().policy(PolicyLoss.GMPO, SEQUENCES).clip(0.4f, 0.45f));
    put("gmpo, unbounded", Rule.builder().policy(PolicyLoss.GMPO, SEQUENCES));
    put("vespo, flat", Rule.builder().policy(PolicyLoss.VESPO, ONE).vespo(0.5f, 0.1f, 0.25f, 0.2f));
  }

  private static Rule.Builder clipped(RatioLevel level) {
    return Rule.builder().policy(PolicyLoss.CLIP, SEQUENCES).clip(0.2f, 0.28f).ratioLevel(level);
  }

  private void reshapings() {
    for (Reshape reshape : Reshape.values()) {
      for (Behaviour behaviour : Behaviour.values()) {
        for (float parameter : new float[] {0.1f, 0.5f}) {
          Rule.Builder rule =
              Rule.builder()
                  .policy(PolicyLoss.RESHAPED, ONE)
                  .reshape(reshape, parameter)
                  .behaviour(behaviour);
          String name =
              "reshape "
                  + JsonFields.lower(reshape)
                  + " "
                  + parameter
                  + ", behaviour "
                  + JsonFields.lower(behaviour);
          put(name, rule);
          put(name + ", bounded", rule.reshapeBounds(0.25f, 0.75f));
        }
      }
    }
  }

  private void kl() {
    for (KlEstimator estimator : KlEstimator.values()) {
      for (KlForm form : KlForm.values()) {
        Rule.Builder rule = Rule.builder().kl(estimator, ONE).klForm(form);
        String name = "kl " + JsonFields.lower(estimator) + " " + JsonFields.lower(form);
        put(name, rule);
        put(name + ", limits of verl", rule.klLimits(20, 10));
        put(name + ", narrow limits", rule.klLimits(0.6f, 0.3f));
      }
    }
  }

  private void weightings() {
    for (Scope scope : List.of(Scope.TOKEN, Scope.SEQUENCE)) {
      for (boolean positive : new boolean[] {false, true}) {
        EntropyWeighting up = new EntropyWeighting(scope, 0.1f, 1, positive);
        EntropyWeighting down = new EntropyWeighting(scope, 0.5f, -1, positive);
        String name =
            "weighting by " + JsonFields.lower(scope) + (positive ? ", positive only" : "");
        put(name, policy(PolicyLoss.REINFORCE).policyWeighting(up));
        put(
            name + ", both terms",
            policy(PolicyLoss.CLIP).policyWeighting(up).nll(SEQUENCES).nllWeighting(down));
      }
      EntropyWeighting down = new EntropyWeighting(scope, 0.5f, -1, false);
      put("likelihood by " + JsonFields.lower(scope), Rule.builder().nll(ONE).nllWeighting(down));
    }
  }

  private void probabilities() {
    for (ProbabilityWeighting weighting : ProbabilityWeighting.values()) {
      if (weighting.isOn()) {
        String name = "likelihood by " + JsonFields.lower(weighting);
        Rule.Builder rule = Rule.builder().nll(SEQUENCES).nllProbabilityWeighting(weighting);
        put(name, rule);
        put(
            name + " and entropy",
            rule.nllWeighting(new EntropyWeighting(Scope.SEQUENCE, 0.5f, -1, true)));
      }
    }
  }

  private void gates() {
    for (Scope scope : List.of(Scope.SEQUENCE, Scope.BATCH)) {
      for (float drop : new float[] {0, 0.2f, 0.7f, 0.8f, 0.99f}) {
        put(
            "selection by " + JsonFields.lower(scope) + ", drop " + drop,
            policy(PolicyLoss.CLIP).selection(new EntropySelection(scope, drop)));
      }
    }
    for (float fraction : new float[] {2e-4f, 0.1f, 0.5f, 1}) {
      put(
          "kl-cov " + fraction,
          Rule.builder()
              .policy(PolicyLoss.CLIP, ONE)
              .covariance(new Covariance(CovarianceKind.KL, 0, fraction, 0, 0, 0.75f)));
    }
    put("maximal probability", policy(PolicyLoss.REINFORCE).maxProbability(0.3f));
    put("off-policy threshold", policy(PolicyLoss.CLIP).offPolicyThreshold(-0.1f));
    put(
        "weighted, selected, limited",
        policy(PolicyLoss.SAPO)
            .maxProbability(0.5f)
            .selection(new EntropySelection(Scope.SEQUENCE, 0.5f))
            .policyWeighting(new EntropyWeighting(Scope.TOKEN, 0.1f, 1, true)));
  }

  /** Several rules in one batch. */
  private void mixtures() {
    Term sum = ONE.withAggregation(Aggregation.CONSTANT_LENGTH);
    Rule luffy =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, sum)
            .behaviour(Behaviour.CERTAIN)
            .reshape(Reshape.RATIONAL, 0.1f)
            .nll(SEQUENCES.withCoefficient(0.3f))
            .nllWeighting(new EntropyWeighting(Scope.SEQUENCE, 0.5f, -1, false))
            .build();
    Rule hint =
        Rule.builder()
            .policy(PolicyLoss.CLIP, sum)
            .selection(new EntropySelection(Scope.BATCH, 0.6f))
            .nll(SEQUENCES.withCoefficient(0.05f))
            .build();
    all.put("mixture, one pass", onePass());
    for (PolicyLoss loss : List.of(PolicyLoss.CLIP, PolicyLoss.GMPO, PolicyLoss.VESPO)) {
      Rule rollout =
          Rule.builder()
              .policy(loss, SEQUENCES)
              .clip(0.3f, 0.4f)
              .ratioLevel(loss == PolicyLoss.CLIP ? RatioLevel.SEQUENCE_MEAN : RatioLevel.TOKEN)
              .kl(KlEstimator.K3, ONE.withCoefficient(0.1f))
              .klForm(KlForm.TIMES_RATIO)
              .entropy(ONE.withCoefficient(0.01f))
              .build();
      all.put(
          "mixture, " + JsonFields.lower(loss) + " of sequences",
          Objective.builder().rollout(rollout).demonstration(luffy).hint(hint).build());
    }
  }

  /** All that is local to a token, on all roles. */
  static Objective onePass() {
    Rule rollout =
        Rule.builder()
            .policy(PolicyLoss.SAPO, SEQUENCES)
            .policyWeighting(new EntropyWeighting(Scope.TOKEN, 0.1f, 1, true))
            .kl(KlEstimator.K2, ONE.withCoefficient(0.1f))
            .klForm(KlForm.TIMES_FIXED_RATIO)
            .entropy(ONE.withCoefficient(0.01f))
            .build();
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, ONE.withAggregation(Aggregation.CONSTANT_LENGTH))
            .behaviour(Behaviour.CERTAIN)
            .reshape(Reshape.RATIONAL, 0.1f)
            .nll(SEQUENCES)
            .nllWeighting(new EntropyWeighting(Scope.TOKEN, 0.5f, -1, false))
            .build();
    Rule hint =
        Rule.builder()
            .policy(PolicyLoss.CISPO, ONE)
            .clip(Float.POSITIVE_INFINITY, 1)
            .maxProbability(0.9f)
            .nll(ONE.withCoefficient(0.1f))
            .nllProbabilityWeighting(ProbabilityWeighting.VARIANCE)
            .build();
    return Objective.builder().rollout(rollout).demonstration(demonstration).hint(hint).build();
  }
}
