"""The few calls of CUDA's driver that are needed without PyTorch: memory, and the nodes of a captured graph."""

from __future__ import annotations

import ctypes
from collections import Counter
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p
from typing import Callable

_NODE_TYPES = {0: "kernel", 1: "memcpy", 2: "memset"}
_CAPTURE_RELAXED = 2


class Driver:
    """The primary context of a device, which CUDA's runtime uses too."""

    def __init__(self, device: int):
        self.cuda = ctypes.CDLL("libcuda.so.1")
        self("cuInit", c_int(0))
        handle, context = c_int(), c_void_p()
        self("cuDeviceGet", byref(handle), c_int(device))
        self("cuDevicePrimaryCtxRetain", byref(context), handle)
        self("cuCtxSetCurrent", context)

    def __call__(self, name: str, *arguments) -> None:
        code = getattr(self.cuda, name)(*arguments)
        if code != 0:
            raise RuntimeError(f"{name}: CUDA error {code}")

    def allocate(self, size: int) -> int:
        address = c_uint64()
        self("cuMemAlloc_v2", byref(address), c_size_t(size))
        return address.value

    def free(self, address: int) -> None:
        self("cuMemFree_v2", c_uint64(address))

    def write(self, address: int, data: bytes) -> None:
        self("cuMemcpyHtoD_v2", c_uint64(address), data, c_size_t(len(data)))

    def read(self, address: int, size: int) -> bytes:
        data = ctypes.create_string_buffer(size)
        self("cuMemcpyDtoH_v2", data, c_uint64(address), c_size_t(size))
        return data.raw

    def launches(self, call: Callable[[int], None]) -> dict[str, int]:
        """The nodes of the graph that `call` makes of a stream: what it enqueues, by kind."""
        stream, graph, count = c_void_p(), c_void_p(), c_size_t()
        self("cuStreamCreate", byref(stream), c_int(1))
        self("cuStreamBeginCapture_v2", stream, c_int(_CAPTURE_RELAXED))
        try:
            call(stream.value)
        finally:
            self("cuStreamEndCapture", stream, byref(graph))
        self("cuGraphGetNodes", graph, None, byref(count))
        nodes = (c_void_p * count.value)()
        self("cuGraphGetNodes", graph, nodes, byref(count))
        kinds: Counter = Counter()
        for node in nodes:
            kind = c_int()
            self("cuGraphNodeGetType", c_void_p(node), byref(kind))
            kinds[_NODE_TYPES.get(kind.value, str(kind.value))] += 1
        self("cuGraphDestroy", graph)
        self("cuStreamDestroy_v2", stream)
        return dict(kinds)
