"""Plait's C contract from Python: the structures of native/include/plait.h, and its functions.

Arrays are whatever has `data_ptr()` (a tensor), an address, or None for NULL. Nothing here needs PyTorch.
"""

from __future__ import annotations

import ctypes
import math
from ctypes import byref, c_char_p, c_double, c_float, c_int32, c_int64, c_uint32, c_void_p, sizeof
from typing import Any, Callable, Optional

CPU = -1
OK, INVALID_ARGUMENT, UNAVAILABLE, INTERNAL = range(4)
STATUS_NAMES = ("PLAIT_OK", "PLAIT_INVALID_ARGUMENT", "PLAIT_UNAVAILABLE", "PLAIT_INTERNAL")
FLOAT32, BFLOAT16, FLOAT16, INT32, INT64 = range(5)
DTYPES = {"float32": FLOAT32, "bfloat16": BFLOAT16, "float16": FLOAT16, "int32": INT32, "int64": INT64}
IGNORED, ROLLOUT, DEMONSTRATION, HINT = range(4)
STATE_FLOATS = 4

POLICY_NONE, REINFORCE, CLIP, CISPO, SAPO, RESHAPED, GMPO, VESPO = range(8)
BEHAVIOUR_OLD, BEHAVIOUR_CERTAIN = range(2)
RATIO_TOKEN, RATIO_SEQUENCE_MEAN, RATIO_SEQUENCE_SUM = range(3)
KL_K1, KL_K2, KL_K3, KL_ABS = range(4)
TOKEN_MEAN, SEQ_MEAN_TOKEN_MEAN, SEQ_MEAN_TOKEN_SUM, CONSTANT_LENGTH, SEQ_MEAN_CONSTANT_LENGTH = range(5)
ALL_TOKENS, OWN_ROLE = range(2)
WEIGHT_NONE, WEIGHT_PROBABILITY, WEIGHT_VARIANCE = range(3)
SCOPE_NONE, SCOPE_TOKEN, SCOPE_SEQUENCE, SCOPE_BATCH = range(4)
BASELINE_NONE, BASELINE_GROUP_MEAN, BASELINE_LEAVE_ONE_OUT, BASELINE_BATCH_MEAN, BASELINE_WEIGHTED_MEAN = range(5)
SCALE_NONE, SCALE_GROUP_STD, SCALE_BATCH_STD = range(3)
RATIO_BELOW, RATIO_ABOVE, RATIO_LIMITED = 1, 2, 4


def _fields(kinds: dict[str, Any], text: str) -> list[tuple[str, Any]]:
    """Fields from "name:kind" or "name:kind:length" words."""
    result = []
    for word in text.split():
        name, kind, *length = word.split(":")
        result.append((name, kinds[kind] * int(length[0]) if length else kinds[kind]))
    return result


_BASIC = {"i32": c_int32, "u32": c_uint32, "i64": c_int64, "f32": c_float, "f64": c_double, "p": c_void_p}


class Logits(ctypes.Structure):
    _fields_ = _fields(
        _BASIC,
        """struct_bytes:i64 data:p rows:i64 vocab:i64 row_stride:i64 tokens:i64 row_index:p targets:p temperatures:p
        vocab_begin:i64 vocab_total:i64 dtype:i32 target_dtype:i32 temperature:f32 reserved:i32""",
    )


class Term(ctypes.Structure):
    _fields_ = _fields(_BASIC, "coefficient:f32 aggregation:i32 population:i32")


class EntropyWeighting(ctypes.Structure):
    _fields_ = _fields(_BASIC, "scope:i32 scale:f32 exponent:f32 positive_only:i32")


class EntropySelection(ctypes.Structure):
    _fields_ = _fields(_BASIC, "scope:i32 drop:f32")


class Covariance(ctypes.Structure):
    _fields_ = _fields(_BASIC, "kind:i32 seed:u32 fraction:f32 low:f32 high:f32 coefficient:f32")


class Rule(ctypes.Structure):
    _fields_ = _fields(
        {**_BASIC, "term": Term, "weighting": EntropyWeighting, "selection": EntropySelection, "cov": Covariance},
        """policy:term nll:term kl:term entropy:term policy_loss:i32 kl_estimator:i32 clip_low:f32 clip_high:f32
        dual_clip:f32 log_ratio_limit:f32 behaviour:i32 ratio_level:i32 reshape:i32 reshape_parameter:f32
        reshape_low:f32 reshape_high:f32 max_probability:f32 off_policy_threshold:f32 sapo_positive:f32
        sapo_negative:f32 vespo_positive:f32:2 vespo_negative:f32:2 sampler_correction:i32 kl_form:i32
        kl_log_limit:f32 kl_value_limit:f32 policy_weighting:weighting nll_weighting:weighting selection:selection
        covariance:cov nll_probability_weighting:i32""",
    )


class SamplerCorrection(ctypes.Structure):
    _fields_ = _fields(
        _BASIC,
        """level:i32 bounds:i32 low:f32 high:f32 log_limit:f32 normalise:i32 filter_level:i32 filter_estimator:i32
        filter_low:f32 filter_high:f32 filter_action:i32 reserved:i32""",
    )


class Objective(ctypes.Structure):
    _fields_ = [("struct_bytes", c_int64), ("rules", Rule * 3), ("correction", SamplerCorrection), ("reserved", c_int32)]


class Normalizers(ctypes.Structure):
    _fields_ = _fields(_BASIC, "struct_bytes:i64 tokens:f64:4 sequences:f64:4 length:f64")


class TokenBatch(ctypes.Structure):
    _fields_ = _fields(
        _BASIC,
        """struct_bytes:i64 tokens:i64 sequences:i64 offsets:p roles:p advantages:p old_logp:p ref_logp:p
        sampler_logp:p advantage_per_sequence:i32 reserved:i32""",
    )


class AdvantageOptions(ctypes.Structure):
    _fields_ = _fields(
        _BASIC,
        """struct_bytes:i64 baseline:i32 scale:i32 singleton:i32 sample_std:i32 epsilon_place:i32 statistics:i32
        zero_std_one:i32 epsilon:f32 std_floor:f32 reserved:i32""",
    )


class Metrics(ctypes.Structure):
    _fields_ = [
        (name.split(":")[0], c_double * 4 if name.endswith(":4") else c_double)
        for name in """loss policy_loss nll_loss kl_loss entropy_loss loss_magnitude tokens:4 policy_tokens ratio_sum
        ratio_max clip_low_count clip_high_count dual_clip_count approx_kl_k1_sum approx_kl_k3_sum reference_kl_sum
        reference_kl_tokens entropy_sum logp_sum bad_targets policy_value_sum:4 clipped_tokens:4 probability_sum:4
        old_probability_sum:4 reshaped_sum reshaped_tokens reshape_low_count reshape_high_count dropped_tokens
        policy_weighting_sum policy_weighting_tokens nll_weighting_sum nll_weighting_tokens rejected_tokens
        sampler_tokens sampler_log_ratio_sum sampler_abs_sum sampler_abs_max sampler_k3_sum sampler_square_sum
        sampler_ratio_sum sampler_weight_sum sampler_weight_square_sum sampler_sequences sampler_log_ppl_sum
        old_log_ppl_sum sampler_ppl_ratio_sum sampler_ratio_max sampler_ratio_min sampler_bound_tokens
        sampler_above_count sampler_below_count sampler_clamped_sum sampler_clamped_square_sum
        sampler_sequence_ratio_sum sampler_sequence_ratio_square_sum sampler_sequence_ratio_max
        sampler_sequence_ratio_min sampler_sequence_deviation_max sampler_bound_sequences
        sampler_sequence_above_count sampler_sequence_below_count sampler_sequence_square_sum sampler_ppl_sum
        old_ppl_sum log_ppl_abs_diff_sum log_ppl_diff_max log_ppl_diff_min rejected_sequences
        partly_rejected_sequences""".split()
    ]


STRUCTURES = {
    "plait_logits": Logits,
    "plait_term": Term,
    "plait_entropy_weighting": EntropyWeighting,
    "plait_entropy_selection": EntropySelection,
    "plait_covariance": Covariance,
    "plait_rule": Rule,
    "plait_sampler_correction": SamplerCorrection,
    "plait_objective": Objective,
    "plait_normalizers": Normalizers,
    "plait_token_batch": TokenBatch,
    "plait_advantage_options": AdvantageOptions,
    "plait_metrics": Metrics,
}


class PlaitError(Exception):
    """A refused or failed call: `status`, and the library's message."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{STATUS_NAMES[status]}: {message}")
        self.status = status
        self.message = message


def address(array: Any) -> Optional[int]:
    if array is None or isinstance(array, int):
        return array
    return array.data_ptr() or None


def dtype_of(array: Any) -> int:
    return DTYPES[str(array.dtype).replace("torch.", "")]


def logits(
    x: Any,
    targets: Any,
    *,
    row_index: Any = None,
    temperatures: Any = None,
    temperature: float = 1.0,
    vocab_begin: int = 0,
    vocab_total: Optional[int] = None,
) -> Logits:
    """`x`: a [rows, V] tensor whose columns are adjacent."""
    rows, vocab = x.shape
    stride = x.stride(0) if rows > 1 else vocab
    tokens = rows if row_index is None else row_index.shape[0]
    total = vocab if vocab_total is None else vocab_total
    return Logits(
        sizeof(Logits), address(x), rows, vocab, stride, tokens, address(row_index), address(targets),
        address(temperatures), vocab_begin, total, dtype_of(x), dtype_of(targets), temperature, 0,
    )  # fmt: skip


def token_batch(
    tokens: int, offsets: Any = None, roles: Any = None, advantages: Any = None, old_logp: Any = None,
    ref_logp: Any = None, sampler_logp: Any = None, advantage_per_sequence: bool = False,
) -> TokenBatch:  # fmt: skip
    sequences = 0 if offsets is None else offsets.shape[0] - 1
    return TokenBatch(
        sizeof(TokenBatch), tokens, sequences, address(offsets), address(roles), address(advantages),
        address(old_logp), address(ref_logp), address(sampler_logp), int(advantage_per_sequence), 0,
    )  # fmt: skip


def normalizers(length: float) -> Normalizers:
    result = Normalizers(struct_bytes=sizeof(Normalizers))
    result.length = length
    return result


class Library:
    """libplait.so for one device. `stream` gives the stream of each call, None for the default one."""

    def __init__(self, path: str, device: int, stream: Callable[[], Optional[int]] = lambda: None):
        self.device = device
        self.stream = stream
        self.c = ctypes.CDLL(path)
        for name in ("plait_last_error", "plait_version", "plait_cpu_target", "plait_objective_second_pass"):
            getattr(self.c, name).restype = c_char_p
        self.c.plait_objective_workspace_bytes.restype = c_int64
        self.c.plait_group_advantage_workspace_bytes.restype = c_int64

    def check(self, status: int) -> None:
        if status != OK:
            raise PlaitError(status, self.c.plait_last_error().decode())

    def version(self) -> str:
        return self.c.plait_version().decode()

    def load_cuda(self, path: str) -> None:
        self.check(self.c.plait_cuda_load(path.encode()))

    def require_backend(self) -> None:
        self.check(self.c.plait_backend_available(c_int32(self.device)))

    def second_pass(self, objective: Objective) -> str:
        return self.c.plait_objective_second_pass(byref(objective)).decode()

    def objective_workspace_bytes(self, tokens: int, sequences: int) -> int:
        return self.c.plait_objective_workspace_bytes(c_int64(tokens), c_int64(sequences))

    def group_workspace_bytes(self, groups: int) -> int:
        return self.c.plait_group_advantage_workspace_bytes(c_int64(groups))

    def call(self, name: str, *arguments: Any) -> None:
        """Calls plait_<name>(device, stream, ...): ctypes values as they are, the rest as arrays."""
        values = [
            a if isinstance(a, (c_int32, c_int64, c_float)) else _structure_or_array(a) for a in arguments
        ]
        stream = c_void_p(self.stream() if self.device != CPU else None)
        self.check(getattr(self.c, "plait_" + name)(c_int32(self.device), stream, *values))

    def row_stats(self, x: Logits, logp=None, entropy=None, logsumexp=None, state=None, bad_targets=None) -> None:
        self.call("row_stats", x, logp, entropy, logsumexp, state, bad_targets)

    def row_stats_merge(self, states, parts: int, tokens: int, temperatures=None, temperature: float = 1.0,
                        logp=None, entropy=None, logsumexp=None, state=None) -> None:  # fmt: skip
        self.call("row_stats_merge", states, c_int64(parts), c_int64(tokens), temperatures, c_float(temperature),
                  logp, entropy, logsumexp, state)  # fmt: skip

    def logits_grad(self, x: Logits, state, c, h, dlogits, stride: int, bad_targets=None) -> None:
        self.call("logits_grad", x, state, c, h, dlogits, c_int64(stride), bad_targets)

    def token_objective(self, batch, objective, norms, logp, entropy, c=None, h=None, token_loss=None, metrics=None,
                        workspace=None, workspace_bytes: int = 0) -> None:  # fmt: skip
        self.call("token_objective", batch, objective, norms, logp, entropy, c, h, token_loss, metrics, workspace,
                  c_int64(workspace_bytes))  # fmt: skip

    def policy_step(self, x, batch, objective, norms, dlogits, stride: int, logp, entropy, token_loss=None,
                    metrics=None, workspace=None, workspace_bytes: int = 0) -> None:  # fmt: skip
        self.call("policy_step", x, batch, objective, norms, dlogits, c_int64(stride), logp, entropy, token_loss,
                  metrics, workspace, c_int64(workspace_bytes))  # fmt: skip

    def group_advantage(self, n: int, rewards, roles, weights, groups: int, offsets, ids, options, advantages,
                        mean=None, std=None, workspace=None, workspace_bytes: int = 0) -> None:  # fmt: skip
        self.call("group_advantage", c_int64(n), rewards, roles, weights, c_int64(groups), offsets, ids, options,
                  advantages, mean, std, workspace, c_int64(workspace_bytes))  # fmt: skip

    def token_advantage(self, tokens: int, sequences: int, offsets, roles, rewards, values, gamma: float,
                        lam: float, restart: bool, advantages, returns=None) -> None:  # fmt: skip
        self.call("token_advantage", c_int64(tokens), c_int64(sequences), offsets, roles, rewards, values,
                  c_float(gamma), c_float(lam), c_int32(restart), advantages, returns)  # fmt: skip

    def whiten(self, tokens: int, roles, x, sample: bool, shift: bool, floor: float, epsilon: float, out) -> None:
        self.call("whiten", c_int64(tokens), roles, x, c_int32(sample), c_int32(shift), c_float(floor),
                  c_float(epsilon), out)  # fmt: skip

    def importance_ratio(self, tokens: int, sequences: int, offsets, roles, logp, old_logp, level: int,
                         clip_low: float = math.inf, clip_high: float = math.inf, limit: float = math.inf,
                         ratio=None, sequence_ratio=None, flags=None) -> None:  # fmt: skip
        self.call("importance_ratio", c_int64(tokens), c_int64(sequences), offsets, roles, logp, old_logp,
                  c_int32(level), c_float(clip_low), c_float(clip_high), c_float(limit), ratio, sequence_ratio,
                  flags)  # fmt: skip


def _structure_or_array(value: Any) -> Any:
    return byref(value) if isinstance(value, ctypes.Structure) else c_void_p(address(value))
