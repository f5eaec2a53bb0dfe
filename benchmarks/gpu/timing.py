"""Times every kernel beside PyTorch, torch.compile and Triton, and the device's own copy bandwidth.

    python3 timing.py --library libplait.so --out timing.json [--quick] [--seconds 240]
    python3 timing.py --library libplait.so --out timing.json --device -1 --rows 64      # the CPU, to try this code
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

import plait
from bench import Bench
from time_rows import time_rows
from time_tokens import host_microseconds, launches, time_tokens
from timer import Timer

VOCABULARIES = (32768, 151936, 262144)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--vocabularies", default=",".join(map(str, VOCABULARIES)))
    parser.add_argument("--seconds", type=int, default=240, help="what is not compiled by then is left out")
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def copy_bandwidth(bench: Bench) -> dict:
    """Device to device, bytes read and written."""
    size = (2 << 30) if bench.on_gpu else (64 << 20)
    source = torch.empty(size // 4, device=bench.device).normal_()
    target = torch.empty_like(source)
    sample = bench.timer.measure(lambda _: target.copy_(source))
    bench.copy_gbs = 2 * size / sample.median / 1e6
    print(f"  copying {size >> 20} MiB: {bench.copy_gbs:.0f} GB/s", flush=True)
    return {"bytes": size, "gbs": bench.copy_gbs, **asdict(sample)}


def main() -> None:
    options = parse()
    on_gpu = options.device != plait.CPU
    if on_gpu:
        torch.cuda.set_device(options.device)
        library = plait.Library(options.library, options.device, lambda: torch.cuda.current_stream().cuda_stream)
    else:
        library = plait.Library(options.library, options.device)
    library.require_backend()
    device = torch.device("cuda", options.device) if on_gpu else torch.device("cpu")
    begun = time.monotonic()
    vocabularies = tuple(int(v) for v in options.vocabularies.split(","))
    timer = Timer(device, 20 if options.quick or not on_gpu else 30)
    # --quick compiles nothing: the last minute is not for that, and it has no other.
    seconds = 59 if options.quick else options.seconds
    bench = Bench(library, device, timer, options.rows, 16, vocabularies, begun, begun + seconds)
    result = {"copy": copy_bandwidth(bench)}
    bench.empty_cache()
    bench.attempt("kernels without logits", lambda: time_tokens(bench))
    time_rows(bench)
    result["call"] = {
        "row_stats of one row, us": host_microseconds(bench, 1),
        "row_stats of no row, us": host_microseconds(bench, 0),
    }
    bench.attempt("launches", lambda: result.update(launches=launches(bench)))
    result["rows"] = [asdict(row) for row in bench.rows]
    result["not_run"] = bench.not_run
    result["seconds"] = time.monotonic() - begun
    Path(options.out).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
