"""Breaks a CUDA context by a row stride that leads nowhere, and shows what Plait says then.

    python3 broken_context.py libplait.so
"""

from __future__ import annotations

import os
import sys

import torch

import plait


def main() -> None:
    library = plait.Library(sys.argv[1], 0, lambda: torch.cuda.current_stream().cuda_stream)
    # Log-probs below the logits: from there on all memory counts as the logits' below, and outputs may not overlap it.
    memory, targets = torch.zeros(1024).cuda(), torch.zeros(2).long().cuda()
    logp, x = memory[:2], memory[512:768].view(2, 128)
    logits = plait.logits(x, targets)
    library.row_stats(logits, logp=logp)
    torch.cuda.synchronize()
    # The second row is 4 TiB away, where nothing is.
    logits.row_stride = 1 << 40
    library.row_stats(logits, logp=logp)
    try:
        torch.cuda.synchronize()
        sys.exit("expected an illegal address")
    except Exception as error:
        print(f"provoked: {str(error).splitlines()[0]}")
    try:
        library.row_stats(plait.logits(x, targets), logp=logp)
        sys.exit("expected PLAIT_INTERNAL, got PLAIT_OK")
    except plait.PlaitError as error:
        if error.status != plait.INTERNAL or "CUDA device 0" not in error.message:
            sys.exit(f"expected PLAIT_INTERNAL that names the device, got {error}")
        print(error)
    on_host, out = torch.zeros(2, 128), torch.zeros(2)
    plait.Library(sys.argv[1], plait.CPU).row_stats(plait.logits(on_host, torch.zeros(2).long()), logp=out)
    print(f"went on: log-prob {float(out[0])} on the CPU", flush=True)
    os._exit(0)  # PyTorch would go over the broken context again on its way out


if __name__ == "__main__":
    main()
