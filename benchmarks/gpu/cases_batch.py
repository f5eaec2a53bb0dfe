"""The kernels that see no logits: group_advantage, importance_ratio, token_advantage, whiten."""

from __future__ import annotations

import math
from ctypes import sizeof

import torch

import plait
import reference
from checks import Pair
from context import Context, tokens_of

BOTH = (torch.float64, torch.float32)


def check_batches(context: Context) -> None:
    context.checks.progress("kernels without logits")
    check_group_advantage(context)
    check_importance_ratio(context)
    check_token_advantage(context)
    check_whiten(context)


def options(leave_one_out: bool) -> plait.AdvantageOptions:
    result = plait.AdvantageOptions(struct_bytes=sizeof(plait.AdvantageOptions), sample_std=1, epsilon=1e-6)
    result.baseline = plait.BASELINE_LEAVE_ONE_OUT if leave_one_out else plait.BASELINE_GROUP_MEAN
    result.scale = plait.SCALE_NONE if leave_one_out else plait.SCALE_GROUP_STD
    return result


def check_group_advantage(context: Context) -> None:
    checks = context.checks
    checks.family("group_advantage")
    for groups, size in ((1, 8), (7, 3), (1024, 8), (3, 1500)):
        g = context.generator(7)
        n = groups * size
        rewards = torch.randn(n, generator=g, device=context.device)
        if groups > 1:
            rewards[size : 2 * size] = 0.25
            rewards[-2] = float("nan")
        ids = torch.arange(groups, device=context.device).repeat_interleave(size)
        offsets = torch.arange(groups + 1, device=context.device) * size
        for leave_one_out in (False, True):
            name = f"{groups} x {size}{' leave one out' if leave_one_out else ''}"
            pair = Pair.of(*(reference.group_advantage(rewards, size, leave_one_out, 1e-6, d) for d in BOTH))
            results = []
            for by_offsets in (True, False):
                got = context.poison(n)
                work = context.library.group_workspace_bytes(groups)
                workspace = torch.full((work,), 0xFF, dtype=torch.uint8, device=context.device)
                context.library.group_advantage(
                    n, rewards, None, None, groups, offsets if by_offsets else None, None if by_offsets else ids,
                    options(leave_one_out), got, None, None, workspace, work,
                )  # fmt: skip
                checks.close(f"{name} by {'offsets' if by_offsets else 'ids'}", got, pair)
                results.append(got)
            checks.same_bits(f"{name} by offsets and by ids", *results)
            if groups > 1:
                equal = results[0][size : 2 * size]
                checks.true(f"{name} equal rewards", bool((equal == 0).all()), f"{equal.tolist()[:4]}")


def check_importance_ratio(context: Context) -> None:
    checks = context.checks
    checks.family("importance_ratio")
    low, high = 0.2, 0.28
    for count in (1, 300, 8192):
        logp = -4 * torch.rand(count, generator=context.generator(8), device=context.device)
        tokens = tokens_of(context, "LUFFY", logp)
        sequences = len(tokens.offsets) - 1
        for level in (plait.RATIO_TOKEN, plait.RATIO_SEQUENCE_MEAN, plait.RATIO_SEQUENCE_SUM):
            name = f"T={count} level {level}"
            ratio, flags = context.poison(count), context.poison(count, dtype=torch.uint8)
            context.library.importance_ratio(
                count, sequences, tokens.offsets, tokens.roles, logp, tokens.old_logp, level, low, high, math.inf,
                ratio, None, flags,
            )  # fmt: skip
            pair = Pair.of(*(reference.ratios(logp, tokens.old_logp, tokens, level, d) for d in BOTH))
            # Sums are in float64 and rounded once; a few units of the last place for the exponential.
            pair.worst = max(pair.worst, float(pair.exact.max()) * 2**-23)
            checks.close(name, ratio, pair)
            counted = tokens.roles != plait.IGNORED
            near = ((ratio - (1 - low)).abs() < 1e-5) | ((ratio - (1 + high)).abs() < 1e-5)
            expected = (ratio < 1 - low).to(torch.uint8) * plait.RATIO_BELOW
            expected += (ratio > 1 + high).to(torch.uint8) * plait.RATIO_ABOVE
            expected *= counted.to(torch.uint8)
            checks.true(f"{name} flags", bool((flags == expected)[~near].all()), "differ from the ratio's")


def check_token_advantage(context: Context) -> None:
    checks = context.checks
    checks.family("token_advantage")
    for count in (1, 300):
        g = context.generator(9)
        rewards, values = (torch.randn(count, generator=g, device=context.device) for _ in range(2))
        offsets = tokens_of(context, "GRPO", rewards).offsets
        for gamma, lam, critic in ((1.0, 1.0, False), (0.99, 0.95, True)):
            name = f"T={count} gamma={gamma} lambda={lam}"
            advantages, returns = context.poison(count), context.poison(count)
            context.library.token_advantage(
                count, len(offsets) - 1, offsets, None, rewards, values if critic else None, gamma, lam, False,
                advantages, returns,
            )  # fmt: skip
            v = values if critic else torch.zeros_like(values)
            as_floats = [torch.tensor(number, dtype=torch.float32).item() for number in (gamma, lam)]
            both = [reference.generalised_advantage(rewards, v, offsets, *as_floats, d) for d in BOTH]
            checks.close(f"{name} advantages", advantages, Pair.of(both[0][0], both[1][0]))
            checks.close(f"{name} returns", returns, Pair.of(both[0][1], both[1][1]))


def check_whiten(context: Context) -> None:
    checks = context.checks
    checks.family("whiten")
    for count in (2, 300, 8192):
        g = context.generator(10)
        x = torch.randn(count, generator=g, device=context.device) + 3
        roles = torch.ones(count, dtype=torch.uint8, device=context.device)
        if count > 2:
            roles[torch.rand(count, generator=g, device=context.device) < 0.2] = plait.IGNORED
        out = context.poison(count)
        context.library.whiten(count, roles, x, True, True, 0.0, 1e-8, out)
        pair = Pair.of(*(reference.whiten(x, roles != plait.IGNORED, 1e-8, d) for d in BOTH))
        checks.close(f"T={count}", out, pair)
        in_place = x.clone()
        context.library.whiten(count, roles, in_place, True, True, 0.0, 1e-8, in_place)
        checks.same_bits(f"T={count} in place", in_place, out)
