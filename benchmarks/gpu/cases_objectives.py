"""policy_step and token_objective beside autograd of the textbook loss, and beside each other."""

from __future__ import annotations

import ctypes
from ctypes import sizeof

import torch
from torch import Tensor

import objectives
import plait
import reference
from cases_rows import stats
from checks import Pair, scalar_within
from context import DTYPE_NAMES, Context, Rows, batch_struct, rows, tokens_of

METRICS = sizeof(plait.Metrics)


def metrics_of(memory: Tensor) -> plait.Metrics:
    return plait.Metrics.from_buffer_copy(bytes(memory.cpu().view(torch.uint8).tolist()))


def step(context: Context, name: str, batch: Rows, tokens: reference.Tokens, in_place: bool = False) -> dict:
    count, vocab = batch.x.shape
    x = batch.x.clone()
    out = {
        "dlogits": x if in_place else context.poison(count, vocab, dtype=x.dtype),
        "logp": context.poison(count),
        "entropy": context.poison(count),
        "token_loss": context.poison(count),
        "metrics": context.poison(METRICS // 8, dtype=torch.float64),
    }
    workspace = context.workspace(count, len(tokens.offsets) - 1)
    norms = plait.normalizers(objectives.LENGTH)
    context.library.policy_step(
        batch.logits(x), batch_struct(tokens), objectives.ALL[name](), norms, out["dlogits"], vocab, out["logp"],
        out["entropy"], out["token_loss"], out["metrics"], workspace, len(workspace),
    )  # fmt: skip
    return out


def token_objective(context: Context, name: str, logp: Tensor, entropy: Tensor, tokens: reference.Tokens) -> dict:
    count = len(logp)
    out = {field: context.poison(count) for field in ("c", "h", "token_loss")}
    out["metrics"] = context.poison(METRICS // 8, dtype=torch.float64)
    workspace = context.workspace(count, len(tokens.offsets) - 1)
    context.library.token_objective(
        batch_struct(tokens), objectives.ALL[name](), plait.normalizers(objectives.LENGTH), logp, entropy, out["c"],
        out["h"], out["token_loss"], out["metrics"], workspace, len(workspace),
    )  # fmt: skip
    return out


def check_objectives(context: Context) -> None:
    for name in objectives.ALL:
        context.checks.progress(f"objective {name}")
        check_token_objective(context, name, 300 if context.quick else 8192)
        vocabs = (7, 2053) if context.quick else (7, 128, 2053, 32000, 151936)
        for vocab in vocabs:
            for dtype in DTYPE_NAMES:
                for count in (1, 40) if context.quick else (1, 3, 257):
                    check_step(context, name, rows(context, "plain", count, vocab, dtype, seed=4))
    check_step(context, "GRPO", rows(context, "masked", 40, 2053, torch.bfloat16, seed=4))
    check_step(context, "GRPO", rows(context, "plain", 3, 524288, torch.float32, seed=4))
    check_step_of_nothing(context)


def check_token_objective(context: Context, name: str, count: int) -> None:
    checks = context.checks
    checks.family("token_objective")
    g = context.generator(6)
    logp = -4 * torch.rand(count, generator=g, device=context.device) - 0.05
    entropy = 2 * torch.rand(count, generator=g, device=context.device)
    tokens = tokens_of(context, name, logp)
    exact, text = (reference.token_gradients(name, logp, entropy, tokens, d) for d in (torch.float64, torch.float32))
    got = token_objective(context, name, logp, entropy, tokens)
    for field in ("c", "h"):
        checks.close(f"{name} {field}", got[field], Pair.of(exact[field], text[field]), zero=field == "h")
    check_loss(context, name, got, exact, text)
    check_counts(context, name, got, tokens)
    again = token_objective(context, name, logp, entropy, tokens)
    for field in got:
        checks.same_bits(f"{name} {field} again", again[field], got[field])


def check_loss(context: Context, label: str, got: dict, exact: dict, text: dict) -> None:
    metrics = metrics_of(got["metrics"])
    wanted, textbook = float(exact["loss"]), float(text["loss"])
    right = scalar_within(metrics.loss, wanted, textbook, metrics.loss_magnitude)
    context.checks.true(f"{label} loss", right, f"expected {wanted!r}, in float32 {textbook!r}, got {metrics.loss!r}")
    context.checks.true(f"{label} loss is not zero", metrics.loss_magnitude > 1e-9, "it is")
    total = float(got["token_loss"].double().sum())
    close = abs(total - metrics.loss) <= 1e-5 * metrics.loss_magnitude
    context.checks.true(f"{label} token_loss", close, f"adds up to {total!r}, the loss is {metrics.loss!r}")


def check_counts(context: Context, label: str, got: dict, tokens: reference.Tokens) -> None:
    metrics = metrics_of(got["metrics"])
    by_role = [int((tokens.roles == role).sum()) for role in range(4)]
    expected = [sum(by_role[1:])] + by_role[1:]
    context.checks.true(f"{label} tokens", list(metrics.tokens) == expected, f"{list(metrics.tokens)}, not {expected}")


def check_step(context: Context, name: str, batch: Rows) -> None:
    checks = context.checks
    checks.family("policy_step")
    count, vocab = batch.x.shape
    label = f"{name} {DTYPE_NAMES[batch.dtype]} V={vocab} T={count}"
    logp, _ = reference.log_prob_and_entropy(batch.x.double(), batch.targets, batch.temperatures)
    tokens = tokens_of(context, name, logp)
    exact, text = (
        reference.step(name, batch.x, batch.targets, batch.temperatures, tokens, dtype)
        for dtype in (torch.float64, torch.float32)
    )
    got = step(context, name, batch, tokens)
    # One token has so few errors that the textbook's may all be 0 by luck.
    if count > 3:
        for field in ("dlogits", "logp", "entropy"):
            checks.close(f"{label} {field}", got[field], Pair.of(exact[field], text[field]))
    check_loss(context, label, got, exact, text)
    check_counts(context, label, got, tokens)
    ignored = got["dlogits"][tokens.roles == plait.IGNORED]
    checks.true(f"{label} ignored rows", bool((ignored == 0).all()), "expected zeros")
    in_place = step(context, name, batch, tokens, in_place=True)
    for field in got:
        checks.same_bits(f"{label} {field} in place", in_place[field], got[field])
    check_three_kernels(context, label, name, batch, tokens, got)


def check_three_kernels(context: Context, label: str, name: str, batch: Rows, tokens, got: dict) -> None:
    """policy_step is row_stats, token_objective and logits_grad in one, bit for bit."""
    rows_got = stats(context, batch)
    second = token_objective(context, name, rows_got["logp"], rows_got["entropy"], tokens)
    dlogits = context.poison(*batch.x.shape, dtype=batch.dtype)
    context.library.logits_grad(
        batch.logits(), rows_got["state"], second["c"], second["h"], dlogits, batch.x.shape[1]
    )
    counted = tokens.roles != plait.IGNORED
    checks = context.checks
    checks.same_bits(f"{label} dlogits of three kernels", got["dlogits"], dlogits)
    for field in ("logp", "entropy"):
        checks.same_bits(f"{label} {field} of three kernels", got[field][counted], rows_got[field][counted])
    for field in ("token_loss", "metrics"):
        checks.same_bits(f"{label} {field} of three kernels", got[field], second[field])


def check_step_of_nothing(context: Context) -> None:
    context.checks.family("policy_step")
    x = torch.empty(0, 128, dtype=torch.bfloat16, device=context.device)
    none = torch.empty(0, device=context.device)
    metrics = context.poison(METRICS // 8, dtype=torch.float64)
    workspace = context.workspace(0, 0)
    context.library.policy_step(
        plait.logits(x, none.long()), plait.token_batch(0), objectives.sft(), None, x, 128, none, none, none, metrics,
        workspace, len(workspace),
    )  # fmt: skip
    context.checks.true("T=0", metrics_of(metrics).tokens[0] == 0 and metrics_of(metrics).loss == 0, "not empty")


def check_layout_of_structures(context: Context) -> None:
    """The library refuses any other size than that of the structures here, and says which it expects."""
    context.checks.family("binding")
    x = torch.zeros(1, 4, device=context.device)
    one = torch.zeros(1, device=context.device)
    workspace = context.workspace(1, 0)
    structures = {
        "logits": plait.logits(x, one.long()),
        "batch": plait.token_batch(1),
        "objective": objectives.sft(),
        "normalizers": plait.normalizers(1),
    }

    def call() -> None:
        context.library.policy_step(
            *structures.values(), torch.zeros_like(x), 4, one.clone(), one.clone(), None, None, workspace,
            len(workspace),
        )  # fmt: skip

    for name, structure in structures.items():
        size = sizeof(structure)
        structure.struct_bytes = size + 8
        context.checks.refused(name, call, plait.INVALID_ARGUMENT, f"expected {size}, got {size + 8}")
        structure.struct_bytes = size
    options = plait.AdvantageOptions(struct_bytes=8)
    size = ctypes.sizeof(options)

    def advantage() -> None:
        context.library.group_advantage(0, None, None, None, 0, None, None, options, None)

    context.checks.refused("options", advantage, plait.INVALID_ARGUMENT, f"expected {size}, got 8")
