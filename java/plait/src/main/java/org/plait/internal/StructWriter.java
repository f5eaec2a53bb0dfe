package org.plait.internal;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.plait.Covariance;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.GroupAdvantage;
import org.plait.Logits;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyTerm;
import org.plait.Role;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.TensorView;
import org.plait.Term;
import org.plait.TokenBatch;

/** Writes values into the structures of {@link Structs}. Thread-safe. */
public final class StructWriter {
  private StructWriter() {}

  /** Writes a {@code plait_logits}. */
  public static void put(ByteBuffer to, Logits logits) {
    TensorView data = logits.data();
    TensorView targets = logits.targets();
    to.putLong(Structs.LOGITS_STRUCT_BYTES, Structs.LOGITS_SIZE);
    to.putLong(Structs.LOGITS_DATA, data.address());
    to.putLong(Structs.LOGITS_ROWS, data.size(0));
    to.putLong(Structs.LOGITS_VOCAB, data.size(1));
    to.putLong(Structs.LOGITS_ROW_STRIDE, data.rowStride());
    to.putLong(Structs.LOGITS_TOKENS, logits.tokens());
    to.putLong(Structs.LOGITS_ROW_INDEX, address(logits.rowIndex()));
    to.putLong(Structs.LOGITS_TARGETS, targets.address());
    to.putLong(Structs.LOGITS_TEMPERATURES, address(logits.temperatures()));
    to.putLong(Structs.LOGITS_VOCAB_BEGIN, logits.vocabBegin());
    to.putLong(Structs.LOGITS_VOCAB_TOTAL, logits.vocabTotal());
    to.putInt(Structs.LOGITS_DTYPE, data.dtype().code());
    to.putInt(Structs.LOGITS_TARGET_DTYPE, targets.dtype().code());
    to.putFloat(Structs.LOGITS_TEMPERATURE, logits.temperature());
    to.putInt(Structs.LOGITS_RESERVED, 0);
  }

  /** Writes a {@code plait_token_batch}. */
  public static void put(ByteBuffer to, TokenBatch batch) {
    to.putLong(Structs.TOKEN_BATCH_STRUCT_BYTES, Structs.TOKEN_BATCH_SIZE);
    to.putLong(Structs.TOKEN_BATCH_TOKENS, batch.tokens());
    to.putLong(Structs.TOKEN_BATCH_SEQUENCES, batch.sequences());
    to.putLong(Structs.TOKEN_BATCH_OFFSETS, address(batch.offsets()));
    to.putLong(Structs.TOKEN_BATCH_ROLES, address(batch.roles()));
    to.putLong(Structs.TOKEN_BATCH_ADVANTAGES, address(batch.advantages()));
    to.putLong(Structs.TOKEN_BATCH_OLD_LOGP, address(batch.oldLogProbs()));
    to.putLong(Structs.TOKEN_BATCH_REF_LOGP, address(batch.referenceLogProbs()));
    to.putLong(Structs.TOKEN_BATCH_SAMPLER_LOGP, address(batch.samplerLogProbs()));
    to.putInt(Structs.TOKEN_BATCH_ADVANTAGE_PER_SEQUENCE, flag(batch.advantagePerSequence()));
    to.putInt(Structs.TOKEN_BATCH_RESERVED, 0);
  }

  /** Writes a {@code plait_objective}. */
  public static void put(ByteBuffer to, Objective objective) {
    int rules = Structs.OBJECTIVE_RULES;
    to.putLong(Structs.OBJECTIVE_STRUCT_BYTES, Structs.OBJECTIVE_SIZE);
    put(to, rules, objective.rollout());
    put(to, rules + Structs.RULE_SIZE, objective.demonstration());
    put(to, rules + 2 * Structs.RULE_SIZE, objective.hint());
    put(to, Structs.OBJECTIVE_CORRECTION, objective.correction());
    to.putInt(Structs.OBJECTIVE_RESERVED, 0);
  }

  private static void put(ByteBuffer to, int at, Rule rule) {
    put(to, at, rule.policy());
    put(to, at + Structs.RULE_NLL, rule.nll().term());
    put(to, at + Structs.RULE_NLL_WEIGHTING, rule.nll().weighting());
    to.putInt(
        at + Structs.RULE_NLL_PROBABILITY_WEIGHTING, rule.nll().probabilityWeighting().code());
    put(to, at + Structs.RULE_KL, rule.kl().term());
    to.putInt(at + Structs.RULE_KL_ESTIMATOR, rule.kl().estimator().code());
    to.putInt(at + Structs.RULE_KL_FORM, rule.kl().form().code());
    to.putFloat(at + Structs.RULE_KL_LOG_LIMIT, rule.kl().logLimit());
    to.putFloat(at + Structs.RULE_KL_VALUE_LIMIT, rule.kl().valueLimit());
    put(to, at + Structs.RULE_ENTROPY, rule.entropy());
  }

  private static void put(ByteBuffer to, int at, PolicyTerm policy) {
    put(to, at + Structs.RULE_POLICY, policy.term());
    to.putInt(at + Structs.RULE_POLICY_LOSS, policy.loss().code());
    to.putFloat(at + Structs.RULE_CLIP_LOW, policy.clipLow());
    to.putFloat(at + Structs.RULE_CLIP_HIGH, policy.clipHigh());
    to.putFloat(at + Structs.RULE_DUAL_CLIP, policy.dualClip());
    to.putFloat(at + Structs.RULE_LOG_RATIO_LIMIT, policy.logRatioLimit());
    to.putInt(at + Structs.RULE_BEHAVIOUR, policy.behaviour().code());
    to.putInt(at + Structs.RULE_RATIO_LEVEL, policy.ratioLevel().code());
    to.putInt(at + Structs.RULE_RESHAPE, policy.reshaping().reshape().code());
    to.putFloat(at + Structs.RULE_RESHAPE_PARAMETER, policy.reshaping().parameter());
    to.putFloat(at + Structs.RULE_RESHAPE_LOW, policy.reshaping().low());
    to.putFloat(at + Structs.RULE_RESHAPE_HIGH, policy.reshaping().high());
    to.putFloat(at + Structs.RULE_MAX_PROBABILITY, policy.maxProbability());
    to.putFloat(at + Structs.RULE_OFF_POLICY_THRESHOLD, policy.offPolicyThreshold());
    to.putFloat(at + Structs.RULE_SAPO_POSITIVE, policy.sapo().positive());
    to.putFloat(at + Structs.RULE_SAPO_NEGATIVE, policy.sapo().negative());
    to.putFloat(at + Structs.RULE_VESPO_POSITIVE, policy.vespo().positiveK());
    to.putFloat(at + Structs.RULE_VESPO_POSITIVE + 4, policy.vespo().positiveLambda());
    to.putFloat(at + Structs.RULE_VESPO_NEGATIVE, policy.vespo().negativeK());
    to.putFloat(at + Structs.RULE_VESPO_NEGATIVE + 4, policy.vespo().negativeLambda());
    to.putInt(at + Structs.RULE_SAMPLER_CORRECTION, flag(policy.samplerCorrection()));
    put(to, at + Structs.RULE_POLICY_WEIGHTING, policy.weighting());
    put(to, at + Structs.RULE_SELECTION, policy.selection());
    put(to, at + Structs.RULE_COVARIANCE, policy.covariance());
  }

  private static void put(ByteBuffer to, int at, Term term) {
    to.putFloat(at + Structs.TERM_COEFFICIENT, term.coefficient());
    to.putInt(at + Structs.TERM_AGGREGATION, term.aggregation().code());
    to.putInt(at + Structs.TERM_POPULATION, term.population().code());
  }

  private static void put(ByteBuffer to, int at, EntropyWeighting weighting) {
    to.putInt(at + Structs.ENTROPY_WEIGHTING_SCOPE, weighting.scope().code());
    to.putFloat(at + Structs.ENTROPY_WEIGHTING_SCALE, weighting.scale());
    to.putFloat(at + Structs.ENTROPY_WEIGHTING_EXPONENT, weighting.exponent());
    to.putInt(at + Structs.ENTROPY_WEIGHTING_POSITIVE_ONLY, flag(weighting.positiveOnly()));
  }

  private static void put(ByteBuffer to, int at, EntropySelection selection) {
    to.putInt(at + Structs.ENTROPY_SELECTION_SCOPE, selection.scope().code());
    to.putFloat(at + Structs.ENTROPY_SELECTION_DROP, selection.drop());
  }

  private static void put(ByteBuffer to, int at, Covariance covariance) {
    to.putInt(at + Structs.COVARIANCE_KIND, covariance.kind().code());
    to.putInt(at + Structs.COVARIANCE_SEED, covariance.seed());
    to.putFloat(at + Structs.COVARIANCE_FRACTION, covariance.fraction());
    to.putFloat(at + Structs.COVARIANCE_LOW, covariance.low());
    to.putFloat(at + Structs.COVARIANCE_HIGH, covariance.high());
    to.putFloat(at + Structs.COVARIANCE_COEFFICIENT, covariance.coefficient());
  }

  private static void put(ByteBuffer to, int at, SamplerCorrection correction) {
    to.putInt(at + Structs.SAMPLER_CORRECTION_LEVEL, correction.level().code());
    to.putInt(at + Structs.SAMPLER_CORRECTION_BOUNDS, correction.bounds().code());
    to.putFloat(at + Structs.SAMPLER_CORRECTION_LOW, correction.low());
    to.putFloat(at + Structs.SAMPLER_CORRECTION_HIGH, correction.high());
    to.putFloat(at + Structs.SAMPLER_CORRECTION_LOG_LIMIT, correction.logLimit());
    to.putInt(at + Structs.SAMPLER_CORRECTION_NORMALISE, flag(correction.normalise()));
    to.putInt(at + Structs.SAMPLER_CORRECTION_FILTER_LEVEL, correction.filterLevel().code());
    to.putInt(
        at + Structs.SAMPLER_CORRECTION_FILTER_ESTIMATOR, correction.filterEstimator().code());
    to.putFloat(at + Structs.SAMPLER_CORRECTION_FILTER_LOW, correction.filterLow());
    to.putFloat(at + Structs.SAMPLER_CORRECTION_FILTER_HIGH, correction.filterHigh());
    to.putInt(at + Structs.SAMPLER_CORRECTION_FILTER_ACTION, correction.filterAction().code());
    to.putInt(at + Structs.SAMPLER_CORRECTION_RESERVED, 0);
  }

  /** Writes a {@code plait_normalizers}. */
  public static void put(ByteBuffer to, Normalizers normalizers) {
    to.putLong(Structs.NORMALIZERS_STRUCT_BYTES, Structs.NORMALIZERS_SIZE);
    to.putDouble(Structs.NORMALIZERS_TOKENS, normalizers.tokens());
    to.putDouble(Structs.NORMALIZERS_TOKENS + 8, normalizers.tokens(Role.ROLLOUT));
    to.putDouble(Structs.NORMALIZERS_TOKENS + 16, normalizers.tokens(Role.DEMONSTRATION));
    to.putDouble(Structs.NORMALIZERS_TOKENS + 24, normalizers.tokens(Role.HINT));
    to.putDouble(Structs.NORMALIZERS_SEQUENCES, normalizers.sequences());
    to.putDouble(Structs.NORMALIZERS_SEQUENCES + 8, normalizers.sequences(Role.ROLLOUT));
    to.putDouble(Structs.NORMALIZERS_SEQUENCES + 16, normalizers.sequences(Role.DEMONSTRATION));
    to.putDouble(Structs.NORMALIZERS_SEQUENCES + 24, normalizers.sequences(Role.HINT));
    to.putDouble(Structs.NORMALIZERS_LENGTH, normalizers.length());
  }

  /** Writes a {@code plait_advantage_options}. */
  public static void put(ByteBuffer to, GroupAdvantage options) {
    to.putLong(Structs.ADVANTAGE_OPTIONS_STRUCT_BYTES, Structs.ADVANTAGE_OPTIONS_SIZE);
    to.putInt(Structs.ADVANTAGE_OPTIONS_BASELINE, options.baseline().code());
    to.putInt(Structs.ADVANTAGE_OPTIONS_SCALE, options.scale().code());
    to.putInt(Structs.ADVANTAGE_OPTIONS_SINGLETON, options.singleton().code());
    to.putInt(Structs.ADVANTAGE_OPTIONS_SAMPLE_STD, flag(options.sampleStd()));
    to.putInt(Structs.ADVANTAGE_OPTIONS_EPSILON_PLACE, options.epsilonPlace().code());
    to.putInt(Structs.ADVANTAGE_OPTIONS_STATISTICS, options.statistics().code());
    to.putInt(Structs.ADVANTAGE_OPTIONS_ZERO_STD_ONE, flag(options.zeroStdOne()));
    to.putFloat(Structs.ADVANTAGE_OPTIONS_EPSILON, options.epsilon());
    to.putFloat(Structs.ADVANTAGE_OPTIONS_STD_FLOOR, options.stdFloor());
    to.putInt(Structs.ADVANTAGE_OPTIONS_RESERVED, 0);
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }

  private static long address(@Nullable TensorView view) {
    return view == null ? 0 : view.address();
  }
}
