"""What only a device has: graphs, streams, its own memory, ordinals, broken contexts, and very large tensors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import torch
from torch import Tensor

import objectives
import plait
import reference
from cases_objectives import METRICS, step, token_objective
from cases_rows import gradient, stats
from context import Context, Rows, batch_struct, rows, tokens_of

# What a machine must have left for logits of more than 2^31 elements in bfloat16.
HUGE_BYTES = 20 << 30


def check_device(context: Context) -> None:
    if not context.on_gpu:
        for what in ("graphs", "streams", "refusals of memory and ordinals", "a broken context", "T * V > 2^31"):
            context.checks.skip(f"{what}: no GPU in this run")
        return
    context.checks.progress("graphs, streams, refusals")
    check_graphs(context)
    check_streams(context)
    check_refusals(context)
    check_broken_context(context)
    check_huge(context)


def check_graphs(context: Context) -> None:
    """Captured once, replayed with other inputs in the same memory: the bits of eager calls."""
    context.checks.family("graphs")
    for name, vocab in (("GRPO", 151936), ("GSPO", 151936), ("SRFT", 2053)):
        inputs = [rows(context, "plain", 40, vocab, torch.bfloat16, seed=seed) for seed in (11, 12, 13)]
        logp, _ = reference.log_prob_and_entropy(inputs[0].x.double(), inputs[0].targets, inputs[0].temperatures)
        tokens = tokens_of(context, name, logp)
        eager = [(stats(context, each), step(context, name, each, tokens)) for each in inputs]
        held = Rows(*(t.clone() for t in vars(inputs[0]).values()))
        replay, outputs = capture_step(context, name, held, tokens)
        for index in (1, 2):
            for to, source in zip(vars(held).values(), vars(inputs[index]).values()):
                to.copy_(source)
            replay()
            for fields, expected in zip(outputs, eager[index]):
                for field, tensor in fields.items():
                    context.checks.same_bits(f"{name} V={vocab} replay {index} {field}", tensor, expected[field])


def capture_step(context: Context, name: str, batch: Rows, tokens) -> tuple[Callable[[], None], tuple[dict, dict]]:
    count, vocab = batch.x.shape
    first = {field: context.poison(count) for field in ("logp", "entropy", "logsumexp")}
    first["state"], first["bad_targets"] = context.poison(count, 4), context.poison(1, dtype=torch.int64)
    second = {field: context.poison(count) for field in ("logp", "entropy", "token_loss")}
    second["metrics"] = context.poison(METRICS // 8, dtype=torch.float64)
    second["dlogits"] = context.poison(count, vocab, dtype=batch.dtype)
    workspace = context.workspace(count, len(tokens.offsets) - 1)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        context.library.row_stats(batch.logits(), **first)
        context.library.policy_step(
            batch.logits(), batch_struct(tokens), objectives.ALL[name](), plait.normalizers(objectives.LENGTH),
            second["dlogits"], vocab, second["logp"], second["entropy"], second["token_loss"], second["metrics"],
            workspace, len(workspace),
        )  # fmt: skip
    # The closure keeps what the graph's kernels point to.
    kept = (graph, workspace, batch, tokens)
    return lambda: kept[0].replay(), (first, second)


def check_streams(context: Context) -> None:
    context.checks.family("streams")
    batch = rows(context, "plain", 65, 151936, torch.bfloat16, seed=14)
    expected = stats(context, batch)
    torch.cuda.synchronize()
    side = torch.cuda.Stream()
    x = torch.zeros_like(batch.x)
    moved = Rows(x, batch.targets, batch.temperatures, batch.c, batch.h)
    torch.cuda.synchronize()
    with torch.cuda.stream(side):
        # The call sees what its stream did before, though that takes a while.
        torch.cuda._sleep(50_000_000)
        x.copy_(batch.x)
        got = stats(context, moved)
    side.synchronize()
    for field, tensor in got.items():
        context.checks.same_bits(f"on a side stream {field}", tensor, expected[field])


def check_refusals(context: Context) -> None:
    checks = context.checks
    checks.family("refusals")
    batch = rows(context, "plain", 3, 128, torch.float32)
    on_host = batch.x.cpu()
    logp = context.poison(3)
    invalid = plait.INVALID_ARGUMENT
    host_logits, host_output = batch.logits(on_host), torch.zeros(3)
    checks.refused("host logits", lambda: context.library.row_stats(host_logits, logp=logp), invalid, "logits.data")
    checks.refused("host output", lambda: context.library.row_stats(batch.logits(), logp=host_output), invalid, "logp")
    checks.refused("null logits", lambda: context.library.row_stats(null_data(batch), logp=logp), invalid, "logits.data")
    pinned = torch.zeros(3).pin_memory()
    context.library.row_stats(batch.logits(), logp=pinned)
    torch.cuda.synchronize()
    context.library.row_stats(batch.logits(), logp=logp)
    checks.same_bits("page-locked output", pinned, logp.cpu())
    beyond = torch.cuda.device_count()
    there = plait.Library(context.library.c._name, beyond)
    checks.refused("ordinal", lambda: there.row_stats(batch.logits(), logp=logp), plait.UNAVAILABLE, f"device {beyond}")
    again = stats(context, batch)["logp"]
    checks.same_bits("after the refusals", again, logp)


def null_data(batch: Rows) -> plait.Logits:
    logits = batch.logits()
    logits.data = None
    return logits


def check_broken_context(context: Context) -> None:
    """After an illegal address calls fail with PLAIT_INTERNAL, and the process goes on; in a process of its own."""
    context.checks.family("refusals")
    here = Path(__file__).parent
    child = subprocess.run(
        [sys.executable, str(here / "broken_context.py"), context.library.c._name],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = (child.stdout + child.stderr).strip()[-400:]
    context.checks.true("a broken context", child.returncode == 0 and "went on" in child.stdout, said)


def check_huge(context: Context) -> None:
    """Offsets above 2^31 elements: rows at the end, bit for bit as they are alone."""
    checks = context.checks
    checks.family("T * V > 2^31")
    if torch.cuda.mem_get_info()[0] < HUGE_BYTES:
        return checks.skip(f"T * V > 2^31: less than {HUGE_BYTES >> 30} GiB free")
    vocab, count = 151936, 14400
    checks.progress(f"{count} x {vocab} = {count * vocab} logits")
    small = rows(context, "plain", 400, vocab, torch.bfloat16, seed=15)
    repeats = torch.arange(count, device=context.device) % 400
    x = torch.empty(count, vocab, dtype=torch.bfloat16, device=context.device)
    for begin in range(0, count, 400):
        x[begin : begin + 400] = small.x[: min(400, count - begin)]
    big = Rows(x, *(t[repeats].contiguous() for t in (small.targets, small.temperatures, small.c, small.h)))
    got, alone = stats(context, big), stats(context, small)
    for field in ("logp", "entropy", "logsumexp", "state"):
        checks.same_bits(f"row_stats {field}", got[field], alone[field][repeats])
    expected = gradient(context, small, alone["state"])
    context.library.logits_grad(big.logits(), got["state"], big.c, big.h, x, vocab)
    same_blocks(context, "logits_grad", x, expected)
    for begin in range(0, count, 400):
        x[begin : begin + 400] = small.x[: min(400, count - begin)]
    check_huge_step(context, big)


def check_huge_step(context: Context, big: Rows) -> None:
    """SFT by policy_step in place, beside its two parts."""
    count, vocab = big.x.shape
    logp = stats(context, big)
    tokens = tokens_of(context, "SFT", logp["logp"])
    second = token_objective(context, "SFT", logp["logp"], logp["entropy"], tokens)
    ends = [0, 1, 14130, 14140, count - 1]
    part = Rows(*(t[ends].contiguous() for t in vars(big).values()))
    expected = context.poison(len(ends), vocab, dtype=big.dtype)
    context.library.logits_grad(
        part.logits(), logp["state"][ends].contiguous(), second["c"][ends].contiguous(), None, expected, vocab
    )
    entropy, workspace = context.poison(count), context.workspace(count, len(tokens.offsets) - 1)
    context.library.policy_step(
        big.logits(), batch_struct(tokens), objectives.sft(), None, big.x, vocab, context.poison(count), entropy, None,
        None, workspace, len(workspace),
    )  # fmt: skip
    context.checks.same_bits("policy_step in place", big.x[ends], expected)


def same_blocks(context: Context, name: str, x: Tensor, expected: Tensor) -> None:
    size = len(expected)
    for begin in (0, (len(x) // size - 1) * size):
        context.checks.same_bits(f"{name} rows from {begin}", x[begin : begin + size], expected)
