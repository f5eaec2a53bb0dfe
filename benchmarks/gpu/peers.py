"""The same work in PyTorch: what trainers run eagerly, and what torch.compile makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import torch
from torch import Tensor

import objectives
import plait


@dataclass
class Batch:
    """T tokens in sequences of equal length."""

    sequences: int
    roles: Tensor
    advantages: Tensor
    old_logp: Tensor
    ref_logp: Tensor


def row_stats(x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = x.float()
    logsumexp = torch.logsumexp(x, -1)
    log_probs = x - logsumexp.unsqueeze(-1)
    logp = log_probs.gather(1, targets.unsqueeze(1)).squeeze(1)
    return logp, -(log_probs.exp() * log_probs).sum(-1), logsumexp


def logits_grad(x: Tensor, targets: Tensor, logsumexp: Tensor, entropy: Tensor, c: Tensor, h: Tensor) -> Tensor:
    """From c and h by the formula, as Plait's does; autograd would do the forward pass again."""
    z = x.float()
    p = (z - logsumexp.unsqueeze(-1)).exp()
    expected = (logsumexp - entropy).unsqueeze(-1)
    gradient = p * (h.unsqueeze(-1) * (expected - z) - c.unsqueeze(-1))
    return gradient.scatter_add(1, targets.unsqueeze(1), c.unsqueeze(1)).to(x.dtype)


def token_loss(name: str, logp: Tensor, entropy: Tensor, batch: Batch) -> Tensor:
    if name == "SFT":
        return -logp.mean()
    ratio = (logp - batch.old_logp).exp()
    a = batch.advantages
    if name == "LUFFY":
        p = logp.exp()
        return torch.where(batch.roles == plait.ROLLOUT, -a * ratio, -a * p / (p + 0.1)).sum() / objectives.LENGTH
    policy = torch.maximum(-a * ratio, -a * ratio.clamp(0.8, 1.2))
    policy = torch.where(a < 0, torch.minimum(policy, -3 * a), policy)
    d = logp - batch.ref_logp
    per_token = policy + 0.05 * ((-d).exp() - 1 + d)
    return per_token.reshape(batch.sequences, -1).mean(1).mean() - 0.01 * entropy.mean()


def token_gradients(name: str, logp: Tensor, entropy: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    logp, entropy = logp.detach().requires_grad_(), entropy.detach().requires_grad_()
    c, h = torch.autograd.grad(token_loss(name, logp, entropy, batch), (logp, entropy), allow_unused=True)
    return c, torch.zeros_like(entropy) if h is None else h


def step_loss(name: str, x: Tensor, targets: Tensor, batch: Batch) -> Tensor:
    logp, entropy, _ = row_stats(x, targets)
    return token_loss(name, logp, entropy, batch)


def step(name: str, x: Tensor, targets: Tensor, batch: Batch, loss: Callable = step_loss) -> Tensor:
    """The gradient of the logits, by autograd."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(loss(name, x, targets, batch), x)[0]


def group_advantage(rewards: Tensor, size: int) -> Tensor:
    groups = rewards.reshape(-1, size)
    centred = groups - groups.mean(1, keepdim=True)
    return (centred / (groups.std(1, keepdim=True) + 1e-6)).reshape(-1)


def importance_ratio(logp: Tensor, old_logp: Tensor, sequences: int) -> tuple[Tensor, Tensor, Tensor]:
    """A sequence's mean, at each of its tokens, and where it leaves the clip range."""
    log_ratio = (logp - old_logp).reshape(sequences, -1)
    ratio = log_ratio.mean(1, keepdim=True).exp().expand_as(log_ratio).reshape(-1).contiguous()
    return ratio, ratio < 0.8, ratio > 1.2


def compiled(function: Callable) -> Callable:
    if not hasattr(torch, "compile"):
        raise RuntimeError("this PyTorch has no torch.compile")
    return torch.compile(function, dynamic=False)
