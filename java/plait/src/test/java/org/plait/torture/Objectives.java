package org.plait.torture;

import java.util.ArrayList;
import java.util.List;
import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.FilterAction;
import org.plait.HybridObjectives;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Role;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Scope;
import org.plait.Term;

/** Presets and objectives with any value in any field, and what each needs of its batch. */
final class Objectives {
  /**
   * An objective and its inputs.
   *
   * @param objective what each role contributes
   * @param advantages whether a rule has a policy term
   * @param reference whether a rule has a KL term
   * @param sampler whether the correction acts
   * @param entropy whether a rule looks at entropies
   * @param length whether a term is divided by a constant length
   */
  record Needs(
      Objective objective,
      boolean advantages,
      boolean reference,
      boolean sampler,
      boolean entropy,
      boolean length) {}

  private static final float NONE = Float.POSITIVE_INFINITY;
  private static final Role[] ROLES = {Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT};
  private static final Needs[] POOL = pool();

  private final Draw draw;

  private Objectives(Draw draw) {
    this.draw = draw;
  }

  static Needs any(Draw draw) {
    return draw.of(POOL);
  }

  private static Needs[] pool() {
    List<Objective> all =
        new ArrayList<>(
            List.of(
                Objective.sft(),
                Objective.reinforce(),
                Objective.rlooTrl(),
                Objective.ppo(),
                Objective.grpo(),
                Objective.drGrpo(),
                Objective.dapo(),
                Objective.gspo(),
                Objective.cispo(),
                Objective.sapo(),
                Objective.gmpo(),
                Objective.vespo(),
                Objective.clipCov(3),
                Objective.klCov(),
                HybridObjectives.luffy(),
                HybridObjectives.srft(),
                HybridObjectives.reliftSft(),
                HybridObjectives.uft(0.1f),
                HybridObjectives.prefixRft(),
                HybridObjectives.bread(0.1f)));
    Objectives random = new Objectives(new Draw(20));
    for (int i = 0; i < 400; i++) {
      all.add(random.objective());
    }
    return all.stream().map(Objectives::needs).toArray(Needs[]::new);
  }

  private static Needs needs(Objective objective) {
    boolean advantages = false;
    boolean reference = false;
    boolean entropy = false;
    boolean length = false;
    for (Role role : ROLES) {
      Rule rule = objective.rule(role);
      boolean policy = rule.policy().isOn();
      boolean nll = rule.nll().term().isOn();
      advantages |= policy;
      reference |= rule.kl().term().isOn();
      entropy |= rule.entropy().isOn();
      entropy |= policy && (rule.policy().weighting().isOn() || rule.policy().selection().isOn());
      entropy |= nll && rule.nll().weighting().isOn();
      length |= policy && constant(rule.policy().term());
      length |= nll && constant(rule.nll().term());
      length |= constant(rule.kl().term()) || constant(rule.entropy());
    }
    SamplerCorrection correction = objective.correction();
    boolean filters = correction.filterLevel() != CorrectionLevel.NONE;
    boolean weighs =
        objective.rollout().policy().isOn()
            && objective.rollout().policy().samplerCorrection()
            && correction.isOn();
    boolean rejects = filters && correction.filterAction() == FilterAction.REJECT;
    return new Needs(objective, advantages, reference, rejects || weighs, entropy, length);
  }

  private static boolean constant(Term term) {
    return term.isOn()
        && (term.aggregation() == Aggregation.CONSTANT_LENGTH
            || term.aggregation() == Aggregation.SEQ_MEAN_CONSTANT_LENGTH);
  }

  private Objective objective() {
    return new Objective(
        rule(),
        draw.oneIn(2) ? rule() : Rule.NONE,
        draw.oneIn(3) ? rule() : Rule.NONE,
        draw.oneIn(3) ? correction() : SamplerCorrection.NONE);
  }

  private Rule rule() {
    PolicyLoss loss = draw.of(PolicyLoss.values());
    return Rule.builder()
        .policy(loss, loss == PolicyLoss.NONE ? Term.OFF : term())
        .clip(bound(0), bound(0))
        .dualClip(bound(1.5f))
        .logRatioLimit(bound(0.1f))
        .behaviour(draw.of(Behaviour.values()))
        .ratioLevel(draw.of(RatioLevel.values()))
        .reshape(draw.of(Reshape.values()), number())
        .reshapeBounds(draw.oneIn(3) ? -number() : Float.NEGATIVE_INFINITY, bound(0))
        .maxProbability(bound(0.1f))
        .offPolicyThreshold(draw.oneIn(3) ? -number() : NONE)
        .sapo(number(), number())
        .vespo(number(), -number(), number(), number())
        .samplerCorrection(draw.oneIn(2))
        .policyWeighting(weighting())
        .nllWeighting(weighting())
        .selection(selection())
        .covariance(covariance())
        .nll(term())
        .kl(draw.of(KlEstimator.values()), term())
        .klForm(draw.of(KlForm.values()))
        .klLimits(bound(0.1f), bound(0.1f))
        .entropy(term())
        .build();
  }

  private EntropySelection selection() {
    Scope scope = draw.of(new Scope[] {Scope.NONE, Scope.NONE, Scope.SEQUENCE, Scope.BATCH});
    return new EntropySelection(scope, draw.real(0.01, 0.99));
  }

  private Covariance covariance() {
    CovarianceKind kind = draw.oneIn(2) ? CovarianceKind.NONE : draw.of(CovarianceKind.values());
    int seed = draw.below(1000);
    return new Covariance(kind, seed, draw.real(0.01, 1), -number(), bound(0), number());
  }

  private EntropyWeighting weighting() {
    Scope scope = draw.of(new Scope[] {Scope.NONE, Scope.NONE, Scope.TOKEN, Scope.SEQUENCE});
    return new EntropyWeighting(scope, number(), -number(), draw.oneIn(2));
  }

  private SamplerCorrection correction() {
    CorrectionLevel[] levels = {
      CorrectionLevel.NONE,
      CorrectionLevel.TOKEN,
      CorrectionLevel.SEQUENCE_SUM,
      CorrectionLevel.SEQUENCE_MEAN
    };
    KlEstimator[] estimators = {KlEstimator.K1, KlEstimator.K2, KlEstimator.K3};
    float low = number();
    return SamplerCorrection.builder()
        .weights(
            draw.of(levels),
            draw.of(CorrectionBounds.values()),
            draw.oneIn(3) ? low : 0,
            low + number())
        .logLimit(bound(0.1f))
        .normalise(draw.oneIn(3))
        .filter(
            draw.of(CorrectionLevel.values()),
            draw.of(estimators),
            draw.oneIn(3) ? low : 0,
            low + number())
        .filterAction(draw.of(FilterAction.values()))
        .build();
  }

  private Term term() {
    float coefficient = draw.oneIn(2) ? 0 : number();
    return new Term(coefficient, draw.of(Aggregation.values()), draw.of(Population.values()));
  }

  private float number() {
    return draw.real(0.01, 3);
  }

  private float bound(float least) {
    return draw.oneIn(3) ? NONE : least + number();
  }
}
