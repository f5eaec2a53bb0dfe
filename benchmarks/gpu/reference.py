"""The kernels' mathematics as textbooks write it, in PyTorch operations and in the float type that is asked for.

In float64 it is what results are compared with; in float32, the type in which trainers compute, its error is the
measure of theirs. Gradients come from autograd.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

import objectives
import plait


@dataclass
class Tokens:
    """What an objective knows of T packed tokens in B sequences."""

    offsets: Tensor  # int64 [B + 1]
    roles: Tensor  # uint8 [T]
    advantages: Tensor  # float32 [T]
    old_logp: Tensor  # float32 [T]
    ref_logp: Tensor  # float32 [T]

    def sequence_ids(self) -> Tensor:
        lengths = self.offsets[1:] - self.offsets[:-1]
        return torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)


def log_prob_and_entropy(x: Tensor, targets: Tensor, temperatures: Tensor) -> tuple[Tensor, Tensor]:
    log_probs = torch.log_softmax(x / temperatures.to(x.dtype).unsqueeze(1), 1)
    logp = log_probs.gather(1, targets.unsqueeze(1)).squeeze(1)
    finite = log_probs.masked_fill(log_probs == -inf, 0)
    return logp, -(log_probs.exp() * finite).sum(1)


def row_statistics(x: Tensor, targets: Tensor, temperatures: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    x = x.to(dtype)
    logp, entropy = log_prob_and_entropy(x, targets, temperatures)
    tau = temperatures.to(dtype).unsqueeze(1)
    top = x.max(1, keepdim=True).values
    d = (x - top) / tau
    e = d.exp()
    weighted = (e * d.masked_fill(d == -inf, 0)).sum(1)
    state = torch.stack([top.squeeze(1), e.sum(1), weighted, x.gather(1, targets.unsqueeze(1)).squeeze(1)], 1)
    return {"logp": logp, "entropy": entropy, "logsumexp": torch.logsumexp(x / tau, 1), "state": state}


def logits_gradient(
    x: Tensor, targets: Tensor, temperatures: Tensor, c: Tensor, h: Tensor, dtype: torch.dtype
) -> Tensor:
    x = x.detach().to(dtype, copy=True).requires_grad_()
    logp, entropy = log_prob_and_entropy(x, targets, temperatures)
    (c.to(dtype) * logp + h.to(dtype) * entropy).sum().backward()
    return x.grad


def loss(name: str, logp: Tensor, entropy: Tensor, tokens: Tokens) -> Tensor:
    """The scalar loss of an objective of objectives.py."""
    kind = logp.dtype
    advantages, old, ref = (t.to(kind) for t in (tokens.advantages, tokens.old_logp, tokens.ref_logp))
    counted = tokens.roles != plait.IGNORED
    rollout = tokens.roles == plait.ROLLOUT
    expert = tokens.roles == plait.DEMONSTRATION
    ids = tokens.sequence_ids()
    if name == "SFT":
        return -mean(logp, counted)
    if name == "GRPO":
        policy = clipped(advantages, (logp - old).exp(), 0.2, 0.2)
        policy = torch.where(advantages < 0, torch.minimum(policy, -3 * advantages), policy)
        kl = (ref - logp).exp() - 1 - (ref - logp)
        return sequence_mean(policy + 0.05 * kl, counted, ids) - 0.01 * mean(entropy, counted)
    if name == "LUFFY":
        reinforced = torch.where(rollout, -advantages * (logp - old).exp(), torch.zeros_like(logp))
        shaped = torch.where(expert, -advantages * logp.exp() / (logp.exp() + 0.1), torch.zeros_like(logp))
        return (reinforced + shaped).sum() / objectives.LENGTH
    if name == "SRFT":
        right = torch.where(advantages > 0, 0.1 * entropy.detach().exp(), torch.ones_like(logp))
        imitation = -0.5 * (-entropy.detach()).exp() * logp - advantages * logp.exp()
        return mean(-right * advantages * logp, rollout) + mean(imitation, expert)
    if name == "GSPO":
        log_ratio = torch.where(counted, logp - old, torch.zeros_like(logp))
        sums = torch.zeros(len(tokens.offsets) - 1, dtype=kind, device=logp.device)
        ratio = (sums.index_add(0, ids, log_ratio) / lengths(counted, ids, sums)).exp()[ids]
        return sequence_mean(clipped(advantages, ratio, 3e-4, 4e-4), counted, ids)
    raise ValueError(name)


def clipped(advantages: Tensor, ratio: Tensor, low: float, high: float) -> Tensor:
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - low, 1 + high))


def mean(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values, torch.zeros_like(values)).sum() / mask.sum().clamp(min=1)


def lengths(mask: Tensor, ids: Tensor, like: Tensor) -> Tensor:
    """Tokens per sequence, 1 where there are none."""
    return torch.zeros_like(like).index_add(0, ids, mask.to(like.dtype)).clamp(min=1)


def sequence_mean(values: Tensor, mask: Tensor, ids: Tensor) -> Tensor:
    """Mean over sequences that have a token of the means over their tokens."""
    sums = torch.zeros(int(ids[-1]) + 1, dtype=values.dtype, device=values.device)
    counts = lengths(mask, ids, sums)
    present = torch.zeros_like(sums).index_add(0, ids, mask.to(values.dtype)) > 0
    sums = sums.index_add(0, ids, torch.where(mask, values, torch.zeros_like(values)))
    return (sums / counts).sum() / present.sum().clamp(min=1)


def token_gradients(
    name: str, logp: Tensor, entropy: Tensor, tokens: Tokens, dtype: torch.dtype
) -> dict[str, Tensor]:
    logp = logp.detach().to(dtype, copy=True).requires_grad_()
    entropy = entropy.detach().to(dtype, copy=True).requires_grad_()
    value = loss(name, logp, entropy, tokens)
    value.backward()
    zero = torch.zeros_like(logp)
    return {
        "c": zero if logp.grad is None else logp.grad,
        "h": zero if entropy.grad is None else entropy.grad,
        "loss": value.detach().reshape(1),
    }


def step(
    name: str, x: Tensor, targets: Tensor, temperatures: Tensor, tokens: Tokens, dtype: torch.dtype
) -> dict[str, Tensor]:
    x = x.detach().to(dtype, copy=True).requires_grad_()
    logp, entropy = log_prob_and_entropy(x, targets, temperatures)
    value = loss(name, logp, entropy, tokens)
    value.backward()
    counted = tokens.roles != plait.IGNORED
    zero = torch.zeros_like(logp)
    return {
        "dlogits": x.grad,
        "loss": value.detach().reshape(1),
        "logp": torch.where(counted, logp, zero).detach(),
        "entropy": torch.where(counted, entropy, zero).detach(),
    }


def group_advantage(rewards: Tensor, size: int, leave_one_out: bool, epsilon: float, dtype: torch.dtype) -> Tensor:
    """GRPO's with the sample standard deviation, or RLOO's, of groups of one size. NaN rewards are unscorable."""
    r = rewards.to(dtype).reshape(-1, size)
    scored = ~r.isnan()
    r = torch.where(scored, r, torch.zeros_like(r))
    n = scored.sum(1, keepdim=True)
    if leave_one_out:
        result = r - (r.sum(1, keepdim=True) - r) / (n - 1).clamp(min=1)
    else:
        centred = torch.where(scored, r - r.sum(1, keepdim=True) / n.clamp(min=1), torch.zeros_like(r))
        std = (centred.square().sum(1, keepdim=True) / (n - 1).clamp(min=1)).sqrt()
        result = centred / (std + epsilon)
    return torch.where(scored, result, torch.zeros_like(r)).reshape(-1)


def generalised_advantage(
    rewards: Tensor, values: Tensor, offsets: Tensor, gamma: float, lam: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    r, v = rewards.to(dtype).cpu(), values.to(dtype).cpu()
    advantages = torch.zeros_like(r)
    bounds = offsets.tolist()
    for begin, end in zip(bounds, bounds[1:]):
        carry, following = torch.zeros((), dtype=dtype), torch.zeros((), dtype=dtype)
        for t in range(end - 1, begin - 1, -1):
            carry = r[t] + gamma * following - v[t] + gamma * lam * carry
            following = v[t]
            advantages[t] = carry
    return advantages.to(rewards.device), (advantages + v).to(rewards.device)


def whiten(x: Tensor, mask: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
    chosen = x.to(dtype)[mask]
    result = torch.zeros_like(x, dtype=dtype)
    result[mask] = (chosen - chosen.mean()) / (chosen.var(unbiased=True) + epsilon).sqrt()
    return result


def ratios(logp: Tensor, old: Tensor, tokens: Tokens, level: int, dtype: torch.dtype) -> Tensor:
    counted = tokens.roles != plait.IGNORED
    log_ratio = torch.where(counted, logp.to(dtype) - old.to(dtype), torch.zeros_like(logp, dtype=dtype))
    if level != plait.RATIO_TOKEN:
        ids = tokens.sequence_ids()
        sums = torch.zeros(len(tokens.offsets) - 1, dtype=dtype, device=logp.device).index_add(0, ids, log_ratio)
        if level == plait.RATIO_SEQUENCE_MEAN:
            sums = sums / lengths(counted, ids, sums)
        log_ratio = sums[ids]
    return torch.where(counted, log_ratio.exp(), torch.zeros_like(log_ratio))
