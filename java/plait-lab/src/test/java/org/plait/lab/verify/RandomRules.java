package org.plait.lab.verify;

import java.util.List;
import java.util.SplittableRandom;
import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.FilterAction;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Scope;
import org.plait.Term;

/** Objectives with any value in any field. */
final class RandomRules {

  private static final float NONE = Float.POSITIVE_INFINITY;

  private final SplittableRandom random;

  RandomRules(long seed) {
    this.random = new SplittableRandom(seed);
  }

  Objective objective() {
    Term on = term().withCoefficient(number());
    Rule rollout = rule().policy(any(PolicyLoss.values(), 1), on).build();
    return new Objective(
        rollout,
        some() ? rule().build() : Rule.NONE,
        some() ? rule().build() : Rule.NONE,
        some() ? correction() : SamplerCorrection.NONE);
  }

  private Rule.Builder rule() {
    PolicyLoss loss = any(PolicyLoss.values(), 0);
    Rule.Builder rule = Rule.builder();
    rule.policy(loss, loss == PolicyLoss.NONE ? Term.OFF : term());
    rule.clip(bound(0), bound(0)).dualClip(bound(1.5f)).logRatioLimit(bound(0.1f));
    rule.behaviour(any(Behaviour.values(), 0)).ratioLevel(any(RatioLevel.values(), 0));
    rule.reshape(any(Reshape.values(), 0), number());
    rule.reshapeBounds(some() ? -number() : Float.NEGATIVE_INFINITY, bound(0));
    rule.maxProbability(bound(0.1f)).offPolicyThreshold(some() ? -number() : NONE);
    rule.sapo(number(), number()).vespo(number(), -number(), number(), number());
    rule.samplerCorrection(some()).policyWeighting(weighting()).nllWeighting(weighting());
    rule.nllProbabilityWeighting(any(ProbabilityWeighting.values(), 0));
    Scope scope = any(new Scope[] {Scope.NONE, Scope.SEQUENCE, Scope.BATCH}, 0);
    rule.selection(new EntropySelection(scope, (float) random.nextDouble(0.01, 0.99)));
    rule.covariance(
        new Covariance(
            any(CovarianceKind.values(), 0),
            random.nextInt(),
            (float) random.nextDouble(0.01, 1),
            some() ? -number() : Float.NEGATIVE_INFINITY,
            bound(0),
            number()));
    rule.nll(term()).kl(any(KlEstimator.values(), 0), term()).klForm(any(KlForm.values(), 0));
    return rule.klLimits(bound(0.1f), bound(0.1f)).entropy(term());
  }

  private SamplerCorrection correction() {
    CorrectionLevel level =
        any(
            new CorrectionLevel[] {
              CorrectionLevel.NONE,
              CorrectionLevel.TOKEN,
              CorrectionLevel.SEQUENCE_SUM,
              CorrectionLevel.SEQUENCE_MEAN
            },
            0);
    float low = number();
    return SamplerCorrection.builder()
        .weights(level, any(CorrectionBounds.values(), 0), some() ? low : 0, low + number())
        .logLimit(bound(0.1f))
        .normalise(some())
        .filter(
            any(CorrectionLevel.values(), 0),
            any(new KlEstimator[] {KlEstimator.K1, KlEstimator.K2, KlEstimator.K3}, 0),
            some() ? low : 0,
            low + number())
        .filterAction(any(FilterAction.values(), 0))
        .build();
  }

  private EntropyWeighting weighting() {
    Scope scope = any(new Scope[] {Scope.NONE, Scope.TOKEN, Scope.SEQUENCE}, 0);
    return new EntropyWeighting(scope, number(), -number(), some());
  }

  private Term term() {
    return new Term(
        some() ? 0 : number(), any(Aggregation.values(), 0), any(Population.values(), 0));
  }

  private <E> E any(E[] values, int from) {
    List<E> all = List.of(values);
    return all.get(random.nextInt(from, all.size()));
  }

  private boolean some() {
    return random.nextInt(3) == 0;
  }

  private float number() {
    return (float) random.nextDouble(0.01, 3);
  }

  private float bound(float least) {
    return some() ? NONE : least + number();
  }
}
