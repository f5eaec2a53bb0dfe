package org.plait;

import static org.plait.Aggregation.CONSTANT_LENGTH;
import static org.plait.Aggregation.SEQ_MEAN_TOKEN_MEAN;

/**
 * Objectives that learn from demonstrations and rollouts at once: presets of {@link Objective} with
 * a rule for each. A is the advantage, p the probability of the token, r its importance ratio, H
 * the entropy, sg a stop-gradient. "No clip" means the gradient {@code -A r}. Thread-safe.
 */
public final class HybridObjectives {
  private static final float NONE = Float.POSITIVE_INFINITY;
  private static final Term BY_LENGTH = Term.of(1).withAggregation(CONSTANT_LENGTH);
  private static final Term OWN_MEAN = Term.of(1).withPopulation(Population.OWN_ROLE);

  private HybridObjectives() {}

  /**
   * LUFFY (Yan et al. 2025, arXiv:2504.14945) as in its released script: demonstrations {@code -A p
   * / (p + 0.1)}, whose gradient {@code -A 0.1 p / (p + 0.1)^2} favours unlikely tokens; rollouts
   * {@code -A r}, no clip; both summed and divided by the window's length (8192 there, and not by
   * the number of sequences). The paper divides by the number of tokens and clips rollouts: {@code
   * clip(0.2f, 0.2f)}. Its entropy bonus, 0.001 in the script and 0.01 in the paper, is {@code
   * entropyBonus(Term.of(0.001f))}. Other reshapings replace the demonstrations' {@link Reshaping}.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#luffy()} over rollouts and demonstration
   */
  public static Objective luffy() {
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, BY_LENGTH)
            .reshape(Reshape.RATIONAL, 0.1f)
            .behaviour(Behaviour.CERTAIN)
            .build();
    return new Objective(unclipped(), demonstration, Rule.NONE);
  }

  /**
   * LUFFY's baseline of RL and SFT together: rollouts {@code -A r}, no clip, by length;
   * demonstrations {@code -logp}, token mean over demonstrations.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#luffySplit()}, in the script without scale
   */
  public static Objective luffyRlSft() {
    Rule demonstration = Rule.builder().nll(OWN_MEAN).build();
    return new Objective(unclipped(), demonstration, Rule.NONE);
  }

  /**
   * SRFT (Fu et al. 2025, arXiv:2506.19767) as in the paper: demonstrations {@code -0.5 sg(exp(-H))
   * logp - A p}, no clip; rollouts {@code -0.1 sg(exp(H)) logp} where correct and {@code logp}
   * where wrong. H is the mean entropy of the sequence, which the paper leaves open: {@link
   * Scope#TOKEN} weighs each token by its own, in one pass. Means are over the tokens of the role.
   * Nothing bounds the wrong rollouts' term; watch {@link Metrics#probabilityMean}.
   *
   * @return the objective; advantages of rollouts are their rewards, 1 and -1, those of
   *     demonstrations come from {@link GroupAdvantage#grpo()} over rollouts and demonstration; two
   *     passes
   */
  public static Objective srft() {
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.CLIP, OWN_MEAN)
            .behaviour(Behaviour.CERTAIN)
            .nll(OWN_MEAN)
            .nllWeighting(EntropyWeighting.of(Scope.SEQUENCE, 0.5f, -1))
            .build();
    return new Objective(srftRollouts(OWN_MEAN).build(), demonstration, Rule.NONE);
  }

  /**
   * SRFT as in TsinghuaC3I/Unify-Post-Training: as {@link #srft()}, but with LUFFY's reshaping of
   * the demonstrations' RL term, the RL terms summed and divided by a length, the SFT term a token
   * mean over demonstrations, and an entropy bonus of 0.001 times the mean of H.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages of rollouts are 1 where
   *     correct and -1 elsewhere, those of demonstrations come from {@link GroupAdvantage#luffy()};
   *     two passes
   */
  public static Objective srftHpt() {
    Term bonus = Term.of(0.001f);
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, BY_LENGTH)
            .reshape(Reshape.RATIONAL, 0.1f)
            .behaviour(Behaviour.CERTAIN)
            .nll(OWN_MEAN)
            .nllWeighting(EntropyWeighting.of(Scope.SEQUENCE, 0.5f, -1))
            .entropy(bonus)
            .build();
    return new Objective(srftRollouts(BY_LENGTH).entropy(bonus).build(), demonstration, Rule.NONE);
  }

  /**
   * The RL step of ReLIFT (Ma et al. 2025, arXiv:2506.07527) as in its released script: {@code -A
   * r}, no clip, summed and divided by the window's length (8192), and an entropy bonus of 0.001
   * times the mean of H. The paper writes GRPO with standard deviation and token mean, and an
   * entropy coefficient of 1e-4.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#luffy()}
   */
  public static Objective relift() {
    Rule rollout = unclipped().toBuilder().entropy(Term.of(0.001f)).build();
    return new Objective(rollout, Rule.NONE, Rule.NONE);
  }

  /**
   * The SFT step of ReLIFT, on the hardest questions: {@code -logp - 0.001 H}, token mean. The
   * script takes the mean over each micro-batch, at temperature 1.
   *
   * @return the objective, the same for all roles
   */
  public static Objective reliftSft() {
    Rule rule = Rule.builder().nll(Term.of(1)).entropy(Term.of(0.001f)).build();
    return new Objective(rule, rule, rule);
  }

  /**
   * UFT (Liu et al. 2025, arXiv:2505.16984): rollouts by the clipped loss of {@link
   * Objective#ppo()}, token mean over rollouts; the hint that each continues by {@code -beta logp},
   * token mean over hints. The paper sums over the hint, and has a KL term with the same beta: add
   * {@code kl(KlEstimator.K3, beta)}. Its code bounds the logits of the hint by 100 and adds {@code
   * entropyBonus(0.001f)}.
   *
   * @param beta weight of the hint, 0.001 in the code
   * @return the objective; advantages come from {@link GroupAdvantage#verlGrpo()}
   */
  public static Objective uft(float beta) {
    Rule rollout = Rule.builder().policy(PolicyLoss.CLIP, OWN_MEAN).clip(0.2f, 0.2f).build();
    Rule hint = Rule.builder().nll(OWN_MEAN.withCoefficient(beta)).build();
    return new Objective(rollout, Rule.NONE, hint);
  }

  /**
   * Prefix-RFT (Huang et al. 2025, arXiv:2507.01679) as in its released code: rollouts by the
   * clipped loss with clip 0.2 and dual clip 3; the demonstration's prefix that one of them
   * continues, a hint, by {@code -A r}, no clip, of the 20% of its tokens with the highest entropy;
   * both summed and divided by a length. The paper clips the prefix as well: {@code clip(0.2f,
   * 0.2f)}. The code ranks the tokens of a micro-batch; here they are ranked over the call, or over
   * each sequence with {@link Scope#SEQUENCE}, which does not depend on how a batch is split.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#luffy()} over all rollouts; two passes
   */
  public static Objective prefixRft() {
    Rule rollout =
        Rule.builder().policy(PolicyLoss.CLIP, BY_LENGTH).clip(0.2f, 0.2f).dualClip(3).build();
    Rule prefix =
        unclipped().toBuilder().selection(new EntropySelection(Scope.BATCH, 0.8f)).build();
    return new Objective(rollout, prefix, prefix);
  }

  /**
   * BREAD (Zhang et al. 2025, arXiv:2506.17211): GRPO with a k3 KL term on what follows the anchor;
   * {@code c = -A r} unless clipped, plus {@code beta (1 - pRef / p)}. Hints have no loss and count
   * nowhere. There is no code to compare with.
   *
   * @param beta weight of the KL term; 0 switches it off
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()} over the rollouts of
   *     an anchor
   */
  public static Objective bread(float beta) {
    Term mean = OWN_MEAN.withAggregation(SEQ_MEAN_TOKEN_MEAN);
    Rule rollout =
        Rule.builder()
            .policy(PolicyLoss.CLIP, mean)
            .clip(0.2f, 0.2f)
            .kl(KlEstimator.K3, mean.withCoefficient(beta))
            .build();
    return new Objective(rollout, Rule.NONE, Rule.NONE);
  }

  /**
   * CHORD (Zhang et al. 2025, arXiv:2508.11408) with its token weights phi: rollouts by {@code 1 -
   * mu} times the clipped loss of {@link Objective#ppo()}, demonstrations by {@code -mu sg(p (1 -
   * p)) logp}, each a token mean over its role. CHORD-phi keeps mu at 0.1; CHORD-mu, which has no
   * phi, is {@code demonstration(rule -> rule.nllProbabilityWeighting(ProbabilityWeighting.NONE))}
   * with a mu that falls from step to step. Its code takes the means over each micro-batch.
   *
   * @param mu weight of the demonstrations, in [0, 1]
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()} over the rollouts
   * @throws IllegalArgumentException if mu is out of range or NaN
   */
  public static Objective chord(float mu) {
    Checks.that(mu >= 0 && mu <= 1, "mu", "in [0, 1]", mu);
    Rule rollout =
        Rule.builder()
            .policy(PolicyLoss.CLIP, OWN_MEAN.withCoefficient(1 - mu))
            .clip(0.2f, 0.2f)
            .build();
    Rule demonstration =
        Rule.builder()
            .nll(OWN_MEAN.withCoefficient(mu))
            .nllProbabilityWeighting(ProbabilityWeighting.VARIANCE)
            .build();
    return new Objective(rollout, demonstration, Rule.NONE);
  }

  private static Rule unclipped() {
    return Rule.builder().policy(PolicyLoss.CLIP, BY_LENGTH).clip(NONE, NONE).build();
  }

  private static Rule.Builder srftRollouts(Term term) {
    return Rule.builder()
        .policy(PolicyLoss.REINFORCE, term)
        .policyWeighting(new EntropyWeighting(Scope.SEQUENCE, 0.1f, 1, true));
  }
}
