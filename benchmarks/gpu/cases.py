"""Checks every kernel of a backend beside float64.

    python3 cases.py --library libplait.so --out cases.json [--quick]                     # CUDA device 0
    python3 cases.py --library libplait.so --out cases.json --device -1 --quick           # the CPU backend
    PLAIT_SIMT_ANY_POINTER=1 python3 cases.py --library libplait.so --out cases.json --device 0 --on-host --quick
                                                                                          # the emulator of cuda/test/simt

Where the CUDA plugin is, $PLAIT_CUDA_PLUGIN says, or it lies beside the library.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

import plait
from cases_batch import check_batches
from cases_device import check_device
from cases_layout import check_layouts
from cases_objectives import check_layout_of_structures, check_objectives
from cases_rows import check_merge, check_rows
from checks import Checks
from context import Context
from header import check_header


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--on-host", action="store_true", help="the device's memory is the host's: the emulator")
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def context_of(options: argparse.Namespace) -> Context:
    on_gpu = options.device != plait.CPU and not options.on_host
    if on_gpu:
        # As a trainer's logits would: textbook float32, and not a shortened one.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.cuda.set_device(options.device)
        library = plait.Library(options.library, options.device, lambda: torch.cuda.current_stream().cuda_stream)
    else:
        library = plait.Library(options.library, options.device)
    library.require_backend()
    device = torch.device("cuda", options.device) if on_gpu else torch.device("cpu")
    return Context(library, device, Checks(), options.quick)


def main() -> None:
    options = parse()
    try:
        context = context_of(options)
    except plait.PlaitError as error:
        sys.exit(str(error))
    for check in (
        check_header, check_layout_of_structures, check_rows, check_merge, check_layouts, check_objectives,
        check_batches, check_device,
    ):  # fmt: skip
        try:
            check(context)
        except Exception as error:  # one family's failure should not hide the others' results
            context.checks.true(check.__name__, False, f"{type(error).__name__}: {error}")
        if context.on_gpu:
            torch.cuda.empty_cache()
    checks = context.checks
    Path(options.out).write_text(json.dumps(checks.to_json(), indent=1))
    for name, family in checks.families.items():
        outcome = f"{family.checks} checks, {len(family.failures)} failed"
        print(f"  {name}: {outcome}, at most {family.worst:.2f} of what is allowed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
