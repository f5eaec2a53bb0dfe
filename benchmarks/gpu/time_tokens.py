"""Times of the kernels that see no logits, what a call costs on the host, and how much it launches."""

from __future__ import annotations

import ctypes
import statistics
import time
from ctypes import sizeof

import torch

import objectives
import peers
import plait
from bench import CALLS, GRAPH, Bench
from cudadriver import Driver
from time_rows import batch_for

# Calls per sample: together long beside the clock's steps.
REPEATED = 50


def time_tokens(bench: Bench) -> None:
    rows = bench.rows_at_once
    batch, offsets = batch_for(bench, rows)
    logp, entropy = -bench.floats(rows).abs(), bench.floats(rows).abs()
    batch.old_logp, batch.ref_logp = logp + bench.floats(rows, 0.3), logp + bench.floats(rows, 0.3)
    for how in (CALLS, GRAPH):
        for name in ("SFT", "GRPO", "LUFFY"):
            time_objective(bench, how, name, batch, offsets, logp, entropy)
        time_group_advantage(bench, how)
        time_ratio(bench, how, batch, offsets, logp)


def add_small(bench: Bench, how: str, kernel: str, shape: str, size: int, call, peer, compiled=None) -> None:
    row = bench.add(kernel, shape, "f32", how, size, call, REPEATED)
    bench.peer(row, "eager", peer, REPEATED)
    if compiled:
        bench.compiled_peer(row, "compile", compiled, calls=REPEATED)


def time_objective(bench: Bench, how: str, name: str, batch, offsets, logp, entropy) -> None:
    rows = len(logp)
    roles = batch.roles if name == "LUFFY" else None
    tokens = plait.token_batch(rows, offsets, roles, batch.advantages, batch.old_logp, batch.ref_logp)
    objective, norms = objectives.ALL[name](), plait.normalizers(objectives.LENGTH)
    c, h = torch.zeros_like(logp), torch.zeros_like(logp)
    metrics = torch.zeros(sizeof(plait.Metrics) // 8, dtype=torch.float64, device=bench.device)
    size = bench.library.objective_workspace_bytes(rows, batch.sequences)
    workspace = torch.empty(size, dtype=torch.uint8, device=bench.device)

    def compiled():
        loss = peers.compiled(peers.token_loss)

        def call(_: int) -> None:
            a, b = logp.detach().requires_grad_(), entropy.detach().requires_grad_()
            torch.autograd.grad(loss(name, a, b, batch), (a, b), allow_unused=True)

        return call

    add_small(
        bench, how, f"token_objective {name}", f"{rows} tokens", rows * (7 * 4 + (1 if name == "LUFFY" else 0)),
        lambda _: bench.library.token_objective(
            tokens, objective, norms, logp, entropy, c, h, None, metrics, workspace, size),
        lambda _: peers.token_gradients(name, logp, entropy, batch),
        compiled if name == "GRPO" and how == CALLS else None,
    )  # fmt: skip


def time_group_advantage(bench: Bench, how: str) -> None:
    groups, size = 1024, 8
    n = groups * size
    rewards, out = bench.floats(n), torch.zeros(n, device=bench.device)
    offsets = torch.arange(groups + 1, device=bench.device) * size
    options = plait.AdvantageOptions(
        struct_bytes=sizeof(plait.AdvantageOptions), baseline=plait.BASELINE_GROUP_MEAN, scale=plait.SCALE_GROUP_STD,
        sample_std=1, epsilon=1e-6,
    )  # fmt: skip
    need = bench.library.group_workspace_bytes(groups)
    workspace = torch.empty(need, dtype=torch.uint8, device=bench.device)
    add_small(
        bench, how, "group_advantage", f"{groups} x {size}", n * 8 + groups * 8,
        lambda _: bench.library.group_advantage(
            n, rewards, None, None, groups, offsets, None, options, out, None, None, workspace, need),
        lambda _: peers.group_advantage(rewards, size),
    )  # fmt: skip


def time_ratio(bench: Bench, how: str, batch, offsets, logp) -> None:
    rows = len(logp)
    ratio, flags = torch.zeros_like(logp), torch.zeros(rows, dtype=torch.uint8, device=bench.device)
    add_small(
        bench, how, "importance_ratio, sequence mean", f"{rows} tokens", rows * 13,
        lambda _: bench.library.importance_ratio(
            rows, batch.sequences, offsets, None, logp, batch.old_logp, plait.RATIO_SEQUENCE_MEAN, 0.2, 0.2, 20.0,
            ratio, None, flags),
        lambda _: peers.importance_ratio(logp, batch.old_logp, batch.sequences),
    )  # fmt: skip


def host_microseconds(bench: Bench, rows: int) -> float:
    """Median of a call that only enqueues, through ctypes, its structures built beforehand."""
    x = bench.logits(max(rows, 1), 1024, torch.float32)
    targets = torch.zeros(max(rows, 1), dtype=torch.int64, device=bench.device)
    out = torch.zeros(max(rows, 1), device=bench.device)
    logits = plait.logits(x[:rows], targets)
    function, stream = bench.library.c.plait_row_stats, ctypes.c_void_p(bench.library.stream())
    arguments = (ctypes.c_int32(bench.library.device), stream, ctypes.byref(logits), ctypes.c_void_p(out.data_ptr()),
                 None, None, None, None)  # fmt: skip
    times = []
    for i in range(1100):
        if i % 100 == 0:
            bench.timer.synchronize()
        begun = time.perf_counter_ns()
        status = function(*arguments)
        times.append(time.perf_counter_ns() - begun)
        bench.library.check(status)
    bench.timer.synchronize()
    return statistics.median(times[100:]) / 1e3


def launches(bench: Bench) -> dict:
    """What each call enqueues, by the nodes of the graph that it makes."""
    if not bench.on_gpu:
        return {}
    driver, rows, vocab = Driver(bench.device.index or 0), 64, 2048
    x = bench.logits(rows, vocab, torch.bfloat16)
    targets = torch.zeros(rows, dtype=torch.int64, device=bench.device)
    batch, offsets = batch_for(bench, rows)
    outputs = {name: torch.zeros(rows, device=bench.device) for name in ("logp", "entropy", "logsumexp")}
    state, c = torch.zeros(rows, 4, device=bench.device), bench.floats(rows)
    tokens = plait.token_batch(rows, offsets, batch.roles, batch.advantages, batch.old_logp, batch.ref_logp)
    metrics = torch.zeros(sizeof(plait.Metrics) // 8, dtype=torch.float64, device=bench.device)
    size = bench.library.objective_workspace_bytes(rows, batch.sequences)
    workspace = torch.zeros(size, dtype=torch.uint8, device=bench.device)
    logits, norms = plait.logits(x, targets), plait.normalizers(objectives.LENGTH)
    here = bench.library
    calls = {
        "row_stats": lambda: here.row_stats(logits, **outputs),
        "logits_grad": lambda: here.logits_grad(logits, state, c, None, x, vocab),
    }
    for name in objectives.ALL:
        objective = objectives.ALL[name]()
        calls[f"token_objective {name}"] = lambda o=objective: here.token_objective(
            tokens, o, norms, outputs["logp"], outputs["entropy"], c, None, None, metrics, workspace, size)
        calls[f"policy_step {name}"] = lambda o=objective: here.policy_step(
            logits, tokens, o, norms, x, vocab, outputs["logp"], outputs["entropy"], None, metrics, workspace, size)
    for call in calls.values():  # modules are loaded at their kernels' first use, which a capture may not allow
        call()
    torch.cuda.synchronize()
    counted, before = {}, here.stream
    for name, call in calls.items():
        def on(stream: int) -> None:
            here.stream = lambda: stream
            call()

        try:
            counted[name] = driver.launches(on)
        except Exception as error:
            counted[name] = {"not counted": str(error)[:160]}
        finally:
            here.stream = before
    return counted
