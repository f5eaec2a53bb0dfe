"""row_stats, row_stats_merge and logits_grad, over vocabularies, types, row counts and kinds of logits."""

from __future__ import annotations

from typing import Iterator

import torch
from torch import Tensor

import reference
from checks import Pair
from context import DTYPE_NAMES, KINDS, Context, Rows, rows

VOCABULARIES = (1, 2, 7, 128, 2053, 32000, 50257, 128256, 151936, 262144)
# More float32 columns than eight blocks' shared memory holds.
BEYOND_SHARED = 524288
TOKENS = (0, 1, 3, 257)
# Rows that the textbook's error is taken over: of few rows it may be small by luck.
POOL = 65
# A state is a means to an end: its sums are held to a few units in the last place of the largest.
STATE = ("state's maximum", "state's sum", "state's weighted sum", "state's target")
STATE_ERROR = 2.0**-22


def stats(context: Context, batch: Rows, logits=None, count: int = -1) -> dict[str, Tensor]:
    count = len(batch.targets) if count < 0 else count
    out = {name: context.poison(count) for name in ("logp", "entropy", "logsumexp")}
    out["state"] = context.poison(count, 4)
    out["bad_targets"] = context.poison(1, dtype=torch.int64)
    context.library.row_stats(batch.logits() if logits is None else logits, **out)
    return out


def gradient(context: Context, batch: Rows, state: Tensor, in_place: bool = False, entropy: bool = True) -> Tensor:
    x = batch.x.clone()
    out = x if in_place else context.poison(*x.shape, dtype=x.dtype)
    h = batch.h if entropy else None
    context.library.logits_grad(batch.logits(x), state, batch.c, h, out, x.shape[1])
    return out


def row_pairs(batch: Rows) -> dict[str, Pair]:
    exact, text = (
        reference.row_statistics(batch.x, batch.targets, batch.temperatures, dtype)
        for dtype in (torch.float64, torch.float32)
    )
    pairs = {name: Pair.of(exact[name], text[name]) for name in ("logp", "entropy", "logsumexp")}
    for index, name in enumerate(STATE):
        pair = pairs[name] = Pair.of(exact["state"][:, index], text["state"][:, index])
        pair.worst = max(pair.worst, STATE_ERROR * float(pair.exact.abs().max())) if index in (1, 2) else 0.0
    return pairs


def fields(out: dict[str, Tensor]) -> dict[str, Tensor]:
    """Results by the names of row_pairs."""
    columns = {name: out["state"][:, index] for index, name in enumerate(STATE)}
    return {**{name: out[name] for name in ("logp", "entropy", "logsumexp")}, **columns}


def gradient_pair(batch: Rows, h: Tensor) -> Pair:
    exact, text = (
        reference.logits_gradient(batch.x, batch.targets, batch.temperatures, batch.c, h, dtype)
        for dtype in (torch.float64, torch.float32)
    )
    return Pair.of(exact, text)


def sweep(context: Context) -> Iterator[tuple[str, int, torch.dtype, int]]:
    """Kind, V, type and the largest T."""
    dtypes = tuple(DTYPE_NAMES)
    for vocab in VOCABULARIES:
        if context.quick and vocab > 60000 and vocab != 151936:
            continue
        most = (257 if vocab < 200 else 5) if context.quick else 257
        for dtype in dtypes:
            yield "plain", vocab, dtype, most
    for kind in KINDS[1:]:
        for vocab in (7, 2053) if context.quick else (7, 2053, 50257, 151936):
            for dtype in dtypes:
                yield kind, vocab, dtype, 5 if context.quick else 65
    yield "plain", BEYOND_SHARED, torch.float32, 3
    yield "plain", 2 * BEYOND_SHARED, torch.bfloat16, 3


def check_rows(context: Context) -> None:
    vocab_before = 0
    for kind, vocab, dtype, most in sweep(context):
        if vocab != vocab_before:
            context.checks.progress(f"{kind}, V = {vocab}")
            vocab_before = vocab
        try:
            check_case(context, kind, rows(context, kind, pool_of(most, vocab), vocab, dtype), most)
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            context.checks.skip(f"{kind} {DTYPE_NAMES[dtype]} V={vocab}: no memory for the references")


def pool_of(most: int, vocab: int) -> int:
    return max(most, POOL if vocab < BEYOND_SHARED else 9)


def check_case(context: Context, kind: str, batch: Rows, most: int) -> None:
    checks = context.checks
    vocab = batch.x.shape[1]
    label = f"{kind} {DTYPE_NAMES[batch.dtype]} V={vocab}"
    trivial = vocab == 1 or kind == "lone"
    pairs = row_pairs(batch)
    with_h, without_h = gradient_pair(batch, batch.h), gradient_pair(batch, torch.zeros_like(batch.h))
    for count in sorted({t for t in TOKENS if t < most} | {most}):
        part, name = batch.first(count), f"{label} T={count}"
        checks.family("row_stats")
        got = stats(context, part)
        for field, value in fields(got).items():
            # Far from 0, bfloat16's steps leave a row's maximum alone.
            few = count < 3 or trivial or (kind in ("up", "down") and batch.dtype == torch.bfloat16)
            checks.close(f"{name} {field}", value, pairs[field].rows(slice(count)), few)
        checks.true(f"{name} bad_targets", int(got["bad_targets"]) == 0)
        checks.family("logits_grad")
        apart = gradient(context, part, got["state"])
        checks.close(f"{name} c and h", apart, with_h.rows(slice(count)), trivial)
        checks.same_bits(f"{name} in place", gradient(context, part, got["state"], in_place=True), apart)
        plain = gradient(context, part, got["state"], entropy=False)
        checks.close(f"{name} c alone", plain, without_h.rows(slice(count)), trivial)


def check_merge(context: Context) -> None:
    """Shards of a vocabulary, at cuts that are aligned to nothing, and their gradients from the merged state."""
    checks = context.checks
    for vocab, cuts in ((2053, (0, 701, 702, 2053)), (151936, (0, 37984, 75968, 113952, 151936))):
        for dtype, dtype_name in DTYPE_NAMES.items():
            pool = rows(context, "plain", POOL, vocab, dtype, seed=2)
            pairs, whole = row_pairs(pool), gradient_pair(pool, pool.h)
            tokens, shards = 5 if context.quick else POOL, []
            batch = pool.first(tokens)
            name = f"V={vocab} in {len(cuts) - 1} {dtype_name}"
            for begin, end in zip(cuts, cuts[1:]):
                # A copy with rows of its own, and a slice of the whole whose rows are far apart.
                x = batch.x[:, begin:end]
                shards.append((x.contiguous() if begin else x, begin))
            logits = [batch.logits(x, vocab_begin=begin, vocab_total=vocab) for x, begin in shards]
            states = torch.stack([stats(context, batch, each)["state"] for each in logits])
            out = {field: context.poison(tokens) for field in ("logp", "entropy", "logsumexp")}
            out["state"] = context.poison(tokens, 4)
            context.library.row_stats_merge(states, len(shards), tokens, batch.temperatures, **out)
            checks.family("row_stats_merge")
            for field, value in fields(out).items():
                checks.close(f"{name} {field}", value, pairs[field].rows(slice(tokens)))
            checks.family("logits_grad")
            for (x, begin), each in zip(shards, logits):
                part = context.poison(tokens, x.shape[1], dtype=dtype)
                context.library.logits_grad(each, out["state"], batch.c, batch.h, part, x.shape[1])
                exact = whole.rows((slice(tokens), slice(begin, begin + x.shape[1])))
                checks.close(f"{name} shard at {begin}", part, exact, zero=x.shape[1] == 1)
