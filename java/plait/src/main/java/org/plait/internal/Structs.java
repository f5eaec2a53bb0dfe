package org.plait.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The structures of {@code plait.h}: byte offsets of their fields on an LP64 platform. {@link
 * StructWriter} fills them in.
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

  public static final int ENTROPY_WEIGHTING_SCOPE = 0;
  public static final int ENTROPY_WEIGHTING_SCALE = 4;
  public static final int ENTROPY_WEIGHTING_EXPONENT = 8;
  public static final int ENTROPY_WEIGHTING_POSITIVE_ONLY = 12;
  public static final int ENTROPY_WEIGHTING_SIZE = 16;

  public static final int ENTROPY_SELECTION_SCOPE = 0;
  public static final int ENTROPY_SELECTION_DROP = 4;
  public static final int ENTROPY_SELECTION_SIZE = 8;

  public static final int COVARIANCE_KIND = 0;
  public static final int COVARIANCE_SEED = 4;
  public static final int COVARIANCE_FRACTION = 8;
  public static final int COVARIANCE_LOW = 12;
  public static final int COVARIANCE_HIGH = 16;
  public static final int COVARIANCE_COEFFICIENT = 20;
  public static final int COVARIANCE_SIZE = 24;

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
  public static final int RULE_BEHAVIOUR = 72;
  public static final int RULE_RATIO_LEVEL = 76;
  public static final int RULE_RESHAPE = 80;
  public static final int RULE_RESHAPE_PARAMETER = 84;
  public static final int RULE_RESHAPE_LOW = 88;
  public static final int RULE_RESHAPE_HIGH = 92;
  public static final int RULE_MAX_PROBABILITY = 96;
  public static final int RULE_OFF_POLICY_THRESHOLD = 100;
  public static final int RULE_SAPO_POSITIVE = 104;
  public static final int RULE_SAPO_NEGATIVE = 108;
  public static final int RULE_VESPO_POSITIVE = 112;
  public static final int RULE_VESPO_NEGATIVE = 120;
  public static final int RULE_SAMPLER_CORRECTION = 128;
  public static final int RULE_KL_FORM = 132;
  public static final int RULE_KL_LOG_LIMIT = 136;
  public static final int RULE_KL_VALUE_LIMIT = 140;
  public static final int RULE_POLICY_WEIGHTING = 144;
  public static final int RULE_NLL_WEIGHTING = 160;
  public static final int RULE_SELECTION = 176;
  public static final int RULE_COVARIANCE = 184;
  public static final int RULE_NLL_PROBABILITY_WEIGHTING = 208;
  public static final int RULE_SIZE = 212;

  public static final int SAMPLER_CORRECTION_LEVEL = 0;
  public static final int SAMPLER_CORRECTION_BOUNDS = 4;
  public static final int SAMPLER_CORRECTION_LOW = 8;
  public static final int SAMPLER_CORRECTION_HIGH = 12;
  public static final int SAMPLER_CORRECTION_LOG_LIMIT = 16;
  public static final int SAMPLER_CORRECTION_NORMALISE = 20;
  public static final int SAMPLER_CORRECTION_FILTER_LEVEL = 24;
  public static final int SAMPLER_CORRECTION_FILTER_ESTIMATOR = 28;
  public static final int SAMPLER_CORRECTION_FILTER_LOW = 32;
  public static final int SAMPLER_CORRECTION_FILTER_HIGH = 36;
  public static final int SAMPLER_CORRECTION_FILTER_ACTION = 40;
  public static final int SAMPLER_CORRECTION_RESERVED = 44;
  public static final int SAMPLER_CORRECTION_SIZE = 48;

  public static final int OBJECTIVE_STRUCT_BYTES = 0;
  public static final int OBJECTIVE_RULES = 8;
  public static final int OBJECTIVE_CORRECTION = 644;
  public static final int OBJECTIVE_RESERVED = 692;
  public static final int OBJECTIVE_SIZE = 696;

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
  public static final int TOKEN_BATCH_SAMPLER_LOGP = 64;
  public static final int TOKEN_BATCH_ADVANTAGE_PER_SEQUENCE = 72;
  public static final int TOKEN_BATCH_RESERVED = 76;
  public static final int TOKEN_BATCH_SIZE = 80;

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
  public static final int METRICS_POLICY_VALUE_SUM = 184;
  public static final int METRICS_CLIPPED_TOKENS = 216;
  public static final int METRICS_PROBABILITY_SUM = 248;
  public static final int METRICS_OLD_PROBABILITY_SUM = 280;
  public static final int METRICS_RESHAPED_SUM = 312;
  public static final int METRICS_RESHAPED_TOKENS = 320;
  public static final int METRICS_RESHAPE_LOW_COUNT = 328;
  public static final int METRICS_RESHAPE_HIGH_COUNT = 336;
  public static final int METRICS_DROPPED_TOKENS = 344;
  public static final int METRICS_POLICY_WEIGHTING_SUM = 352;
  public static final int METRICS_POLICY_WEIGHTING_TOKENS = 360;
  public static final int METRICS_NLL_WEIGHTING_SUM = 368;
  public static final int METRICS_NLL_WEIGHTING_TOKENS = 376;
  public static final int METRICS_REJECTED_TOKENS = 384;
  public static final int METRICS_SAMPLER_TOKENS = 392;
  public static final int METRICS_SAMPLER_LOG_RATIO_SUM = 400;
  public static final int METRICS_SAMPLER_ABS_SUM = 408;
  public static final int METRICS_SAMPLER_ABS_MAX = 416;
  public static final int METRICS_SAMPLER_K3_SUM = 424;
  public static final int METRICS_SAMPLER_SQUARE_SUM = 432;
  public static final int METRICS_SAMPLER_RATIO_SUM = 440;
  public static final int METRICS_SAMPLER_WEIGHT_SUM = 448;
  public static final int METRICS_SAMPLER_WEIGHT_SQUARE_SUM = 456;
  public static final int METRICS_SAMPLER_SEQUENCES = 464;
  public static final int METRICS_SAMPLER_LOG_PPL_SUM = 472;
  public static final int METRICS_OLD_LOG_PPL_SUM = 480;
  public static final int METRICS_SAMPLER_PPL_RATIO_SUM = 488;
  public static final int METRICS_SAMPLER_RATIO_MAX = 496;
  public static final int METRICS_SAMPLER_RATIO_MIN = 504;
  public static final int METRICS_SAMPLER_BOUND_TOKENS = 512;
  public static final int METRICS_SAMPLER_ABOVE_COUNT = 520;
  public static final int METRICS_SAMPLER_BELOW_COUNT = 528;
  public static final int METRICS_SAMPLER_CLAMPED_SUM = 536;
  public static final int METRICS_SAMPLER_CLAMPED_SQUARE_SUM = 544;
  public static final int METRICS_SAMPLER_SEQUENCE_RATIO_SUM = 552;
  public static final int METRICS_SAMPLER_SEQUENCE_RATIO_SQUARE_SUM = 560;
  public static final int METRICS_SAMPLER_SEQUENCE_RATIO_MAX = 568;
  public static final int METRICS_SAMPLER_SEQUENCE_RATIO_MIN = 576;
  public static final int METRICS_SAMPLER_SEQUENCE_DEVIATION_MAX = 584;
  public static final int METRICS_SAMPLER_BOUND_SEQUENCES = 592;
  public static final int METRICS_SAMPLER_SEQUENCE_ABOVE_COUNT = 600;
  public static final int METRICS_SAMPLER_SEQUENCE_BELOW_COUNT = 608;
  public static final int METRICS_SAMPLER_SEQUENCE_SQUARE_SUM = 616;
  public static final int METRICS_SAMPLER_PPL_SUM = 624;
  public static final int METRICS_OLD_PPL_SUM = 632;
  public static final int METRICS_LOG_PPL_ABS_DIFF_SUM = 640;
  public static final int METRICS_LOG_PPL_DIFF_MAX = 648;
  public static final int METRICS_LOG_PPL_DIFF_MIN = 656;
  public static final int METRICS_REJECTED_SEQUENCES = 664;
  public static final int METRICS_PARTLY_REJECTED_SEQUENCES = 672;
  public static final int METRICS_SIZE = 680;

  public static final int ADVANTAGE_OPTIONS_STRUCT_BYTES = 0;
  public static final int ADVANTAGE_OPTIONS_BASELINE = 8;
  public static final int ADVANTAGE_OPTIONS_SCALE = 12;
  public static final int ADVANTAGE_OPTIONS_SINGLETON = 16;
  public static final int ADVANTAGE_OPTIONS_SAMPLE_STD = 20;
  public static final int ADVANTAGE_OPTIONS_EPSILON_PLACE = 24;
  public static final int ADVANTAGE_OPTIONS_STATISTICS = 28;
  public static final int ADVANTAGE_OPTIONS_ZERO_STD_ONE = 32;
  public static final int ADVANTAGE_OPTIONS_EPSILON = 36;
  public static final int ADVANTAGE_OPTIONS_STD_FLOOR = 40;
  public static final int ADVANTAGE_OPTIONS_RESERVED = 44;
  public static final int ADVANTAGE_OPTIONS_SIZE = 48;

  private Structs() {}

  /** Zeroed native memory for one structure. */
  public static ByteBuffer allocate(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }
}
