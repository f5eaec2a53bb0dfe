"""Times of device work: CUDA events around it, medians with their spread. On the CPU, to try the code, a host clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Optional

import torch

Call = Callable[[int], None]


@dataclass
class Sample:
    """Milliseconds per call."""

    median: float
    p10: float
    p90: float
    samples: int

    @staticmethod
    def of(times: list[float]) -> "Sample":
        ordered = sorted(times)

        def at(share: float) -> float:
            return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

        return Sample(at(0.5), at(0.1), at(0.9), len(ordered))


class Timer:
    def __init__(self, device: torch.device, repeats: int):
        self.on_gpu = device.type == "cuda"
        self.repeats = repeats

    def synchronize(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()

    def measure(self, call: Call, calls: int = 1, prepare: Optional[Callable[[], None]] = None) -> Sample:
        """`calls` calls per sample, with indices that go on; `prepare` before each sample, outside of its time."""
        index = 0
        spans = []
        for repeat in range(-3, self.repeats):
            if prepare:
                prepare()
            span = self._begin()
            for _ in range(calls):
                call(index)
                index += 1
            end = self._end(span)
            if repeat >= 0:
                spans.append((span, end))
        self.synchronize()
        times = [a.elapsed_time(b) if self.on_gpu else (b - a) * 1e3 for a, b in spans]
        return Sample.of([t / calls for t in times])

    def measure_graph(self, call: Call, calls: int, prepare: Optional[Callable[[], None]] = None) -> Sample:
        """As `measure`, with the calls in one CUDA graph: without what the host takes to enqueue them."""
        if not self.on_gpu:
            return self.measure(call, calls, prepare)
        torch.cuda.synchronize()
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for index in range(3):
                call(index)
        side.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for index in range(calls):
                call(index)
        sample = self.measure(lambda _: graph.replay(), 1, prepare)
        del graph
        return Sample(sample.median / calls, sample.p10 / calls, sample.p90 / calls, sample.samples)

    def _begin(self):
        if not self.on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _end(self, _):
        return self._begin()

    def peak(self, call: Callable[[], object]) -> Optional[int]:
        """Bytes that a call holds at most beyond what was there, its results included."""
        if not self.on_gpu:
            return None
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = call()
        torch.cuda.synchronize()
        del result
        return torch.cuda.max_memory_allocated() - before

    def taken(self, call: Callable[[], object]) -> Optional[int]:
        """Bytes that are gone from the device after a call, whoever allocated them."""
        if not self.on_gpu:
            return None
        torch.cuda.synchronize()
        before = torch.cuda.mem_get_info()[0]
        call()
        torch.cuda.synchronize()
        return max(0, before - torch.cuda.mem_get_info()[0])
