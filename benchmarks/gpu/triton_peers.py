"""The row kernels as one writes them in Triton: an online softmax over blocks of a row, and an elementwise gradient."""

from __future__ import annotations

from typing import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

# (columns of a block, warps) that are tried for each shape.
STATS_CONFIGURATIONS = ((1024, 4), (2048, 4), (4096, 8), (8192, 8), (8192, 16), (16384, 16), (32768, 32))
GRADIENT_CONFIGURATIONS = ((1024, 4), (2048, 4), (4096, 8), (8192, 8), (8192, 16))


@triton.jit
def _row_stats(x, targets, logp, entropy, logsumexp, vocab, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x += row * stride
    lanes = tl.arange(0, BLOCK)
    top = tl.max(tl.full((BLOCK,), -1.0e30, tl.float32), 0)
    total = tl.zeros((BLOCK,), tl.float32)
    weighted = tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, vocab, BLOCK):
        inside = begin + lanes < vocab
        v = tl.load(x + begin + lanes, mask=inside, other=float("-inf")).to(tl.float32)
        higher = tl.maximum(top, tl.max(v, 0))
        scale = tl.exp(top - higher)
        d = v - higher
        e = tl.exp(d)
        weighted = scale * (weighted + total * (top - higher)) + tl.where(inside, e * d, 0.0)
        total = scale * total + e
        top = higher
    s = tl.sum(total, 0)
    target = tl.load(x + tl.load(targets + row)).to(tl.float32)
    tl.store(logsumexp + row, top + tl.log(s))
    tl.store(logp + row, target - top - tl.log(s))
    tl.store(entropy + row, tl.log(s) - tl.sum(weighted, 0) / s)


@triton.jit
def _logits_grad(x, targets, logsumexp, entropy, c, h, vocab, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x += row * stride
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < vocab
    lse = tl.load(logsumexp + row)
    expected = lse - tl.load(entropy + row)
    c_row, h_row = tl.load(c + row), tl.load(h + row)
    v = tl.load(x + columns, mask=inside, other=0.0).to(tl.float32)
    p = tl.exp(v - lse)
    gradient = p * (h_row * (expected - v) - c_row) + tl.where(columns == tl.load(targets + row), c_row, 0.0)
    tl.store(x + columns, gradient.to(x.dtype.element_ty), mask=inside)


def row_stats(configuration: tuple[int, int]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    block, warps = configuration

    def call(x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logp, entropy, logsumexp = (torch.empty(len(x), device=x.device) for _ in range(3))
        _row_stats[(len(x),)](
            x, targets, logp, entropy, logsumexp, x.shape[1], x.stride(0), BLOCK=block, num_warps=warps
        )
        return logp, entropy, logsumexp

    return call


def logits_grad(configuration: tuple[int, int]) -> Callable[..., None]:
    """In place."""
    block, warps = configuration

    def call(x: Tensor, targets: Tensor, logsumexp: Tensor, entropy: Tensor, c: Tensor, h: Tensor) -> None:
        grid = (len(x), triton.cdiv(x.shape[1], block))
        _logits_grad[grid](
            x, targets, logsumexp, entropy, c, h, x.shape[1], x.stride(0), BLOCK=block, num_warps=warps
        )

    return call
