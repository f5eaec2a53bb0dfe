package org.plait;

import static org.plait.Aggregation.CONSTANT_LENGTH;
import static org.plait.Aggregation.SEQ_MEAN_CONSTANT_LENGTH;
import static org.plait.Aggregation.SEQ_MEAN_TOKEN_MEAN;
import static org.plait.Aggregation.SEQ_MEAN_TOKEN_SUM;
import static org.plait.Aggregation.TOKEN_MEAN;

import java.util.Objects;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * A training objective as data: a {@link Rule} for each {@link Role} that is not ignored, and a
 * correction for the sampler. Start from a preset, here or in {@link HybridObjectives}, or from
 * {@link #builder()}:
 *
 * <pre>{@code
 * Objective objective =
 *     Objective.grpo().toBuilder().clip(0.2f, 0.28f).kl(KlEstimator.K3, 1e-3f).build();
 * }</pre>
 *
 * <p>In the presets A is the advantage, r the importance ratio of a token, el and eh the clip
 * widths below and above, and sg a stop-gradient; "token mean" and the like are {@link
 * Aggregation}s. They have no KL term and no entropy bonus unless it is said; add them with {@link
 * #toBuilder()}.
 *
 * <p>Immutable and thread-safe. Passing the same object to every call saves packing it again.
 *
 * @param rollout rule of {@link Role#ROLLOUT}
 * @param demonstration rule of {@link Role#DEMONSTRATION}
 * @param hint rule of {@link Role#HINT}
 * @param correction for a sampler whose probabilities differ; applies to the rules that say so
 */
public record Objective(Rule rollout, Rule demonstration, Rule hint, SamplerCorrection correction) {
  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if one is null
   */
  public Objective {
    Objects.requireNonNull(rollout, "rollout");
    Objects.requireNonNull(demonstration, "demonstration");
    Objects.requireNonNull(hint, "hint");
    Objects.requireNonNull(correction, "correction");
  }

  /**
   * Makes an objective without a correction for the sampler.
   *
   * @param rollout rule of {@link Role#ROLLOUT}
   * @param demonstration rule of {@link Role#DEMONSTRATION}
   * @param hint rule of {@link Role#HINT}
   */
  public Objective(Rule rollout, Rule demonstration, Rule hint) {
    this(rollout, demonstration, hint, SamplerCorrection.NONE);
  }

  /**
   * Supervised fine-tuning: {@code -logp}, token mean over all tokens, whatever their role.
   *
   * @return the objective
   */
  public static Objective sft() {
    Rule nll = Rule.builder().nll(Term.of(1)).build();
    return new Objective(nll, nll, nll);
  }

  /**
   * Dynamic fine-tuning, DFT (Wu et al. 2025, arXiv:2508.05629): {@code -sg(p) logp}, token mean
   * over all tokens, whatever their role.
   *
   * @return the objective
   */
  public static Objective dft() {
    Rule nll =
        Rule.builder()
            .nll(Term.of(1))
            .nllProbabilityWeighting(ProbabilityWeighting.PROBABILITY)
            .build();
    return new Objective(nll, nll, nll);
  }

  /**
   * REINFORCE (Williams 1992): {@code -A logp}, token mean. verl's default is a sum over a sequence
   * and a mean over sequences.
   *
   * @return the objective; takes advantages of any kind
   */
  public static Objective reinforce() {
    return reinforce(TOKEN_MEAN);
  }

  /**
   * RLOO (Ahmadian et al. 2024, arXiv:2402.14740): a response is one action, so {@code -A} times
   * its log-probability, mean over sequences.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#rloo()}
   */
  public static Objective rloo() {
    return reinforce(SEQ_MEAN_TOKEN_SUM);
  }

  /**
   * TRL's RLOO: the clipped loss with the ratio R of whole responses, el = eh = 0.2, mean over
   * sequences; {@code c = -A R} by the number of sequences. R overflows where a long response
   * drifts, in TRL too; {@code logRatioLimit(20)} bounds it.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#rloo()}; two passes
   */
  public static Objective rlooTrl() {
    return sequences(RatioLevel.SEQUENCE_SUM, 0.2f, 0.2f, SEQ_MEAN_TOKEN_MEAN);
  }

  /**
   * REINFORCE++ (Hu 2025, arXiv:2501.03262): the clipped loss of {@link #ppo()}. Its advantages are
   * returns-to-go, whitened over the batch: {@link TokenAdvantage#returnsToGo} and {@link
   * Whitening#verl()} or {@link Whitening#openRlhf()}. Its baseline form takes returns of {@link
   * GroupAdvantage#reinforcePlusPlusBaseline()} instead.
   *
   * @return the objective
   */
  public static Objective reinforcePlusPlus() {
    return ppo();
  }

  /**
   * PPO's clipped surrogate (Schulman et al. 2017, arXiv:1707.06347): {@code max(-A r, -A clip(r))}
   * with el = eh = 0.2, token mean.
   *
   * @return the objective; advantages come from {@link TokenAdvantage#gae}
   */
  public static Objective ppo() {
    return clipped(TOKEN_MEAN, 0.2f, 0.2f);
  }

  /**
   * GRPO (Shao et al. 2024, arXiv:2402.03300): {@code max(-A r, -A clip(r))} with el = eh = 0.2,
   * dual clip 3, mean over the tokens of a sequence and then over sequences. verl's default is a
   * token mean, TRL's has no dual clip. The paper adds {@code kl(KlEstimator.K3, 0.04f)}.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective grpo() {
    return clipped(SEQ_MEAN_TOKEN_MEAN, 0.2f, 0.2f).toBuilder().dualClip(3).build();
  }

  /**
   * GRPO with the two-sided clip of INTELLECT-2 (arXiv:2505.07291), TRL's {@code delta}: where A is
   * negative no ratio counts as more than {@code delta}. TRL's clip metrics see the capped ratio.
   *
   * @param delta above 1, in TRL above 1 + eh
   * @return the objective; advantages come from {@link GroupAdvantage#trl()}
   */
  public static Objective grpoTwoSided(float delta) {
    return clipped(SEQ_MEAN_TOKEN_MEAN, 0.2f, 0.2f).toBuilder().dualClip(delta).build();
  }

  /**
   * Dr.GRPO (Liu et al. 2025, arXiv:2503.20783) in verl's scaling: the clipped loss with el = eh =
   * 0.2, sum over all tokens by a constant length.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#drGrpo()}
   */
  public static Objective drGrpo() {
    return clipped(CONSTANT_LENGTH, 0.2f, 0.2f);
  }

  /**
   * Dr.GRPO in the scaling of its authors' code and of TRL, which divide by the number of sequences
   * too.
   *
   * @return the objective; needs {@link Normalizers#withLength}; advantages come from {@link
   *     GroupAdvantage#drGrpo()}
   */
  public static Objective drGrpoTrl() {
    return clipped(SEQ_MEAN_CONSTANT_LENGTH, 0.2f, 0.2f);
  }

  /**
   * DAPO (Yu et al. 2025, arXiv:2503.14476): the clipped loss with el = 0.2, eh = 0.28, dual clip
   * 10, token mean. The paper's mean is over a group's tokens, that of verl and here over the
   * batch's.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective dapo() {
    return clipped(TOKEN_MEAN, 0.2f, 0.28f).toBuilder().dualClip(10).build();
  }

  /**
   * GSPO (Zheng et al. 2025, arXiv:2507.18071): {@code max(-A s, -A clip(s))}, s = exp(mean of the
   * sequence's log-ratios), el = 3e-4, eh = 4e-4, mean over tokens and then sequences. verl bounds
   * log s by 10 from above, which {@code logRatioLimit(10)} does on both sides.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}; two passes
   */
  public static Objective gspo() {
    return sequences(RatioLevel.SEQUENCE_MEAN, 3e-4f, 4e-4f, SEQ_MEAN_TOKEN_MEAN);
  }

  /**
   * GSPO-token: the ratio {@code sg(s) p / sg(p)} at every token, whose gradient is that of {@link
   * #gspo()}. So this is the same objective; advantages may differ from token to token.
   *
   * @return the objective; two passes
   */
  public static Objective gspoToken() {
    return gspo();
  }

  /**
   * CISPO (MiniMax 2025, arXiv:2506.13585) as in verl's example: {@code -sg(min(r, 1 + eh)) A
   * logp}, eh = 0.2, no bound below, token mean. TRL's {@code epsilon_high} is the bound itself: 1
   * + eh.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective cispo() {
    return ofRollouts(
        Rule.builder().policy(PolicyLoss.CISPO, Term.of(1)).clip(Float.POSITIVE_INFINITY, 0.2f));
  }

  /**
   * SAPO (arXiv:2511.20347): {@code -A (4 / t) sigmoid(t (r - 1))}, t = 1 where A is positive, else
   * 1.05, mean over the tokens of a sequence and then over sequences.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective sapo() {
    return ofRollouts(
        Rule.builder().policy(PolicyLoss.SAPO, Term.of(1).withAggregation(SEQ_MEAN_TOKEN_MEAN)));
  }

  /**
   * GMPO (Zhao et al. 2025, arXiv:2507.20673): {@code -A} times the geometric mean of the
   * sequence's ratios, each with its logarithm bounded by 0.4, mean over sequences. verl takes the
   * bounds from its clip settings.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}; two passes
   */
  public static Objective gmpo() {
    return ofRollouts(
        Rule.builder()
            .policy(PolicyLoss.GMPO, Term.of(1).withAggregation(SEQ_MEAN_TOKEN_MEAN))
            .clip(0.4f, 0.4f));
  }

  /**
   * VESPO as in huggingface/trl: {@code -sg(phi) A logp}, {@code phi = exp(lambda + k log W -
   * lambda W)} with the ratio W of the whole response, token mean. With a sampler correction its
   * weights enter W.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#trl()}; two passes
   */
  public static Objective vespo() {
    return ofRollouts(Rule.builder().policy(PolicyLoss.VESPO, Term.of(1)));
  }

  /**
   * LUSPO (arXiv:2602.05261): {@link #gspo()} with each sequence weighted by its length; el = 2e-3,
   * eh = 2.5e-3, sum over a sequence, mean over sequences.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#trl()}; two passes
   */
  public static Objective luspo() {
    return sequences(RatioLevel.SEQUENCE_MEAN, 2e-3f, 2.5e-3f, SEQ_MEAN_TOKEN_SUM);
  }

  /**
   * GPG (Chu et al. 2025, arXiv:2504.02546): {@code -A logp}, token mean. Its factor, the groups by
   * those whose rewards differ, is a property of the batch: multiply the advantages by it.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#drGrpo()}
   */
  public static Objective gpg() {
    return reinforce();
  }

  /**
   * Clip-Cov (Cui et al. 2025, arXiv:2505.22617): {@link #ppo()}, where at most 0.02% of the
   * tokens, drawn from those with {@code 1 < (A - mean A) (logp - mean logp) < 5}, lose their loss.
   *
   * @param seed of the draw; pass a new one with every step
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}; two passes
   */
  public static Objective clipCov(int seed) {
    return ofRollouts(clip(TOKEN_MEAN, 0.2f, 0.2f).covariance(Covariance.clip(seed, 2e-4f, 1, 5)));
  }

  /**
   * KL-Cov (Cui et al. 2025, arXiv:2505.22617): {@code -A r} without clip, token mean, and {@code
   * |logp - oldLogp|} on top for the 0.02% of the tokens with the highest covariance.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}; two passes
   */
  public static Objective klCov() {
    float none = Float.POSITIVE_INFINITY;
    return ofRollouts(clip(TOKEN_MEAN, none, none).covariance(Covariance.kl(2e-4f, 1)));
  }

  private static Objective reinforce(Aggregation aggregation) {
    return ofRollouts(
        Rule.builder().policy(PolicyLoss.REINFORCE, Term.of(1).withAggregation(aggregation)));
  }

  private static Objective clipped(Aggregation aggregation, float low, float high) {
    return ofRollouts(clip(aggregation, low, high));
  }

  private static Objective sequences(
      RatioLevel level, float low, float high, Aggregation aggregation) {
    return ofRollouts(clip(aggregation, low, high).ratioLevel(level));
  }

  private static Rule.Builder clip(Aggregation aggregation, float low, float high) {
    return Rule.builder()
        .policy(PolicyLoss.CLIP, Term.of(1).withAggregation(aggregation))
        .clip(low, high);
  }

  private static Objective ofRollouts(Rule.Builder rollout) {
    return new Objective(rollout.build(), Rule.NONE, Rule.NONE);
  }

  /**
   * Starts with {@link Rule#NONE} for every role.
   *
   * @return a builder
   */
  public static ObjectiveBuilder builder() {
    return new ObjectiveBuilder(new Objective(Rule.NONE, Rule.NONE, Rule.NONE));
  }

  /**
   * Starts with this objective.
   *
   * @return a builder that builds an equal objective if nothing is changed
   */
  public ObjectiveBuilder toBuilder() {
    return new ObjectiveBuilder(this);
  }

  /**
   * Returns the rule of a role.
   *
   * @param role a role
   * @return its rule; {@link Rule#NONE} for ignored tokens
   */
  public Rule rule(Role role) {
    return switch (role) {
      case IGNORED -> Rule.NONE;
      case ROLLOUT -> rollout;
      case DEMONSTRATION -> demonstration;
      case HINT -> hint;
    };
  }

  /**
   * Says why {@link PolicyStep} has to read the logits twice: a token needs its sequence or its
   * batch before its gradient is known.
   *
   * @return the first field that needs it, such as {@code rollout.ratio_level}; "" if one pass is
   *     enough
   * @throws PlaitException if the native library cannot be loaded
   */
  public String secondPass() {
    NativeLibrary.require();
    String field = Natives.plait_objective_second_pass(Scratch.get().pack(this));
    if (field == null) {
      throw new IllegalArgumentException(Natives.plait_last_error());
    }
    return field;
  }

  /**
   * Says whether {@link PolicyStep} reads the logits once.
   *
   * @return true if there is no {@link #secondPass()}
   * @throws PlaitException if the native library cannot be loaded
   */
  public boolean isOnePass() {
    return secondPass().isEmpty();
  }
}
