"""Where the cases run, and their random data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor

import objectives
import plait
from checks import Checks
from reference import Tokens

DTYPE_NAMES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}


@dataclass
class Context:
    library: plait.Library
    device: torch.device
    checks: Checks
    quick: bool

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)

    def poison(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Memory for an output, filled with what no output holds."""
        return torch.full(shape, -12345.0 if dtype.is_floating_point else -7, dtype=dtype, device=self.device)

    def workspace(self, tokens: int, sequences: int) -> Tensor:
        size = self.library.objective_workspace_bytes(tokens, sequences)
        return torch.full((size,), 0xFF, dtype=torch.uint8, device=self.device)


@dataclass
class Rows:
    x: Tensor  # [T, V]
    targets: Tensor  # int64 [T]
    temperatures: Tensor  # [T]
    c: Tensor
    h: Tensor

    @property
    def dtype(self) -> torch.dtype:
        return self.x.dtype

    def first(self, tokens: int) -> "Rows":
        return Rows(*(t[:tokens] for t in (self.x, self.targets, self.temperatures, self.c, self.h)))

    def logits(self, x: Optional[Tensor] = None, **options) -> plait.Logits:
        return plait.logits(self.x if x is None else x, self.targets, temperatures=self.temperatures, **options)


KINDS = ("plain", "up", "down", "low", "masked", "lone")


def rows(context: Context, kind: str, tokens: int, vocab: int, dtype: torch.dtype, seed: int = 1) -> Rows:
    """Logits of one of KINDS: plain; far up or down; all very small; with masked columns; with one column left."""
    g = context.generator(seed * 1000003 + vocab)
    device = context.device
    x = 3 * torch.randn(tokens, vocab, generator=g, device=device)
    targets = torch.randint(vocab, (tokens,), generator=g, device=device)
    if tokens > 1:
        targets[0], targets[1] = 0, vocab - 1
    x += {"up": 1e4, "down": -1e4, "low": -200.0}.get(kind, 0.0)
    if kind in ("masked", "lone"):
        masked = torch.rand(tokens, vocab, generator=g, device=device) < (0.3 if kind == "masked" else 2.0)
        x = x.masked_fill(masked.scatter(1, targets.unsqueeze(1), False), float("-inf"))
    temperatures = 0.6 + 0.9 * torch.rand(tokens, generator=g, device=device)
    temperatures[::3] = 1
    c = torch.randn(tokens, generator=g, device=device)
    h = torch.randn(tokens, generator=g, device=device)
    return Rows(x.to(dtype), targets, temperatures, c, h)


def tokens_of(context: Context, name: str, logp: Tensor, seed: int = 5) -> Tokens:
    """A batch for an objective: sequences of unequal length, an empty one too, with some tokens ignored."""
    g = context.generator(seed)
    count, device = len(logp), context.device
    lengths = [0] if count > 1 else []
    while sum(lengths) < count:
        lengths.append(min(2 + 13 * len(lengths) % 61, count - sum(lengths)))
    offsets = torch.tensor([0] + lengths, device=device).cumsum(0)
    allowed = torch.tensor(objectives.ROLES[name], dtype=torch.uint8, device=device)
    # One role per sequence, as in hybrid batches.
    by_sequence = allowed[torch.randint(len(allowed), (len(lengths),), generator=g, device=device)]
    batch = Tokens(offsets, torch.empty(0), torch.empty(0), torch.empty(0), torch.empty(0))
    ids = batch.sequence_ids()
    batch.roles = by_sequence[ids].clone()
    if count > 3:
        batch.roles[torch.rand(count, generator=g, device=device) < 0.15] = plait.IGNORED
        batch.roles[0] = allowed[0]
    drawn = torch.randn(len(lengths), generator=g, device=device)
    batch.advantages = (drawn + 0.3 * drawn.sign())[ids].contiguous()
    moved = 1.6 * torch.rand(count, generator=g, device=device) - 0.8
    # Not at the bounds of the clip, where rounding decides which side a token is on.
    for bound in (-0.2231436, 0.1823216):
        moved = torch.where((moved - bound).abs() < 1e-3, torch.full_like(moved, bound + 2e-3), moved)
    if name == "GSPO":  # a third of the sequences within its narrow clip
        moved = torch.where(ids % 3 == 1, 1e-4 * moved, moved)
    batch.old_logp = logp.float() - moved
    batch.ref_logp = logp.float() + 0.3 * torch.randn(count, generator=g, device=device)
    return batch


def batch_struct(tokens: Tokens) -> plait.TokenBatch:
    return plait.token_batch(
        len(tokens.roles), tokens.offsets, tokens.roles, tokens.advantages, tokens.old_logp, tokens.ref_logp
    )
