"""Times of the kernels that see logits, for many rows and for few."""

from __future__ import annotations

import ctypes
from typing import Callable, Optional

import torch
from torch import Tensor

import objectives
import peers
import plait
from bench import CALLS, GRAPH, Bench, Row, agree

try:
    import triton_peers
except ImportError:
    triton_peers = None

DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
# Calls of one graph for few rows: together they read more than L2 holds.
WINDOWS = 128


class Problem:
    """Logits and what goes with them. Few rows are taken from another place of a large tensor at each call."""

    def __init__(self, bench: Bench, vocab: int, dtype: str, rows: int, spare: bool):
        self.bench, self.rows, self.vocab, self.dtype = bench, rows, vocab, dtype
        self.pristine = bench.logits(bench.rows_at_once, vocab, DTYPES[dtype])
        # A copy to work on: gradients in place would otherwise be taken of gradients.
        self.x = self.pristine.clone() if spare else self.pristine
        self.targets = torch.randint(vocab, (rows,), device=bench.device)
        self.out = {name: torch.zeros(rows, device=bench.device) for name in ("logp", "entropy", "logsumexp")}
        self.state = torch.zeros(rows, 4, device=bench.device)
        self.windows = min(WINDOWS, bench.rows_at_once // rows)
        self.how = CALLS if self.windows == 1 else GRAPH

    def window(self, index: int) -> Tensor:
        begin = index % self.windows * self.rows
        return self.x[begin : begin + self.rows]

    def restore(self) -> None:
        self.x[: self.windows * self.rows].copy_(self.pristine[: self.windows * self.rows])

    @property
    def shape(self) -> str:
        return f"{self.rows} x {self.vocab}"

    @property
    def logits_bytes(self) -> int:
        return self.rows * self.vocab * self.x.element_size()

    def logits(self, index: int) -> plait.Logits:
        return plait.logits(self.window(index), self.targets)


def time_rows(bench: Bench) -> None:
    small, middle, large = bench.vocabularies
    many, few = bench.rows_at_once, bench.few

    def stats(vocab: int, dtype: str, rows: int) -> None:
        problem = lambda: Problem(bench, vocab, dtype, rows, spare=False)
        bench.attempt(f"row_stats {rows} x {vocab} {dtype}", lambda: time_row_stats(problem(), vocab == middle))

    def step(name: str, dtype: str, rows: int) -> None:
        problem = lambda: Problem(bench, middle, dtype, rows, spare=True)
        bench.attempt(f"policy_step {name} {rows} {dtype}", lambda: time_step(problem(), name))

    def gradient(rows: int) -> None:
        problem = lambda: Problem(bench, middle, "bf16", rows, spare=True)
        bench.attempt(f"logits_grad {rows}", lambda: time_logits_grad(problem()))

    for rows in (many, few):
        for vocab, dtype in ((small, "bf16"), (middle, "bf16"), (large, "bf16"), (middle, "f32")):
            stats(vocab, dtype, rows)
        gradient(rows)
        for name in ("SFT", "GRPO", "LUFFY"):
            step(name, "bf16", rows)
    step("GRPO", "f32", many)


def best(bench: Bench, configurations, make: Callable, problem: Problem, prepare=None) -> tuple[Optional[tuple], Callable]:
    """The fastest configuration of a Triton kernel, by a few samples each."""
    times = {}
    repeats, bench.timer.repeats = bench.timer.repeats, 5
    try:
        for configuration in configurations:
            try:
                call = make(configuration)
                times[configuration] = bench.measure(call, problem.how, problem.windows, prepare).median
            except Exception as error:  # more threads or registers than this device has
                print(f"    Triton {configuration}: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
    finally:
        bench.timer.repeats = repeats
    if not times:
        raise RuntimeError("no configuration ran")
    chosen = min(times, key=times.get)
    return chosen, make(chosen)


def triton_peer(bench: Bench, row: Row, configurations, make, problem: Problem, prepare=None) -> Optional[tuple]:
    if triton_peers is None or not bench.on_gpu:
        row.peers["triton"] = {"not_run": "no Triton here"}
        return None
    try:
        chosen, call = best(bench, configurations, make, problem, prepare)
    except Exception as error:
        row.peers["triton"] = {"not_run": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
        return None
    bench.peer(row, "triton", call, calls=problem.windows, prepare=prepare)
    row.peers["triton"]["configuration"] = f"BLOCK={chosen[0]}, num_warps={chosen[1]}"
    return chosen


def time_row_stats(p: Problem, compiles: bool) -> None:
    bench = p.bench
    size = p.logits_bytes + p.rows * (8 + 3 * 4)
    row = bench.add("row_stats", p.shape, p.dtype, p.how, size,
                    lambda i: bench.library.row_stats(p.logits(i), **p.out), p.windows)  # fmt: skip
    bench.library.row_stats(p.logits(0), **p.out)
    for name, got in zip(p.out, peers.row_stats(p.window(0), p.targets)):
        agree(row, f"PyTorch's {name}", got, p.out[name])
    bench.peer(row, "eager", lambda i: peers.row_stats(p.window(i), p.targets), p.windows)
    if triton_peers:
        def make(configuration):
            call = triton_peers.row_stats(configuration)
            return lambda i: call(p.window(i), p.targets)

        chosen = triton_peer(bench, row, triton_peers.STATS_CONFIGURATIONS, make, p)
        if chosen:
            for name, got in zip(p.out, triton_peers.row_stats(chosen)(p.window(0), p.targets)):
                agree(row, f"Triton's {name}", got, p.out[name])
    if compiles and p.rows > bench.few:
        function = None

        def make_compiled():
            nonlocal function
            function = peers.compiled(peers.row_stats)
            return lambda i: function(p.window(i), p.targets)

        bench.compiled_peer(row, "compile", make_compiled, calls=p.windows)


def time_logits_grad(p: Problem) -> None:
    bench = p.bench
    c, h = bench.floats(p.rows), bench.floats(p.rows, 0.1)
    bench.library.row_stats(p.logits(0), state=p.state, **p.out)
    stride = p.vocab
    size = 2 * p.logits_bytes + p.rows * (8 + 6 * 4)
    row = bench.add("logits_grad in place", p.shape, p.dtype, p.how, size,
                    lambda i: bench.library.logits_grad(p.logits(i), p.state, c, h, p.window(i), stride),
                    p.windows, p.restore)  # fmt: skip
    p.restore()
    arguments = (p.targets, p.out["logsumexp"], p.out["entropy"], c, h)
    expected = peers.logits_grad(p.window(0), *arguments)
    bench.library.logits_grad(p.logits(0), p.state, c, h, p.window(0), stride)
    agree(row, "PyTorch's gradient", expected, p.window(0))
    p.restore()
    output = p.logits_bytes
    bench.peer(row, "eager", lambda i: peers.logits_grad(p.window(i), *arguments), p.windows, output=output)
    if triton_peers:
        def make(configuration):
            call = triton_peers.logits_grad(configuration)
            return lambda i: call(p.window(i), *arguments)

        chosen = triton_peer(bench, row, triton_peers.GRADIENT_CONFIGURATIONS, make, p, p.restore)
        if chosen:
            p.restore()
            make(chosen)(0)
            agree(row, "Triton's gradient", p.window(0), expected)
    p.restore()
    if p.rows > bench.few:
        def make_compiled():
            function = peers.compiled(peers.logits_grad)
            return lambda i: function(p.window(i), *arguments)

        bench.compiled_peer(row, "compile", make_compiled, calls=p.windows, output=output)


def batch_for(bench: Bench, rows: int) -> tuple[peers.Batch, Tensor]:
    """Sequences of equal length, the first a demonstration, and their offsets."""
    sequences = min(8, rows // 2)
    roles = torch.ones(rows, dtype=torch.uint8, device=bench.device)
    roles[: rows // sequences] = plait.DEMONSTRATION
    advantages, old, ref = bench.floats(rows), bench.floats(rows, 0.3) - 12, bench.floats(rows, 0.3) - 12
    offsets = torch.arange(sequences + 1, device=bench.device) * (rows // sequences)
    return peers.Batch(sequences, roles, advantages, old, ref), offsets


def time_step(p: Problem, name: str) -> None:
    bench = p.bench
    batch, offsets = batch_for(bench, p.rows)
    stats = {key: torch.zeros(p.rows, device=bench.device) for key in ("logp", "entropy")}
    # The old policy is near this one, so that clipping acts on some tokens and not on all.
    bench.library.row_stats(p.logits(0), **stats)
    batch.old_logp, batch.ref_logp = stats["logp"] + bench.floats(p.rows, 0.3), stats["logp"] + bench.floats(p.rows, 0.3)
    roles = batch.roles if name == "LUFFY" else None
    tokens = plait.token_batch(p.rows, offsets, roles, batch.advantages, batch.old_logp, batch.ref_logp)
    objective, norms = objectives.ALL[name](), plait.normalizers(objectives.LENGTH)
    metrics = torch.zeros(ctypes.sizeof(plait.Metrics) // 8, dtype=torch.float64, device=bench.device)
    bytes_needed = bench.library.objective_workspace_bytes(p.rows, batch.sequences)
    workspace = torch.empty(bytes_needed, dtype=torch.uint8, device=bench.device)

    def call(i: int) -> None:
        bench.library.policy_step(p.logits(i), tokens, objective, norms, p.window(i), p.vocab, stats["logp"],
                                  stats["entropy"], None, metrics, workspace, bytes_needed)  # fmt: skip

    size = 2 * p.logits_bytes + p.rows * (8 + 6 * 4)
    row = bench.add(f"policy_step {name} in place", p.shape, p.dtype, p.how, size, call, p.windows, p.restore)
    row.memory["plait"] = (row.memory["plait"] or 0) + bytes_needed if bench.on_gpu else bytes_needed
    p.restore()
    expected = peers.step(name, p.window(0), p.targets, batch)
    call(0)
    agree(row, "PyTorch's gradient", expected, p.window(0))
    del expected
    p.restore()
    output = p.logits_bytes
    bench.peer(row, "eager", lambda i: peers.step(name, p.window(i), p.targets, batch), p.windows, output=output)
    time_triton_step(p, row, name, batch)
    p.restore()
    if name == "GRPO" and p.rows > bench.few:
        def make_compiled():
            loss = peers.compiled(peers.step_loss)
            return lambda i: peers.step(name, p.window(i), p.targets, batch, loss)

        bench.compiled_peer(row, "compile", make_compiled, calls=p.windows, output=output)


def time_triton_step(p: Problem, row: Row, name: str, batch: peers.Batch) -> None:
    """Row statistics and the gradient in Triton, and PyTorch's autograd for the tokens between them."""
    if triton_peers is None or not p.bench.on_gpu:
        row.peers["triton"] = {"not_run": "no Triton here"}
        return
    try:
        def make_stats(configuration):
            call = triton_peers.row_stats(configuration)
            return lambda i: call(p.window(i), p.targets)

        first, _ = best(p.bench, triton_peers.STATS_CONFIGURATIONS, make_stats, p, p.restore)
        given = (p.targets, *peers.row_stats(p.window(0), p.targets)[2:0:-1], batch.advantages, batch.old_logp)

        def make_gradient(configuration):
            call = triton_peers.logits_grad(configuration)
            return lambda i: call(p.window(i), *given)

        second, _ = best(p.bench, triton_peers.GRADIENT_CONFIGURATIONS, make_gradient, p, p.restore)
        row_stats, logits_grad = triton_peers.row_stats(first), triton_peers.logits_grad(second)

        def call(i: int) -> None:
            x = p.window(i)
            logp, entropy, logsumexp = row_stats(x, p.targets)
            c, h = peers.token_gradients(name, logp, entropy, batch)
            logits_grad(x, p.targets, logsumexp, entropy, c, h)

        p.bench.peer(row, "triton", call, p.windows, p.restore)
        row.peers["triton"]["configuration"] = f"BLOCK={first[0]} and {second[0]}, num_warps={first[1]} and {second[1]}"
    except Exception as error:
        row.peers["triton"] = {"not_run": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
