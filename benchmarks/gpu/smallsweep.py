"""A few rows of every kernel on a device, beside the CPU backend; without PyTorch, and with each array in memory of
its own that nobody has initialised, so that compute-sanitizer can watch.

    python3 smallsweep.py libplait.so [--on-host]
"""

from __future__ import annotations

import ctypes
import math
import random
import struct
import sys
from array import array
from typing import Optional

import objectives
import plait
from cudadriver import Driver

SIZES = {"float32": 4, "bfloat16": 2, "float16": 2, "int64": 8, "uint8": 1, "float64": 8}
# Rows of a warp, of a block, of two blocks, of eight, and of more than they can hold.
ROWS = ((7, 9), (128, 9), (2053, 3), (32768, 2), (151936, 2))
BEYOND = (524288, 1)
TOKENS = 5 * 37


class Memory:
    """Arrays on a device, on a device whose memory is the host's, or on the host."""

    def __init__(self, driver: Optional[Driver]):
        self.driver = driver
        self.kept: list = []

    def array(self, dtype: str, *shape: int, data: Optional[bytes] = None) -> "Array":
        result = Array(self, dtype, shape)
        if data is not None:
            result.write(data)
        self.kept.append(result)
        return result

    def floats(self, values) -> "Array":
        return self.array("float32", len(values), data=array("f", values).tobytes())

    def longs(self, values) -> "Array":
        return self.array("int64", len(values), data=array("q", values).tobytes())

    def release(self) -> None:
        for each in self.kept:
            if self.driver and each.address:
                self.driver.free(each.address)
        self.kept = []


class Array:
    def __init__(self, memory: Memory, dtype: str, shape: tuple[int, ...]):
        self.driver, self.dtype, self.shape = memory.driver, dtype, shape
        self.size = SIZES[dtype] * math.prod(shape)
        self.buffer = None if self.driver else ctypes.create_string_buffer(b"\xff" * self.size, max(self.size, 1))
        self.address = self.driver.allocate(max(self.size, 1)) if self.driver else ctypes.addressof(self.buffer)

    def data_ptr(self) -> int:
        return self.address

    def stride(self, _: int) -> int:
        return self.shape[-1]

    def write(self, data: bytes) -> None:
        if self.driver:
            self.driver.write(self.address, data)
        else:
            ctypes.memmove(self.address, data, len(data))

    def read(self) -> list[float]:
        data = self.driver.read(self.address, self.size) if self.driver else self.buffer.raw[: self.size]
        if self.dtype == "bfloat16":
            data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
        kind = {"bfloat16": "f", "float32": "f", "float16": "e", "int64": "q", "uint8": "B", "float64": "d"}[self.dtype]
        return [v[0] for v in struct.iter_unpack("<" + kind, data)]


def logits_bytes(dtype: str, rows: int, vocab: int, seed: int) -> bytes:
    """Normal numbers, a block of them over and over; a prime's length, so that rows differ."""
    rng = random.Random(seed)
    values = array("f", (rng.gauss(0, 3) for _ in range(4093)))
    if dtype == "float32":
        block = values.tobytes()
    elif dtype == "float16":
        block = struct.pack("<4093e", *values)
    else:
        raw = values.tobytes()
        block = b"".join(raw[i + 2 : i + 4] for i in range(0, len(raw), 4))
    size = rows * vocab * SIZES[dtype]
    return (block * (size // len(block) + 1))[:size]


def row_kernels(library: plait.Library, memory: Memory, dtype: str, vocab: int, rows: int, lead: int) -> dict:
    """`lead`: elements before the first row, and a gap after each."""
    rng = random.Random(vocab)
    stride = vocab + lead
    data = logits_bytes(dtype, 1, rows * stride + lead, vocab)
    targets = memory.longs([0, vocab - 1] + [rng.randrange(vocab) for _ in range(rows)])
    c, h = (memory.floats([rng.gauss(0, 1) for _ in range(rows)]) for _ in range(2))
    old = memory.floats([-math.log(vocab) + rng.gauss(0, 0.3) for _ in range(rows)])
    out = {name: memory.array("float32", rows) for name in ("logp", "entropy", "logsumexp")}
    out["bad_targets"] = memory.array("int64", 1)
    state = memory.array("float32", rows, 4)

    def fresh() -> tuple[Array, plait.Logits]:
        x = memory.array(dtype, 1, rows * stride + lead, data=data)
        begin = x.data_ptr() + lead * SIZES[dtype]
        return x, plait.Logits(
            ctypes.sizeof(plait.Logits), begin, rows, vocab, stride, rows, None, targets.data_ptr(), None, 0, vocab,
            plait.DTYPES[dtype], plait.INT64, 0.9, 0,
        )  # fmt: skip

    x, logits = fresh()
    library.row_stats(logits, state=state, **out)
    library.logits_grad(logits, state, c, h, logits.data, stride)
    out["gradient"] = x
    offsets = memory.longs([0, rows // 2, rows])
    batch = plait.token_batch(rows, offsets, None, c, old, old)
    for name in ("GRPO", "GSPO"):
        x, logits = fresh()
        results = {f: memory.array("float32", rows) for f in ("logp", "entropy", "token_loss")}
        metrics = memory.array("float64", ctypes.sizeof(plait.Metrics) // 8)
        size = library.objective_workspace_bytes(rows, 2)
        library.policy_step(logits, batch, objectives.ALL[name](), None, logits.data, stride, *results.values(), metrics,
                            memory.array("uint8", size), size)  # fmt: skip
        out.update({f"{name} {f}": value for f, value in results.items()})
        out[f"{name} gradient"] = x
    return out


def token_kernels(library: plait.Library, memory: Memory) -> dict:
    rng = random.Random(1)
    n = TOKENS

    def floats() -> Array:
        return memory.floats([rng.uniform(-3, -0.1) for _ in range(n)])

    def output(size: int = n) -> Array:
        return memory.array("float32", size)

    logp, entropy, old, ref, rewards = (floats() for _ in range(5))
    sequences = n // 5
    offsets = memory.longs(range(0, n + 1, 5))
    roles = memory.array("uint8", n, data=bytes(rng.choice((0, 1, 1, 2)) for _ in range(n)))
    out = {}
    for name in objectives.ALL:
        batch = plait.token_batch(n, offsets, roles, rewards, old, ref)
        size = library.objective_workspace_bytes(n, sequences)
        out[f"{name} c"], out[f"{name} h"] = output(), output()
        library.token_objective(
            batch, objectives.ALL[name](), plait.normalizers(64), logp, entropy, out[f"{name} c"], out[f"{name} h"],
            output(), memory.array("float64", ctypes.sizeof(plait.Metrics) // 8), memory.array("uint8", size), size,
        )  # fmt: skip
    options = plait.AdvantageOptions(struct_bytes=ctypes.sizeof(plait.AdvantageOptions), baseline=1, scale=1, epsilon=1e-6)
    size = library.group_workspace_bytes(sequences)
    out["advantage"] = output()
    library.group_advantage(n, rewards, roles, None, sequences, offsets, None, options, out["advantage"],
                            output(sequences), output(sequences), memory.array("uint8", size), size)  # fmt: skip
    for level in range(3):
        out[f"ratio {level}"] = output()
        library.importance_ratio(n, sequences, offsets, roles, logp, old, level, 0.2, 0.2, 20.0, out[f"ratio {level}"],
                                 output(sequences) if level else None, memory.array("uint8", n))  # fmt: skip
    out["gae"], out["returns"] = output(), output()
    library.token_advantage(n, sequences, offsets, roles, rewards, logp, 0.99, 0.95, False, out["gae"], out["returns"])
    out["whitened"] = output()
    library.whiten(n, roles, rewards, True, True, 0.0, 1e-8, out["whitened"])
    states = memory.floats([v for _ in range(2 * n) for v in (rng.gauss(0, 1), rng.uniform(1, 9), -1.0, -math.inf)])
    out["merged"] = output()
    library.row_stats_merge(states, 2, n, None, 1.0, None, out["merged"], output(), memory.array("float32", n, 4))
    return out


def compare(label: str, got: dict, expected: dict) -> int:
    wrong = 0
    for name, array_got in got.items():
        relative = {"bfloat16": 2.0**-7, "float16": 2.0**-10}.get(array_got.dtype, 2e-5)
        for i, (a, b) in enumerate(zip(array_got.read(), expected[name].read())):
            if a != b and not (math.isnan(a) and math.isnan(b)) and not abs(a - b) <= relative * abs(b) + 1e-5:
                print(f"FAILED {label} {name} {i}: the CPU has {b!r}, the device {a!r}")
                wrong += 1
                break
    return wrong


def main() -> None:
    on_host = "--on-host" in sys.argv
    here, cpu = plait.Library(sys.argv[1], 0), plait.Library(sys.argv[1], plait.CPU)
    driver = None if on_host else Driver(0)
    here.require_backend()
    calls = [
        (f"{dtype} V={vocab}{' unaligned' * (lead > 0)}", row_kernels, (dtype, vocab, rows, lead))
        for dtype in ("float32", "bfloat16", "float16")
        for vocab, rows in ROWS + ((BEYOND,) if dtype == "float32" else ())
        for lead in ((0, 3) if vocab in (128, 2053) else (0,))
    ] + [("tokens", token_kernels, ())]
    wrong = 0
    for label, run, arguments in calls:
        device_memory, host_memory = Memory(driver), Memory(None)
        wrong += compare(label, run(here, device_memory, *arguments), run(cpu, host_memory, *arguments))
        device_memory.release()
    print(f"smallsweep: {len(calls)} groups of calls, {wrong} arrays differ from the CPU's")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
