"""What must not change a row's bits, and rows that are wrong: layouts, positions, runs, NaN, targets out of range."""

from __future__ import annotations

import torch
from torch import Tensor

from cases_rows import gradient, stats
from context import DTYPE_NAMES, Context, Rows, rows

FIELDS = ("logp", "entropy", "logsumexp", "state")


def vocabularies(context: Context) -> tuple[int, ...]:
    return (7, 2053, 32000) if context.quick else (7, 128, 2053, 32000, 50257, 151936, 262144)


def check_layouts(context: Context) -> None:
    for vocab in vocabularies(context):
        for dtype, name in DTYPE_NAMES.items():
            batch = rows(context, "plain", 6 if context.quick else 19, vocab, dtype, seed=3)
            label = f"{name} V={vocab}"
            check_positions(context, label, batch)
            check_strides(context, label, batch)
            check_row_index(context, label, batch)
            check_bad_rows(context, label, batch)
            check_bad_targets(context, label, batch)
            check_zero_rows(context, label, batch)


def same(context: Context, label: str, got: dict[str, Tensor], expected: dict[str, Tensor], index=slice(None)) -> None:
    for field in FIELDS:
        context.checks.same_bits(f"{label} {field}", got[field], expected[field][index])


def check_positions(context: Context, label: str, batch: Rows) -> None:
    context.checks.family("repeatability")
    first = stats(context, batch)
    same(context, f"{label} again", stats(context, batch), first)
    order = torch.arange(len(batch.targets) - 1, -1, -1, device=batch.x.device)
    turned = Rows(*(t[order].contiguous() for t in (batch.x, batch.targets, batch.temperatures, batch.c, batch.h)))
    got = stats(context, turned)
    same(context, f"{label} in another order", got, first, order)
    same(context, f"{label} alone", stats(context, batch.first(1)), first, slice(1))
    whole = gradient(context, batch, first["state"])
    context.checks.same_bits(f"{label} gradient again", gradient(context, batch, first["state"]), whole)
    other = gradient(context, turned, got["state"])
    context.checks.same_bits(f"{label} gradient in another order", other, whole[order])


def check_strides(context: Context, label: str, batch: Rows) -> None:
    """Rows with gaps, that begin anywhere within a vector; the gaps stay as they are."""
    context.checks.family("layout")
    tokens, vocab = batch.x.shape
    first = stats(context, batch)
    dense = gradient(context, batch, first["state"])
    for lead, gap in ((1, 0), (3, 5), (0, 16)):
        stride = vocab + gap
        memory = context.poison(lead + tokens * stride + 8, dtype=batch.dtype)
        x = memory[lead : lead + tokens * stride].view(tokens, stride)[:, :vocab]
        x.copy_(batch.x)
        before = memory.clone()
        at = f"{label} from {lead} with a gap of {gap}"
        got = stats(context, batch, batch.logits(x))
        same(context, at, got, first)
        for in_place in (False, True):
            out = memory if in_place else memory.clone().fill_(77)
            untouched = out.clone()
            to = out[lead : lead + tokens * stride].view(tokens, stride)[:, :vocab]
            context.library.logits_grad(batch.logits(x), got["state"], batch.c, batch.h, to, stride)
            context.checks.same_bits(f"{at} gradient, in place {in_place}", to, dense)
            to.copy_(untouched[lead : lead + tokens * stride].view(tokens, stride)[:, :vocab])
            context.checks.same_bits(f"{at} around the gradient, in place {in_place}", out, untouched)
        context.checks.same_bits(f"{at} input", memory, before)


def check_row_index(context: Context, label: str, batch: Rows) -> None:
    context.checks.family("layout")
    chosen = torch.tensor([i for i in range(len(batch.targets)) if i % 3 != 1], device=batch.x.device)
    picked = Rows(batch.x, *(t[chosen].contiguous() for t in (batch.targets, batch.temperatures, batch.c, batch.h)))
    logits = picked.logits(row_index=chosen)
    everything = stats(context, batch)
    got = stats(context, picked, logits)
    same(context, f"{label} row_index", got, everything, chosen)
    x = batch.x.clone()
    logits = picked.logits(x, row_index=chosen)
    context.library.logits_grad(logits, got["state"], picked.c, picked.h, x, x.shape[1])
    expected = batch.x.clone()
    expected[chosen] = gradient(context, batch, everything["state"])[chosen]
    context.checks.same_bits(f"{label} row_index, gradient in place", x, expected)


def check_bad_rows(context: Context, label: str, batch: Rows) -> None:
    """NaN, +inf and nothing but -inf give NaN for their row alone."""
    context.checks.family("bad rows")
    good = stats(context, batch)
    x = batch.x.clone()
    vocab = x.shape[1]
    x[1, vocab // 2], x[2, vocab - 1], x[4] = float("nan"), float("inf"), float("-inf")
    spoiled = Rows(x, batch.targets, batch.temperatures, batch.c, batch.h)
    got = stats(context, spoiled)
    bad = torch.tensor([1, 2, 4], device=x.device)
    others = torch.tensor([i for i in range(len(batch.targets)) if i not in (1, 2, 4)], device=x.device)
    for field in ("logp", "entropy", "logsumexp"):
        context.checks.true(f"{label} {field}", bool(got[field][bad].isnan().all()), f"{got[field][bad].tolist()}")
    rest = {field: got[field][others] for field in FIELDS}
    same(context, f"{label} beside", rest, good, others)
    whole, broken = gradient(context, batch, good["state"]), gradient(context, spoiled, got["state"])
    context.checks.true(f"{label} gradient", bool(broken[bad].isnan().all()), "expected NaN throughout the rows")
    context.checks.same_bits(f"{label} gradient beside", broken[others], whole[others])


def check_bad_targets(context: Context, label: str, batch: Rows) -> None:
    context.checks.family("bad targets")
    vocab = batch.x.shape[1]
    good = stats(context, batch)
    for kind in (torch.int64, torch.int32):
        targets = batch.targets.to(kind)
        targets[1], targets[3] = vocab, -1
        wrong = Rows(batch.x, targets, batch.temperatures, batch.c, batch.h)
        at = f"{label} {str(kind)[6:]}"
        got = stats(context, wrong)
        context.checks.true(f"{at} count", int(got["bad_targets"]) == 2, f"{int(got['bad_targets'])}")
        for t in (1, 3):
            context.checks.true(f"{at} logp {t}", bool(got["logp"][t].isnan()), f"{float(got['logp'][t])}")
        keep = torch.tensor([i for i in range(len(targets)) if i not in (1, 3)], device=targets.device)
        same(context, f"{at} beside", {field: got[field][keep] for field in FIELDS}, good, keep)
        out = context.poison(*batch.x.shape, dtype=batch.dtype)
        counted = context.poison(1, dtype=torch.int64)
        context.library.logits_grad(wrong.logits(), got["state"], batch.c, batch.h, out, vocab, counted)
        context.checks.true(f"{at} gradient", bool((out[[1, 3]] == 0).all()), "expected zeros")
        context.checks.true(f"{at} count of the gradient", int(counted) == 2, f"{int(counted)}")
        whole = gradient(context, batch, good["state"])
        context.checks.same_bits(f"{at} gradient beside", out[keep], whole[keep])


def check_zero_rows(context: Context, label: str, batch: Rows) -> None:
    """c = h = 0 writes zeros without reading the row: not even a NaN in it is seen."""
    context.checks.family("layout")
    state = stats(context, batch)["state"]
    x, c, h = batch.x.clone(), batch.c.clone(), batch.h.clone()
    c[2], h[2] = 0, 0
    x[2] = float("nan")
    out = context.poison(*x.shape, dtype=x.dtype)
    context.library.logits_grad(batch.logits(x), state, c, h, out, x.shape[1])
    context.checks.true(f"{label} zero row", bool((out[2] == 0).all()), "expected zeros")
