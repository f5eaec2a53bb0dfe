package org.plait.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.plait.GroupAdvantage;
import org.plait.Logits;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.Role;
import org.plait.Rule;
import org.plait.TensorView;
import org.plait.Term;
import org.plait.TokenBatch;

/**
 * The structures of {@code plait.h}: byte offsets of their fields on an LP64 platform, and the
 * writers that fill them in.
 *
 * <p>Offsets are spelt out because the alternative, JavaCPP {@code Pointer} subclasses with an
 * accessor call per field, costs a JNI transition per field and a native allocation per structure.
 * A test computes the same offsets from the header. Thread-safe.
 */
public final class Structs {
  public static final int LOGITS_STRUCT_BYTES = 0;
  public static final int LOGITS_DATA = 8;
  public static final int LOGITS_ROWS = 16;
  public static final int LOGITS_VOCAB = 24;
  public static final int LOGITS_ROW_STRIDE = 32;
  public static final int LOGITS_TOKENS = 40;
  public static final int LOGITS_ROW_INDEX = 48;
  public static final int LOGITS_TARGETS = 56;
  public static final int LOGITS_TEMPERATURES = 64;
  public static final int LOGITS_VOCAB_BEGIN = 72;
  public static final int LOGITS_VOCAB_TOTAL = 80;
  public static final int LOGITS_DTYPE = 88;
  public static final int LOGITS_TARGET_DTYPE = 92;
  public static final int LOGITS_TEMPERATURE = 96;
  public static final int LOGITS_RESERVED = 100;
  public static final int LOGITS_SIZE = 104;

  public static final int TERM_COEFFICIENT = 0;
  public static final int TERM_AGGREGATION = 4;
  public static final int TERM_POPULATION = 8;
  public static final int TERM_SIZE = 12;

  public static final int RULE_POLICY = 0;
  public static final int RULE_NLL = 12;
  public static final int RULE_KL = 24;
  public static final int RULE_ENTROPY = 36;
  public static final int RULE_POLICY_LOSS = 48;
  public static final int RULE_KL_ESTIMATOR = 52;
  public static final int RULE_CLIP_LOW = 56;
  public static final int RULE_CLIP_HIGH = 60;
  public static final int RULE_DUAL_CLIP = 64;
  public static final int RULE_LOG_RATIO_LIMIT = 68;
  public static final int RULE_SIZE = 72;

  public static final int OBJECTIVE_STRUCT_BYTES = 0;
  public static final int OBJECTIVE_RULES = 8;
  public static final int OBJECTIVE_SIZE = 224;

  public static final int NORMALIZERS_STRUCT_BYTES = 0;
  public static final int NORMALIZERS_TOKENS = 8;
  public static final int NORMALIZERS_SEQUENCES = 40;
  public static final int NORMALIZERS_LENGTH = 72;
  public static final int NORMALIZERS_SIZE = 80;

  public static final int TOKEN_BATCH_STRUCT_BYTES = 0;
  public static final int TOKEN_BATCH_TOKENS = 8;
  public static final int TOKEN_BATCH_SEQUENCES = 16;
  public static final int TOKEN_BATCH_OFFSETS = 24;
  public static final int TOKEN_BATCH_ROLES = 32;
  public static final int TOKEN_BATCH_ADVANTAGES = 40;
  public static final int TOKEN_BATCH_OLD_LOGP = 48;
  public static final int TOKEN_BATCH_REF_LOGP = 56;
  public static final int TOKEN_BATCH_ADVANTAGE_PER_SEQUENCE = 64;
  public static final int TOKEN_BATCH_RESERVED = 68;
  public static final int TOKEN_BATCH_SIZE = 72;

  public static final int METRICS_LOSS = 0;
  public static final int METRICS_POLICY_LOSS = 8;
  public static final int METRICS_NLL_LOSS = 16;
  public static final int METRICS_KL_LOSS = 24;
  public static final int METRICS_ENTROPY_LOSS = 32;
  public static final int METRICS_LOSS_MAGNITUDE = 40;
  public static final int METRICS_TOKENS = 48;
  public static final int METRICS_POLICY_TOKENS = 80;
  public static final int METRICS_RATIO_SUM = 88;
  public static final int METRICS_RATIO_MAX = 96;
  public static final int METRICS_CLIP_LOW_COUNT = 104;
  public static final int METRICS_CLIP_HIGH_COUNT = 112;
  public static final int METRICS_DUAL_CLIP_COUNT = 120;
  public static final int METRICS_APPROX_KL_K1_SUM = 128;
  public static final int METRICS_APPROX_KL_K3_SUM = 136;
  public static final int METRICS_REFERENCE_KL_SUM = 144;
  public static final int METRICS_REFERENCE_KL_TOKENS = 152;
  public static final int METRICS_ENTROPY_SUM = 160;
  public static final int METRICS_LOGP_SUM = 168;
  public static final int METRICS_BAD_TARGETS = 176;
  public static final int METRICS_SIZE = 184;

  public static final int ADVANTAGE_OPTIONS_STRUCT_BYTES = 0;
  public static final int ADVANTAGE_OPTIONS_BASELINE = 8;
  public static final int ADVANTAGE_OPTIONS_SCALE = 12;
  public static final int ADVANTAGE_OPTIONS_SINGLETON = 16;
  public static final int ADVANTAGE_OPTIONS_SAMPLE_STD = 20;
  public static final int ADVANTAGE_OPTIONS_EPSILON = 24;
  public static final int ADVANTAGE_OPTIONS_RESERVED = 28;
  public static final int ADVANTAGE_OPTIONS_SIZE = 32;

  private Structs() {}

  /** Zeroed native memory for one structure. */
  public static ByteBuffer allocate(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  /** Writes a {@code plait_logits}. */
  public static void put(ByteBuffer to, Logits logits) {
    TensorView data = logits.data();
    TensorView targets = logits.targets();
    to.putLong(LOGITS_STRUCT_BYTES, LOGITS_SIZE);
    to.putLong(LOGITS_DATA, data.address());
    to.putLong(LOGITS_ROWS, data.size(0));
    to.putLong(LOGITS_VOCAB, data.size(1));
    to.putLong(LOGITS_ROW_STRIDE, data.rowStride());
    to.putLong(LOGITS_TOKENS, logits.tokens());
    to.putLong(LOGITS_ROW_INDEX, address(logits.rowIndex()));
    to.putLong(LOGITS_TARGETS, targets.address());
    to.putLong(LOGITS_TEMPERATURES, address(logits.temperatures()));
    to.putLong(LOGITS_VOCAB_BEGIN, logits.vocabBegin());
    to.putLong(LOGITS_VOCAB_TOTAL, logits.vocabTotal());
    to.putInt(LOGITS_DTYPE, data.dtype().code());
    to.putInt(LOGITS_TARGET_DTYPE, targets.dtype().code());
    to.putFloat(LOGITS_TEMPERATURE, logits.temperature());
    to.putInt(LOGITS_RESERVED, 0);
  }

  /** Writes a {@code plait_token_batch}. */
  public static void put(ByteBuffer to, TokenBatch batch) {
    to.putLong(TOKEN_BATCH_STRUCT_BYTES, TOKEN_BATCH_SIZE);
    to.putLong(TOKEN_BATCH_TOKENS, batch.tokens());
    to.putLong(TOKEN_BATCH_SEQUENCES, batch.sequences());
    to.putLong(TOKEN_BATCH_OFFSETS, address(batch.offsets()));
    to.putLong(TOKEN_BATCH_ROLES, address(batch.roles()));
    to.putLong(TOKEN_BATCH_ADVANTAGES, address(batch.advantages()));
    to.putLong(TOKEN_BATCH_OLD_LOGP, address(batch.oldLogProbs()));
    to.putLong(TOKEN_BATCH_REF_LOGP, address(batch.referenceLogProbs()));
    to.putInt(TOKEN_BATCH_ADVANTAGE_PER_SEQUENCE, batch.advantagePerSequence() ? 1 : 0);
    to.putInt(TOKEN_BATCH_RESERVED, 0);
  }

  /** Writes a {@code plait_objective}. */
  public static void put(ByteBuffer to, Objective objective) {
    to.putLong(OBJECTIVE_STRUCT_BYTES, OBJECTIVE_SIZE);
    put(to, OBJECTIVE_RULES, objective.rollout());
    put(to, OBJECTIVE_RULES + RULE_SIZE, objective.demonstration());
    put(to, OBJECTIVE_RULES + 2 * RULE_SIZE, objective.hint());
  }

  private static void put(ByteBuffer to, int at, Rule rule) {
    put(to, at + RULE_POLICY, rule.policy());
    put(to, at + RULE_NLL, rule.nll());
    put(to, at + RULE_KL, rule.kl());
    put(to, at + RULE_ENTROPY, rule.entropy());
    to.putInt(at + RULE_POLICY_LOSS, rule.policyLoss().code());
    to.putInt(at + RULE_KL_ESTIMATOR, rule.klEstimator().code());
    to.putFloat(at + RULE_CLIP_LOW, rule.clipLow());
    to.putFloat(at + RULE_CLIP_HIGH, rule.clipHigh());
    to.putFloat(at + RULE_DUAL_CLIP, rule.dualClip());
    to.putFloat(at + RULE_LOG_RATIO_LIMIT, rule.logRatioLimit());
  }

  private static void put(ByteBuffer to, int at, Term term) {
    to.putFloat(at + TERM_COEFFICIENT, term.coefficient());
    to.putInt(at + TERM_AGGREGATION, term.aggregation().code());
    to.putInt(at + TERM_POPULATION, term.population().code());
  }

  /** Writes a {@code plait_normalizers}. */
  public static void put(ByteBuffer to, Normalizers normalizers) {
    to.putLong(NORMALIZERS_STRUCT_BYTES, NORMALIZERS_SIZE);
    to.putDouble(NORMALIZERS_TOKENS, normalizers.tokens());
    to.putDouble(NORMALIZERS_TOKENS + 8, normalizers.tokens(Role.ROLLOUT));
    to.putDouble(NORMALIZERS_TOKENS + 16, normalizers.tokens(Role.DEMONSTRATION));
    to.putDouble(NORMALIZERS_TOKENS + 24, normalizers.tokens(Role.HINT));
    to.putDouble(NORMALIZERS_SEQUENCES, normalizers.sequences());
    to.putDouble(NORMALIZERS_SEQUENCES + 8, normalizers.sequences(Role.ROLLOUT));
    to.putDouble(NORMALIZERS_SEQUENCES + 16, normalizers.sequences(Role.DEMONSTRATION));
    to.putDouble(NORMALIZERS_SEQUENCES + 24, normalizers.sequences(Role.HINT));
    to.putDouble(NORMALIZERS_LENGTH, normalizers.length());
  }

  /** Writes a {@code plait_advantage_options}. */
  public static void put(ByteBuffer to, GroupAdvantage options) {
    to.putLong(ADVANTAGE_OPTIONS_STRUCT_BYTES, ADVANTAGE_OPTIONS_SIZE);
    to.putInt(ADVANTAGE_OPTIONS_BASELINE, options.baseline().code());
    to.putInt(ADVANTAGE_OPTIONS_SCALE, options.scale().code());
    to.putInt(ADVANTAGE_OPTIONS_SINGLETON, options.singleton().code());
    to.putInt(ADVANTAGE_OPTIONS_SAMPLE_STD, options.sampleStd() ? 1 : 0);
    to.putFloat(ADVANTAGE_OPTIONS_EPSILON, options.epsilon());
    to.putInt(ADVANTAGE_OPTIONS_RESERVED, 0);
  }

  private static long address(@Nullable TensorView view) {
    return view == null ? 0 : view.address();
  }
}
