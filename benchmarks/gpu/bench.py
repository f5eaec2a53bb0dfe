"""What a measured row is: Plait's time and its peers', with bytes, bandwidth and memory."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Callable, Optional

import torch
from torch import Tensor

import plait
from timer import Sample, Timer

GRAPH, CALLS = "graph", "calls"


@dataclass
class Row:
    kernel: str
    shape: str
    dtype: str
    how: str  # GRAPH or CALLS
    bytes: int  # that the kernel cannot do without
    plait: Sample
    again: Sample
    gbs: float
    share: float  # of the run's copy bandwidth
    memory: dict = field(default_factory=dict)  # bytes beyond inputs and outputs
    peers: dict = field(default_factory=dict)
    note: str = ""


@dataclass
class Bench:
    library: plait.Library
    device: torch.device
    timer: Timer
    rows_at_once: int
    few: int
    vocabularies: tuple[int, ...]
    begun: float
    deadline: float
    copy_gbs: float = 0.0
    rows: list[Row] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def measure(self, call: Callable, how: str, calls: int = 1, prepare: Optional[Callable] = None) -> Sample:
        run = self.timer.measure_graph if how == GRAPH else self.timer.measure
        return run(call, calls, prepare)

    def add(self, kernel: str, shape: str, dtype: str, how: str, size: int, call, calls: int = 1, prepare=None) -> Row:
        """Measures Plait, twice."""
        first = self.measure(call, how, calls, prepare)
        again = self.measure(call, how, calls, prepare)
        gbs = size / first.median / 1e6
        row = Row(kernel, shape, dtype, how, size, first, again, gbs, gbs / self.copy_gbs)
        row.memory["plait"] = self.timer.taken(lambda: call(0))
        self.rows.append(row)
        print(
            f"  [{time.monotonic() - self.begun:6.1f} s] {kernel} {shape} {dtype} {how}: {first.median:.4f} ms, {gbs:.0f} GB/s, "
            f"{100 * row.share:.0f}% of copying", flush=True,
        )  # fmt: skip
        return row

    def peer(self, row: Row, name: str, call, calls: int = 1, prepare=None, output: int = 0, how: str = "") -> None:
        """Measures the same work by other means; `output`: bytes of its results, which are no extra memory."""
        try:
            row.memory[name] = self.timer.peak(lambda: call(0))
            if row.memory[name] is not None:
                row.memory[name] = max(0, row.memory[name] - output)
            row.peers[name] = asdict(self.measure(call, how or row.how, calls, prepare))
        except Exception as error:  # out of memory, or what a graph cannot capture
            if (how or row.how) == GRAPH and "out of memory" not in str(error):
                self.peer(row, name, call, calls, prepare, output, CALLS)
                row.peers[name]["how"] = CALLS
                return
            row.memory.pop(name, None)
            row.peers[name] = {"not_run": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
            self.empty_cache()

    def compiled_peer(self, row: Row, name: str, make: Callable[[], Callable], **options) -> None:
        if self.seconds_left() < 60:
            row.peers[name] = {"not_run": "no time left to compile it"}
            return
        try:
            call = make()
            call(0)
        except Exception as error:
            row.peers[name] = {"not_run": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
            return
        self.peer(row, name, call, **options)

    def attempt(self, what: str, measure: Callable[[], None]) -> None:
        """What one measurement runs into should not hide the others' results."""
        try:
            measure()
        except Exception as error:
            self.not_run.append(f"{what}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
            print(f"  not run: {self.not_run[-1]}", flush=True)
        self.empty_cache()

    def empty_cache(self) -> None:
        if self.on_gpu:
            torch.cuda.empty_cache()

    def logits(self, rows: int, vocab: int, dtype: torch.dtype, seed: int = 1) -> Tensor:
        torch.manual_seed(seed)
        return torch.empty(rows, vocab, dtype=dtype, device=self.device).normal_(0, 3)

    def floats(self, count: int, scale: float = 1.0) -> Tensor:
        return scale * torch.randn(count, device=self.device)


def agree(row: Row, name: str, got: Tensor, expected: Tensor) -> None:
    """Notes where a peer computes something else than Plait: its time would mean nothing."""
    got, expected = got[:64].double(), expected[:64].double()
    distance = float((got - expected).norm() / expected.norm())
    if not distance < 2e-2:
        row.note += f"{name} differs from Plait by {distance:.2g}; "
