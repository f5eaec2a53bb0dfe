/*
 * plait.h: the C contract of Plait, fused kernels for language-model post-training.
 *
 * Every supervised and reinforcement-learning objective reaches the logits of a model through two scalars per token:
 * c, the derivative of the loss with respect to the log-probability of the realised token, and h, its derivative with
 * respect to the entropy of that position. With z = logits / temperature, p = softmax(z), S = sum_j p_j z_j:
 *
 *     dLoss/dlogits[j] = (1 / temperature) * (c * (1[j == target] - p_j) + h * p_j * (S - z_j))
 *
 * Conventions
 *   Return      A plait_status. Nothing throws, exits or prints. When a call is refused, no output is written and
 *               plait_last_error() names the argument, what was expected and what came.
 *   Arrays      Dense and contiguous unless a stride is given, element-aligned, row-major; owned by the caller.
 *               Log-probabilities, entropies and KL are in nats. Optional arrays are marked "or NULL".
 *   Aliasing    Outputs overlap nothing else, structures included, except where "in place" is said.
 *   Packing     A batch is T tokens (rows), sequence i being tokens offsets[i] .. offsets[i + 1] - 1.
 *   Indices     64 bits throughout; T * V above 2^31 works, and so does T == 0.
 *   Precision   Sums are accumulated in float32 or better, and rounded once to the output's type.
 *   Determinism A row's result depends on that row alone: not on T, its position, the thread count or the run.
 *   Memory      No call allocates, synchronises or copies behind the caller's back; workspace is the caller's.
 *   Threads     Every function may be called from any number of threads at once. The CPU backend runs on OpenMP's
 *               threads (omp_set_num_threads, OMP_NUM_THREADS, torch.set_num_threads).
 *   Placement   `device` is PLAIT_CPU or the ordinal of a CUDA device; `stream` is a cudaStream_t, and NULL on the CPU.
 *               Structures are read on the host during the call; the arrays they point to live on the device.
 *   CUDA        Calls enqueue on `stream` (NULL: the legacy default stream) and return; a graph can capture them. Each
 *               array, `metrics`, `bad_targets` and workspace too, is memory of `device`, or managed or page-locked,
 *               and must stay until the stream has got there; one without elements may be anywhere. What arrays hold
 *               cannot be refused then: offsets, roles, row_index, ids or temperatures that break their rule make the
 *               results unspecified (NaN for the row of a bad temperature), but nothing out of bounds is touched.
 */
#ifndef PLAIT_H_
#define PLAIT_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLAIT_API __attribute__((visibility("default")))

/* Bumped whenever a structure or a signature changes; plait_abi_version() returns the library's own. */
#define PLAIT_ABI_VERSION 2
#define PLAIT_CPU (-1)

typedef enum plait_status {
  PLAIT_OK = 0,
  PLAIT_INVALID_ARGUMENT = 1, /* the message names the argument */
  PLAIT_UNAVAILABLE = 2,      /* the backend or device cannot be used here; the message says why */
  PLAIT_INTERNAL = 3          /* a backend failed in a way that its caller did not cause */
} plait_status;

typedef enum plait_dtype {
  PLAIT_FLOAT32 = 0,
  PLAIT_BFLOAT16 = 1,
  PLAIT_FLOAT16 = 2,
  PLAIT_INT32 = 3,
  PLAIT_INT64 = 4
} plait_dtype;

/* What a token is to the objective. Ignored tokens are never read; their gradient rows are written as zero. */
typedef enum plait_role {
  PLAIT_IGNORED = 0,
  PLAIT_ROLLOUT = 1,       /* sampled by the policy */
  PLAIT_DEMONSTRATION = 2, /* taken from an expert */
  PLAIT_HINT = 3           /* expert prefix that a rollout continues */
} plait_role;

/* ---- Library ------------------------------------------------------------------------------------------------- */

PLAIT_API int32_t plait_abi_version(void);

/* Semantic version, e.g. "0.1.0". Static storage. */
PLAIT_API const char* plait_version(void);

/* Why the last refused call of this thread was refused; "" if none was. Valid until this thread's next call. */
PLAIT_API const char* plait_last_error(void);

/* PLAIT_OK if kernels run on `device`; otherwise PLAIT_UNAVAILABLE, and plait_last_error() gives the reason. */
PLAIT_API int32_t plait_backend_available(int32_t device);

/*
 * Opens the CUDA backend: the plugin at `path`. Without this call the first use of a CUDA device looks for the plugin
 * at $PLAIT_CUDA_PLUGIN, or else, as libplait_cuda.so, beside this library and where the dynamic loader looks. One that
 * is open stays open, and further calls change nothing. PLAIT_UNAVAILABLE, with the loader's reason, if it cannot be
 * opened; a plugin opens on machines without a driver too, and plait_backend_available() then says so.
 */
PLAIT_API int32_t plait_cuda_load(const char* path);

/* The SIMD target that the CPU kernels were dispatched to: "AVX-512", "AVX2", "NEON", ... Static storage. */
PLAIT_API const char* plait_cpu_target(void);

/*
 * Dispatches the CPU kernels of this process to the target `name`, one that plait_cpu_target() could have returned, or
 * to the best one if `name` is NULL. For comparing targets; results differ between targets within rounding only.
 */
PLAIT_API int32_t plait_cpu_select_target(const char* name);

/* How many threads the next call from this thread would use. */
PLAIT_API int32_t plait_cpu_threads(void);

/* ---- Logits -------------------------------------------------------------------------------------------------- */

/*
 * T rows of logits and the token that was realised at each.
 *
 * Logits may be -inf (a masked vocabulary entry: p = 0, no contribution to entropy or gradient). A row that holds NaN,
 * +inf or nothing but -inf gives NaN for that row alone. A target outside [0, vocab_total) gives NaN statistics and a
 * zero gradient for its row, and is counted.
 *
 * Vocabulary-parallel use: a shard holds entries vocab_begin .. vocab_begin + vocab - 1 of vocab_total; the targets are
 * global. Each shard's plait_row_stats writes `state`; plait_row_stats_merge combines the shards' states; the merged
 * state goes to each shard's plait_logits_grad.
 */
typedef struct plait_logits {
  int64_t struct_bytes;      /* sizeof(plait_logits) */
  const void* data;          /* [rows, vocab] of `dtype` */
  int64_t rows;              /* rows of `data` */
  int64_t vocab;             /* V >= 1, columns of `data` */
  int64_t row_stride;        /* elements from one row to the next, >= vocab */
  int64_t tokens;            /* T: == rows, or the length of row_index */
  const int64_t* row_index;  /* [T] row of each token, strictly increasing, in [0, rows); or NULL: row t is token t */
  const void* targets;       /* [T] of `target_dtype` */
  const float* temperatures; /* [T] as `temperature`; or NULL: that one holds for every token */
  int64_t vocab_begin;       /* 0 unless this is a shard */
  int64_t vocab_total;       /* vocab unless this is a shard */
  int32_t dtype;             /* PLAIT_FLOAT32, PLAIT_BFLOAT16 or PLAIT_FLOAT16 */
  int32_t target_dtype;      /* PLAIT_INT32 or PLAIT_INT64 */
  float temperature;         /* > 0, not subnormal, and above 2^100 as 2^100; read when `temperatures` is NULL */
  int32_t reserved;          /* 0 */
} plait_logits;

/*
 * Floats per row of `state`, in this order: the maximum m of the raw logits; sum_j exp((x_j - m) / temperature);
 * sum_j exp((x_j - m) / temperature) * (x_j - m) / temperature; the raw logit of the target (-inf if another shard has
 * it, NaN if the target is bad). Maximum and sum stay apart, so a large common offset of the logits costs no precision.
 */
#define PLAIT_STATE_FLOATS 4

/*
 * Row statistics: one read of the logits. With z = x / temperature:
 *
 *     logsumexp = log sum_j exp(z_j)     logp = z_target - logsumexp     entropy = -sum_j p_j log p_j
 *
 * logp, entropy, logsumexp: float32 [T] or NULL (logp of a shard is -inf where another shard has the target).
 * state: float32 [T, PLAIT_STATE_FLOATS] or NULL. bad_targets: how many targets were out of range, or NULL.
 */
PLAIT_API int32_t plait_row_stats(int32_t device, void* stream, const plait_logits* logits, float* logp, float* entropy,
                                  float* logsumexp, float* state, int64_t* bad_targets);

/*
 * Statistics of whole rows from the states of `parts` shards, each over the same T tokens.
 *
 * states: float32 [parts, T, PLAIT_STATE_FLOATS], shards in vocabulary order. temperatures: [T] or NULL, with
 * `temperature` for every token; as in plait_logits. Outputs as in plait_row_stats, each or NULL; `state` may be the
 * first shard's.
 */
PLAIT_API int32_t plait_row_stats_merge(int32_t device, void* stream, const float* states, int64_t parts,
                                        int64_t tokens, const float* temperatures, float temperature, float* logp,
                                        float* entropy, float* logsumexp, float* state);

/*
 * Gradient of the logits from c and h: one read and one write of the logits, by the formula at the top of this file.
 *
 * state: float32 [T, PLAIT_STATE_FLOATS] of the whole row, from plait_row_stats or plait_row_stats_merge.
 * c: float32 [T]. h: float32 [T] or NULL (no entropy term). dlogits: like logits->data in shape and type, with row
 * stride dlogits_stride; it either is logits->data with the same stride (in place) or does not overlap it. Rows that
 * row_index leaves out are not touched. A row with c == 0 and h == 0 is written as zero without being read, unless its
 * state is NaN. bad_targets as in plait_row_stats.
 */
PLAIT_API int32_t plait_logits_grad(int32_t device, void* stream, const plait_logits* logits, const float* state,
                                    const float* c, const float* h, void* dlogits, int64_t dlogits_stride,
                                    int64_t* bad_targets);

/* ---- Objectives ---------------------------------------------------------------------------------------------- */

/*
 * The policy-gradient loss of a token. A: advantage; x: the importance ratio of the rule (see plait_behaviour and
 * plait_ratio_level); clip(x) = min(max(x, 1 - clip_low), 1 + clip_high); sg: stop-gradient. c is the derivative with
 * respect to logp, where a sequence's ratio is the product of its tokens' shares of it: with an aggregation of
 * sequence means of token means, c is the exact derivative of the sequence loss.
 */
typedef enum plait_policy_loss {
  PLAIT_POLICY_NONE = 0,
  /* -A logp; c = -A. REINFORCE, RLOO, REINFORCE++ on policy, GPG. */
  PLAIT_POLICY_REINFORCE = 1,
  /* max(-A x, -A clip(x)); if A < 0, at most -dual_clip A. c = -A x, or 0 where a bound holds; at a bound itself the
   * gradient is the unclipped one. PPO (arXiv:1707.06347), GRPO, clip-higher from DAPO (arXiv:2503.14476), dual clip
   * (arXiv:1912.09729), two-sided clip (arXiv:2505.07291), GSPO with a sequence ratio (arXiv:2507.18071). */
  PLAIT_POLICY_CLIP = 2,
  /* -sg(clip(x)) A logp; c = -clip(x) A. CISPO (arXiv:2506.13585). */
  PLAIT_POLICY_CISPO = 3,
  /* -A (4 / t) sigmoid(t (x - 1)), t = sapo_positive if A > 0, else sapo_negative; c = -4 s (1 - s) A x with s the
   * sigmoid. SAPO (arXiv:2511.20347). */
  PLAIT_POLICY_SAPO = 4,
  /* -A f(x) with the `reshape` f; c = -A x f'(x). LUFFY (arXiv:2504.14945). */
  PLAIT_POLICY_RESHAPED = 5,
  /* -A exp(mean over the sequence of d'), d' = min(d, clip_high) if A > 0, else max(d, -clip_low), d = log x of a
   * token; c = -A exp(...), or 0 where d' bounds d. GMPO (arXiv:2507.20673). */
  PLAIT_POLICY_GMPO = 6,
  /* -sg(phi) A logp, phi = exp(lambda + k log W - lambda W), log W = the sequence's sum of log x (and of the sampler's
   * log weights) in [log 1e-8, 20]; (k, lambda) = vespo_positive if A >= 0, else vespo_negative; phi = 0 where it is
   * not finite. c = -phi A. VESPO, as in huggingface/trl. */
  PLAIT_POLICY_VESPO = 7
} plait_policy_loss;

/* Whose probability the ratio divides by. */
typedef enum plait_behaviour {
  PLAIT_BEHAVIOUR_OLD = 0,    /* x = exp(logp - old_logp); exactly 1 where there is no old_logp */
  PLAIT_BEHAVIOUR_CERTAIN = 1 /* x = p = exp(logp): an expert who was certain (LUFFY, SRFT) */
} plait_behaviour;

/* What the log-ratio of a token is taken over: tokens of the same role in its sequence. */
typedef enum plait_ratio_level {
  PLAIT_RATIO_TOKEN = 0,         /* the token */
  PLAIT_RATIO_SEQUENCE_MEAN = 1, /* mean over the sequence: GSPO */
  PLAIT_RATIO_SEQUENCE_SUM = 2   /* sum over the sequence: the ratio of whole responses */
} plait_ratio_level;

/* f of PLAIT_POLICY_RESHAPED; g = reshape_parameter. Where f(x) leaves [reshape_low, reshape_high] it is held there and
 * has no gradient; at a bound itself it has. */
typedef enum plait_reshape {
  PLAIT_RESHAPE_RATIONAL = 0,      /* x / (x + g)                  x f'(x) = g x / (x + g)^2 */
  PLAIT_RESHAPE_POWER = 1,         /* x^g                          g x^g                     */
  PLAIT_RESHAPE_LOG = 2,           /* g logp                       g                         */
  PLAIT_RESHAPE_LINEAR_LOG = 3,    /* x + g logp                   x + g                     */
  PLAIT_RESHAPE_RATIONAL_RATIO = 4 /* s(p) / s(p_old), s(p) = p / (p + g); p_old = exp(old_logp) */
} plait_reshape;

/* Estimators of KL(policy || reference) per token, d = logp - ref_logp (Schulman, "Approximating KL divergence"). */
typedef enum plait_kl_estimator {
  PLAIT_KL_K1 = 0, /* d                  derivative 1            */
  PLAIT_KL_K2 = 1, /* d^2 / 2            derivative d            */
  PLAIT_KL_K3 = 2, /* exp(-d) - 1 + d    derivative 1 - exp(-d)  */
  PLAIT_KL_ABS = 3 /* |d|                derivative sign(d)      */
} plait_kl_estimator;

/* How the estimator k enters the loss; r = exp(logp - old_logp). */
typedef enum plait_kl_form {
  PLAIT_KL_PLAIN = 0,             /* k                                                                       */
  PLAIT_KL_TIMES_RATIO = 1,       /* r k, gradient through r too: with k3 it is r d (DeepSeek-V3.2)          */
  PLAIT_KL_TIMES_FIXED_RATIO = 2, /* sg(r) k                                                                 */
  PLAIT_KL_STRAIGHT_THROUGH = 3   /* value k, gradient of k2: d (verl's "k1+", "k3+")                        */
} plait_kl_form;

/*
 * The weight w of a token's term in the scalar loss. N, B: tokens and sequences of the term's population; n: tokens of
 * that population in the token's own sequence; L: plait_normalizers.length.
 */
typedef enum plait_aggregation {
  PLAIT_TOKEN_MEAN = 0,              /* 1 / N        */
  PLAIT_SEQ_MEAN_TOKEN_MEAN = 1,     /* 1 / (B n)    */
  PLAIT_SEQ_MEAN_TOKEN_SUM = 2,      /* 1 / B        */
  PLAIT_CONSTANT_LENGTH = 3,         /* 1 / L        */
  PLAIT_SEQ_MEAN_CONSTANT_LENGTH = 4 /* 1 / (B L)    */
} plait_aggregation;

/* Which tokens N, B and n count. */
typedef enum plait_population {
  PLAIT_ALL_TOKENS = 0, /* every token that is not ignored */
  PLAIT_OWN_ROLE = 1    /* tokens of the same role         */
} plait_population;

/*
 * One summand of a rule: loss += coefficient * w * value. A coefficient of 0 switches it off: it needs no input, counts
 * in no metric and asks for no second pass.
 */
typedef struct plait_term {
  float coefficient;   /* finite, >= 0 */
  int32_t aggregation; /* plait_aggregation */
  int32_t population;  /* plait_population */
} plait_term;

typedef enum plait_scope {
  PLAIT_SCOPE_NONE = 0,
  PLAIT_SCOPE_TOKEN = 1,
  PLAIT_SCOPE_SEQUENCE = 2,
  PLAIT_SCOPE_BATCH = 3
} plait_scope;

/*
 * A constant weight sg(scale * exp(exponent * H)) on a term, H the entropy of the token, or its mean over the tokens of
 * the same role in the sequence. SRFT (arXiv:2506.19767): 0.5 exp(-H) on demonstrations, 0.1 exp(H) on correct
 * rollouts.
 */
typedef struct plait_entropy_weighting {
  int32_t scope;         /* plait_scope: none, token or sequence */
  float scale;           /* finite, >= 0 */
  float exponent;        /* finite */
  int32_t positive_only; /* 1: weight 1 where the advantage is not above 0 */
} plait_entropy_weighting;

/* A constant weight on the negative log-likelihood of a token by its own probability p = exp(logp): c = -w times this.
 */
typedef enum plait_probability_weighting {
  PLAIT_WEIGHT_NONE = 0,        /* 1 */
  PLAIT_WEIGHT_PROBABILITY = 1, /* sg(p): DFT (arXiv:2508.05629) */
  /* sg(p (1 - p)), which is largest, 1/4, at p = 1/2, and spares tokens that are all but certain or all but impossible:
   * CHORD's phi (arXiv:2508.11408). */
  PLAIT_WEIGHT_VARIANCE = 2
} plait_probability_weighting;

/*
 * Keeps the policy term of the tokens with the highest entropy: of the n tokens of the role in the scope, all but
 * floor(drop * n) in float32, ties kept by position; a NaN ranks below every number. Prefix-RFT (arXiv:2507.01679),
 * top-entropy masks.
 */
typedef struct plait_entropy_selection {
  int32_t scope; /* plait_scope: none, sequence or batch */
  float drop;    /* in [0, 1) */
} plait_entropy_selection;

typedef enum plait_covariance_kind {
  PLAIT_COVARIANCE_NONE = 0,
  PLAIT_COVARIANCE_CLIP = 1,
  PLAIT_COVARIANCE_KL = 2
} plait_covariance_kind;

/*
 * Treats the tokens of high covariance (A - mean A) (logp - mean logp), means over the role's tokens in the call, apart
 * (arXiv:2505.22617). CLIP: of the unclipped tokens with covariance in (low, high), at most max(1, floor(fraction N))
 * lose their policy term: those of the least hash. The hash is SplitMix64's first output from the state 2^32 seed + i,
 * i counting the role's tokens in the call from 0, so that ignored tokens between them change nothing. KL: the max(1,
 * floor(fraction N)) highest get coefficient * |logp - old_logp| on top.
 */
typedef struct plait_covariance {
  int32_t kind; /* plait_covariance_kind */
  uint32_t seed;
  float fraction; /* in (0, 1] */
  float low;
  float high;
  float coefficient; /* finite, >= 0 */
} plait_covariance;

/*
 * What a token of one role contributes:
 *
 *     w_policy * policy_loss  -  w_nll * logp  +  w_kl * kl_estimator(logp - ref_logp)  -  w_entropy * entropy
 *
 * where each w is the term's coefficient times its aggregation weight; w_policy and w_nll also times their entropy
 * weighting, w_nll times its probability weighting, and w_policy times the sampler correction (but for VESPO, which has
 * it in phi) and 0 where the token is dropped.
 */
typedef struct plait_rule {
  plait_term policy;
  plait_term nll; /* negative log-likelihood: SFT */
  plait_term kl;
  plait_term entropy; /* bonus */
  int32_t policy_loss;
  int32_t kl_estimator;
  float clip_low;             /* >= 0; +inf: no bound below */
  float clip_high;            /* >= 0; +inf: no bound above */
  float dual_clip;            /* > 1; +inf: none */
  float log_ratio_limit;      /* > 0: |log x| is clamped to it, with gradient 0 outside; +inf: none */
  int32_t behaviour;          /* plait_behaviour */
  int32_t ratio_level;        /* plait_ratio_level */
  int32_t reshape;            /* plait_reshape */
  float reshape_parameter;    /* finite, > 0 */
  float reshape_low;          /* at most reshape_high; -inf: none */
  float reshape_high;         /* +inf: none */
  float max_probability;      /* > 0: tokens with p above it lose their policy term; +inf: none */
  float off_policy_threshold; /* sequences with A < 0 and mean of old_logp - logp above it lose it; +inf: none */
  float sapo_positive;        /* finite, > 0 */
  float sapo_negative;        /* finite, > 0 */
  float vespo_positive[2];    /* k, lambda: finite */
  float vespo_negative[2];    /* k, lambda: finite */
  int32_t sampler_correction; /* 1: the objective's correction applies to this rule */
  int32_t kl_form;            /* plait_kl_form */
  float kl_log_limit;         /* > 0: |d| is clamped to it, with gradient 0 outside; +inf: none */
  float kl_value_limit;       /* > 0: the value is clamped to it, with gradient 0 outside; +inf: none */
  plait_entropy_weighting policy_weighting;
  plait_entropy_weighting nll_weighting;
  plait_entropy_selection selection;
  plait_covariance covariance;
  int32_t nll_probability_weighting; /* plait_probability_weighting */
} plait_rule;

/* What the sampler's log-ratio omega = old_logp - sampler_logp is taken over, in the sequence's tokens. */
typedef enum plait_correction_level {
  PLAIT_CORRECTION_NONE = 0,
  PLAIT_CORRECTION_TOKEN = 1,
  PLAIT_CORRECTION_SEQUENCE_SUM = 2,
  PLAIT_CORRECTION_SEQUENCE_MEAN = 3,
  PLAIT_CORRECTION_SEQUENCE_MAX = 4 /* filters only */
} plait_correction_level;

typedef enum plait_correction_bounds {
  PLAIT_CORRECTION_TRUNCATE = 0, /* the weight is clamped to [low, high]: TIS */
  PLAIT_CORRECTION_MASK = 1      /* the weight is 0 outside [low, high]: IcePop */
} plait_correction_bounds;

/* Per token, with x = omega: k1 = -x, k2 = x^2 / 2, k3 = e^x - 1 - x; then the level's token, sum, mean or maximum. */
typedef enum plait_filter_action {
  PLAIT_FILTER_REJECT = 0,     /* as if ignored: no loss, no count */
  PLAIT_FILTER_ZERO_WEIGHT = 1 /* weight 0, still counted */
} plait_filter_action;

/*
 * Correction for a sampler whose probabilities differ from the trainer's: the policy term is multiplied by the constant
 * w = exp(omega), bounded; and tokens or sequences that differ too much are filtered out. From old_logp and
 * sampler_logp alone, so it costs no second pass. It needs both where its filter rejects, or the rollouts' policy term
 * is on and takes its weights. TIS, IcePop, sequence masks, rejection (verl's rollout correction,
 * TRL, OpenRLHF).
 */
typedef struct plait_sampler_correction {
  int32_t level;            /* plait_correction_level, not SEQUENCE_MAX */
  int32_t bounds;           /* plait_correction_bounds */
  float low;                /* >= 0 */
  float high;               /* > 0; +inf: none */
  float log_limit;          /* > 0: |omega|, or the sequence's, is clamped to it; +inf: none */
  int32_t normalise;        /* 1: divided by its mean over the corrected tokens */
  int32_t filter_level;     /* plait_correction_level */
  int32_t filter_estimator; /* plait_kl_estimator, K1 to K3 */
  float filter_low; /* K1: the statistic lies in [log filter_low, log filter_high]; others: at most filter_high */
  float filter_high;
  int32_t filter_action; /* plait_filter_action */
  int32_t reserved;      /* 0 */
} plait_sampler_correction;

/* An objective is data: a rule per role. rules[role - 1] for PLAIT_ROLLOUT, PLAIT_DEMONSTRATION, PLAIT_HINT. */
typedef struct plait_objective {
  int64_t struct_bytes; /* sizeof(plait_objective) */
  plait_rule rules[3];
  plait_sampler_correction correction;
  int32_t reserved; /* 0 */
} plait_objective;

/*
 * Why plait_policy_step needs two passes over the logits for `objective`: "" if one pass is enough, otherwise the field
 * that needs its sequence or the batch first, such as "rollout.ratio_level". NULL if the objective is refused. Valid
 * until this thread's next call.
 */
PLAIT_API const char* plait_objective_second_pass(const plait_objective* objective);

/*
 * Counts to normalise by, so that micro-batches and ranks add up to one batch. Index 0 counts all tokens that are not
 * ignored (and the sequences that have one), index `role` those of one role. A count of 0 is taken from the batch at
 * hand. `length` must be > 0 where a constant-length aggregation is used. n is always taken from the batch at hand, so
 * a sequence must not be split.
 */
typedef struct plait_normalizers {
  int64_t struct_bytes; /* sizeof(plait_normalizers) */
  double tokens[4];
  double sequences[4];
  double length;
} plait_normalizers;

/* What stage two knows about T tokens, besides their log-probabilities and entropies. Constants to the gradient. */
typedef struct plait_token_batch {
  int64_t struct_bytes;      /* sizeof(plait_token_batch) */
  int64_t tokens;            /* T */
  int64_t sequences;         /* B; 0 with offsets == NULL: all tokens are one sequence */
  const int64_t* offsets;    /* [B + 1], 0 = offsets[0] <= ... <= offsets[B] = T; or NULL */
  const uint8_t* roles;      /* [T] of plait_role; or NULL: all PLAIT_ROLLOUT */
  const float* advantages;   /* [T], or [B] if advantage_per_sequence; or NULL if no policy term is on */
  const float* old_logp;     /* [T] behaviour policy, same temperature; or NULL: the current policy, ratio exactly 1 */
  const float* ref_logp;     /* [T] reference policy; or NULL if no KL term is on */
  const float* sampler_logp; /* [T] as returned by the sampler; or NULL if no sampler correction applies */
  int32_t advantage_per_sequence;
  int32_t reserved; /* 0 */
} plait_token_batch;

/*
 * Sums over the tokens of a call, so that calls and ranks can be added up, but for fields that end in _max or _min:
 * these are maximised and minimised, and a NaN stays. A mean is a sum over a count. `ratio_*`, `clip_*` and
 * `approx_kl_*` are over the policy_tokens: those whose policy term is on.
 *
 * `sampler_*` and what follows describe the sampler's mismatch, before the correction but for the weights w. Of a
 * rollout token omega = old_logp - sampler_logp, and x = exp(omega) with |omega| limited by correction.log_limit. C is
 * correction.high; where it is finite, v = min(max(x, 1 / C), C). Of a sequence, over its rollout tokens, m = mean x
 * and delta = mean sampler_logp - mean old_logp.
 */
typedef struct plait_metrics {
  double loss;           /* the scalar loss: sum of the four below */
  double policy_loss;    /* sum of w_policy * policy loss */
  double nll_loss;       /* sum of -w_nll * logp */
  double kl_loss;        /* sum of w_kl * kl */
  double entropy_loss;   /* sum of -w_entropy * entropy */
  double loss_magnitude; /* sum of |each term|: what a rounding error of `loss` is relative to */
  double tokens[4];      /* tokens not ignored, then by role */
  double policy_tokens;
  double ratio_sum;
  double ratio_max;        /* -inf if policy_tokens is 0 */
  double clip_low_count;   /* A < 0 and r < 1 - clip_low: no gradient */
  double clip_high_count;  /* A > 0 and r > 1 + clip_high: no gradient */
  double dual_clip_count;  /* A < 0 and r > dual_clip: no gradient */
  double approx_kl_k1_sum; /* sum of -d, d = logp - old_logp of the token, limited by log_ratio_limit */
  double approx_kl_k3_sum; /* sum of exp(d) - 1 - d */
  double reference_kl_sum; /* sum of the estimator over the tokens whose rule has a KL term */
  double reference_kl_tokens;
  double entropy_sum;            /* over tokens[0] */
  double logp_sum;               /* over tokens[0] */
  double bad_targets;            /* tokens not ignored whose target was out of range; in no other sum */
  double policy_value_sum[4];    /* policy loss before any weight; all, then by role */
  double clipped_tokens[4];      /* clip_low_count + clip_high_count; all, then by role */
  double probability_sum[4];     /* sum of exp(logp); all tokens, then by role */
  double old_probability_sum[4]; /* sum of exp(old_logp), of exp(logp) where there is none */
  double reshaped_sum;           /* sum of f(x) over the tokens of PLAIT_POLICY_RESHAPED */
  double reshaped_tokens;
  double reshape_low_count;    /* f(x) below reshape_low: no gradient */
  double reshape_high_count;   /* f(x) above reshape_high: no gradient */
  double dropped_tokens;       /* policy term lost to selection, covariance, probability or drift */
  double policy_weighting_sum; /* of the entropy weighting, over the tokens that have one */
  double policy_weighting_tokens;
  double nll_weighting_sum; /* of the entropy weighting times the probability weighting, where there is either */
  double nll_weighting_tokens;
  double rejected_tokens;            /* by the sampler correction; in no sum above */
  double sampler_tokens;             /* rollout tokens with a sampler_logp, rejected ones too, for all that follow */
  double sampler_log_ratio_sum;      /* sum of omega */
  double sampler_abs_sum;            /* sum of |omega| */
  double sampler_abs_max;            /* of |omega|; -inf if sampler_tokens is 0 */
  double sampler_k3_sum;             /* sum of exp(omega) - 1 - omega */
  double sampler_square_sum;         /* sum of x^2: chi-squared divergence is its mean - 1 */
  double sampler_ratio_sum;          /* sum of x */
  double sampler_weight_sum;         /* sum of the bounded weights w */
  double sampler_weight_square_sum;  /* sum of w^2: effective sample size is (mean w)^2 / mean w^2 */
  double sampler_sequences;          /* sequences with a rollout token */
  double sampler_log_ppl_sum;        /* sum over sequences of -mean sampler_logp */
  double old_log_ppl_sum;            /* sum over sequences of -mean old_logp */
  double sampler_ppl_ratio_sum;      /* sum over sequences of exp(delta) */
  double sampler_ratio_max;          /* of x; -inf if sampler_tokens is 0 */
  double sampler_ratio_min;          /* of x; +inf if sampler_tokens is 0 */
  double sampler_bound_tokens;       /* sampler_tokens where C is finite, for the next four */
  double sampler_above_count;        /* x > C */
  double sampler_below_count;        /* x < 1 / C */
  double sampler_clamped_sum;        /* sum of v */
  double sampler_clamped_square_sum; /* sum of v^2 */
  double sampler_sequence_ratio_sum; /* sum over sequences of m */
  double sampler_sequence_ratio_square_sum; /* sum over sequences of m^2 */
  double sampler_sequence_ratio_max;        /* of m; -inf if sampler_sequences is 0 */
  double sampler_sequence_ratio_min;        /* of m; +inf if sampler_sequences is 0 */
  double sampler_sequence_deviation_max;    /* of |m - 1|; -inf if sampler_sequences is 0 */
  double sampler_bound_sequences;           /* sampler_sequences where C is finite, for the next two */
  double sampler_sequence_above_count;      /* m > C */
  double sampler_sequence_below_count;      /* m < 1 / C */
  double sampler_sequence_square_sum; /* sum over sequences of exp(2 s), s = sum old_logp - sum sampler_logp in +-20 */
  double sampler_ppl_sum;             /* sum over sequences of exp(-mean sampler_logp) */
  double old_ppl_sum;                 /* sum over sequences of exp(-mean old_logp) */
  double log_ppl_abs_diff_sum;        /* sum over sequences of |delta| */
  double log_ppl_diff_max;            /* of delta; -inf if sampler_sequences is 0 */
  double log_ppl_diff_min;            /* of delta; +inf if sampler_sequences is 0 */
  double rejected_sequences;          /* sequences all of whose rollout tokens are rejected */
  double partly_rejected_sequences;   /* sequences with a rejected rollout token and one that is not */
} plait_metrics;

/* Bytes of workspace that plait_token_objective and plait_policy_step need; 8-byte aligned. 0 for counts that no call
 * accepts: negative ones, and those of arrays larger than any memory. */
PLAIT_API int64_t plait_objective_workspace_bytes(int64_t tokens, int64_t sequences);

/*
 * Stage two alone: c and h of every token from its log-probability and entropy.
 *
 * logp: float32 [T]. entropy: float32 [T], or NULL if no rule depends on it (entropy_sum is then 0). c, h,
 * token_loss (the token's summands of the loss): float32 [T], or NULL; ignored tokens get 0. metrics: or NULL.
 * normalizers: or NULL, all counted from the batch. A token whose logp is NaN gets NaN.
 */
PLAIT_API int32_t plait_token_objective(int32_t device, void* stream, const plait_token_batch* batch,
                                        const plait_objective* objective, const plait_normalizers* normalizers,
                                        const float* logp, const float* entropy, float* c, float* h, float* token_loss,
                                        plait_metrics* metrics, void* workspace, int64_t workspace_bytes);

/*
 * All three stages: logits in, gradient of the logits out. Each row is read from memory once and written once, unless
 * plait_objective_second_pass names a reason for reading it twice.
 *
 * Equal, bit for bit, to plait_row_stats, plait_token_objective and plait_logits_grad one after another; but dlogits of
 * float32 rows whose rule has no entropy term, within rounding, as one exponential per logit serves both passes over
 * them. dlogits as in plait_logits_grad (in place allowed, with the same bits). logp: float32 [T]; entropy: float32
 * [T]; token_loss: float32 [T] or NULL; ignored tokens get 0 in all of them. metrics: or NULL. Tokens of `logits` and
 * `batch` agree; vocab_total == vocab.
 */
PLAIT_API int32_t plait_policy_step(int32_t device, void* stream, const plait_logits* logits,
                                    const plait_token_batch* batch, const plait_objective* objective,
                                    const plait_normalizers* normalizers, void* dlogits, int64_t dlogits_stride,
                                    float* logp, float* entropy, float* token_loss, plait_metrics* metrics,
                                    void* workspace, int64_t workspace_bytes);

/* ---- Rewards to advantages ----------------------------------------------------------------------------------- */

typedef enum plait_baseline {
  PLAIT_BASELINE_NONE = 0,
  PLAIT_BASELINE_GROUP_MEAN = 1,
  PLAIT_BASELINE_LEAVE_ONE_OUT = 2, /* mean of the group's other members: RLOO (arXiv:2402.14740) */
  PLAIT_BASELINE_BATCH_MEAN = 3,
  PLAIT_BASELINE_WEIGHTED_MEAN = 4 /* sum of weight * reward over sum of weight: OPO (arXiv:2505.23585), by length */
} plait_baseline;

typedef enum plait_scale {
  PLAIT_SCALE_NONE = 0,      /* Dr.GRPO (arXiv:2503.20783) */
  PLAIT_SCALE_GROUP_STD = 1, /* GRPO (arXiv:2402.03300) */
  PLAIT_SCALE_BATCH_STD = 2  /* standard deviation of all rewards */
} plait_scale;

/* What the only counted member of a group gets, where the baseline or the scale is the group's own. */
typedef enum plait_singleton {
  PLAIT_SINGLETON_ZERO = 0,   /* advantage 0 */
  PLAIT_SINGLETON_REWARD = 1, /* baseline 0 and, for the group's scale, deviation 1; members not counted likewise */
  PLAIT_SINGLETON_REFUSE = 2  /* the call is refused; on a CUDA device the member gets NaN */
} plait_singleton;

typedef enum plait_epsilon_place {
  PLAIT_EPSILON_STD = 0,     /* centred / (std + epsilon) */
  PLAIT_EPSILON_VARIANCE = 1 /* centred / sqrt(std^2 + epsilon) */
} plait_epsilon_place;

/* Which rewards enter the statistics. All get an advantage from them. */
typedef enum plait_statistics {
  PLAIT_STATISTICS_ALL = 0,
  PLAIT_STATISTICS_ROLLOUTS = 1 /* those whose role is PLAIT_ROLLOUT */
} plait_statistics;

typedef struct plait_advantage_options {
  int64_t struct_bytes;  /* sizeof(plait_advantage_options) */
  int32_t baseline;      /* plait_baseline */
  int32_t scale;         /* plait_scale */
  int32_t singleton;     /* plait_singleton */
  int32_t sample_std;    /* 1: divide by n - 1 (sample), 0: by n (population) */
  int32_t epsilon_place; /* plait_epsilon_place */
  int32_t statistics;    /* plait_statistics */
  int32_t zero_std_one;  /* 1: a standard deviation of 0 counts as 1 */
  float epsilon;         /* finite, >= 0 */
  float std_floor;       /* finite, >= 0: smaller standard deviations count as this */
  int32_t reserved;      /* 0 */
} plait_advantage_options;

/* Bytes of workspace that plait_group_advantage needs; 8-byte aligned. 0 for a count that it does not accept. */
PLAIT_API int64_t plait_group_advantage_workspace_bytes(int64_t groups);

/*
 * advantage = (reward - baseline) / (std + epsilon), by group.
 *
 * roles: uint8 [n] of plait_role, or NULL: all PLAIT_ROLLOUT; ignored rewards count as unscorable. weights: float32
 * [n], finite and >= 0, for the weighted mean, else NULL. rewards: float32 [n]; NaN marks an unscorable row, which
 * enters no statistic and gets 0; infinite rewards are refused. The groups are either contiguous, offsets: int64
 * [groups + 1] with offsets[0] = 0 and offsets[groups] = n, or given by ids: int64 [n] in [0, groups); the other is
 * NULL. advantages: float32 [n]. group_mean, group_std: float32 [groups] or NULL: mean and standard deviation of the
 * scored members (NaN if there is none; std 0 of one). Two passes in float64; members of a group whose scored rewards
 * are all equal get exactly 0 from a mean or leave-one-out baseline, and so does a batch of equal rewards from the
 * batch mean. A group without statistics (no scored rollout, say) gets 0 from any baseline or scale of its own.
 */
PLAIT_API int32_t plait_group_advantage(int32_t device, void* stream, int64_t n, const float* rewards,
                                        const uint8_t* roles, const float* weights, int64_t groups,
                                        const int64_t* offsets, const int64_t* ids,
                                        const plait_advantage_options* options, float* advantages, float* group_mean,
                                        float* group_std, void* workspace, int64_t workspace_bytes);

/*
 * Advantages and returns of tokens: generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438). From the
 * last token of a sequence to the first,
 *
 *     delta_t = reward_t + gamma V_{t+1} - V_t     A_t = delta_t + gamma lambda A_{t+1}     return_t = A_t + V_t
 *
 * with V and A of 0 beyond the end. With values NULL (V = 0) and lambda 1 the advantage is the discounted return-to-go:
 * REINFORCE++ (arXiv:2501.03262). rewards, values: float32 [T]; ignored tokens get 0 and are stepped over, or, with
 * restart 1, end what follows them. advantages, returns: float32 [T], returns or NULL. gamma, lambda in [0, 1].
 */
PLAIT_API int32_t plait_token_advantage(int32_t device, void* stream, int64_t tokens, int64_t sequences,
                                        const int64_t* offsets, const uint8_t* roles, const float* rewards,
                                        const float* values, float gamma, float lambda, int32_t restart,
                                        float* advantages, float* returns);

/*
 * Whitening over all tokens that are not ignored: (x - mean) / sqrt(max(variance, floor) + epsilon), REINFORCE++'s.
 *
 * x, out: float32 [T], out may be x; ignored tokens get 0. sample: variance by n - 1. shift 0 leaves the mean in:
 * x / sqrt(...). Fewer than two tokens get exactly 0, and so do equal ones with shift 1.
 */
PLAIT_API int32_t plait_whiten(int32_t device, void* stream, int64_t tokens, const uint8_t* roles, const float* x,
                               int32_t sample, int32_t shift, float floor, float epsilon, float* out);

/* ---- Importance ratios --------------------------------------------------------------------------------------- */

/* Bits of `flags`. */
#define PLAIT_RATIO_BELOW 1   /* ratio < 1 - clip_low */
#define PLAIT_RATIO_ABOVE 2   /* ratio > 1 + clip_high */
#define PLAIT_RATIO_LIMITED 4 /* the log-ratio was clamped to +-log_ratio_limit */

/*
 * Importance ratios of T tokens, and where they leave the clip range.
 *
 * logp, old_logp: float32 [T]. Sequences and roles as in plait_token_batch; ignored tokens are not read, count in no
 * sequence, and get ratio 0 and flags 0. ratio: float32 [T] or NULL, a sequence's ratio at each of its tokens.
 * sequence_ratio: float32 [B] or NULL, for the sequence levels (1 for a sequence without tokens). flags: uint8 [T] or
 * NULL. clip_low, clip_high >= 0, log_ratio_limit > 0; +inf: none. Sums are in float64, token by token.
 */
PLAIT_API int32_t plait_importance_ratio(int32_t device, void* stream, int64_t tokens, int64_t sequences,
                                         const int64_t* offsets, const uint8_t* roles, const float* logp,
                                         const float* old_logp, int32_t level, float clip_low, float clip_high,
                                         float log_ratio_limit, float* ratio, float* sequence_ratio, uint8_t* flags);

/* ---- Measuring ----------------------------------------------------------------------------------------------- */

/* Reads `bytes` bytes (a multiple of 4096) at the kernels' own width and thread count; returns PLAIT_OK. The roof of
 * plait_row_stats. `sum` receives a checksum, so that the reads cannot be optimised away. */
PLAIT_API int32_t plait_bandwidth_read(const void* data, int64_t bytes, double* sum);

/* Multiplies `bytes` / 4 floats in place by `factor`: one read and one write. The roof of the in-place kernels. */
PLAIT_API int32_t plait_bandwidth_scale(float* data, int64_t bytes, float factor);

#ifdef __cplusplus
}
#endif

#endif /* PLAIT_H_ */
