"""The objectives that are checked and timed, as data for Plait; reference.py has them as textbooks write them."""

from __future__ import annotations

from ctypes import sizeof
from math import inf

import plait
from plait import Objective, Rule, Term

# As many tokens as the constant-length objectives divide by.
LENGTH = 512


def rule(**fields) -> Rule:
    """A rule without terms or bounds, but for `fields`."""
    result = Rule(
        kl_estimator=plait.KL_K3, clip_low=inf, clip_high=inf, dual_clip=inf, log_ratio_limit=inf,
        reshape_parameter=0.1, reshape_low=-inf, reshape_high=inf, max_probability=inf, off_policy_threshold=inf,
        sapo_positive=1, sapo_negative=1.05, vespo_positive=(2, 3), vespo_negative=(3, 2), kl_log_limit=inf,
        kl_value_limit=inf,
    )  # fmt: skip
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def objective(rollout: Rule, demonstration: Rule, hint: Rule) -> Objective:
    result = Objective(struct_bytes=sizeof(Objective))
    result.rules[0], result.rules[1], result.rules[2] = rollout, demonstration, hint
    result.correction = plait.SamplerCorrection(low=0, high=inf, log_limit=inf, filter_low=0, filter_high=inf)
    return result


def sft() -> Objective:
    """-logp, token mean, whatever the role."""
    nll = rule(nll=Term(1, plait.TOKEN_MEAN, plait.ALL_TOKENS))
    return objective(nll, nll, nll)


def grpo() -> Objective:
    """Clip 0.2, dual clip 3, KL by k3, entropy bonus; mean over sequences of token means."""
    rollout = rule(
        policy=Term(1, plait.SEQ_MEAN_TOKEN_MEAN, plait.ALL_TOKENS),
        policy_loss=plait.CLIP, clip_low=0.2, clip_high=0.2, dual_clip=3,
        kl=Term(0.05, plait.SEQ_MEAN_TOKEN_MEAN, plait.ALL_TOKENS),
        entropy=Term(0.01, plait.TOKEN_MEAN, plait.ALL_TOKENS),
    )  # fmt: skip
    return objective(rollout, rule(), rule())


def luffy() -> Objective:
    """Rollouts -A r, demonstrations -A p / (p + 0.1), by a constant length."""
    by_length = Term(1, plait.CONSTANT_LENGTH, plait.ALL_TOKENS)
    demonstration = rule(
        policy=by_length, policy_loss=plait.RESHAPED, reshape_parameter=0.1, behaviour=plait.BEHAVIOUR_CERTAIN
    )
    return objective(rule(policy=by_length, policy_loss=plait.CLIP), demonstration, rule())


def srft() -> Objective:
    """SRFT with the weights of each token's own entropy."""
    mean = Term(1, plait.TOKEN_MEAN, plait.OWN_ROLE)
    rollout = rule(
        policy=mean, policy_loss=plait.REINFORCE,
        policy_weighting=plait.EntropyWeighting(plait.SCOPE_TOKEN, 0.1, 1, 1),
    )  # fmt: skip
    demonstration = rule(
        policy=mean, policy_loss=plait.CLIP, behaviour=plait.BEHAVIOUR_CERTAIN, nll=mean,
        nll_weighting=plait.EntropyWeighting(plait.SCOPE_TOKEN, 0.5, -1, 0),
    )  # fmt: skip
    return objective(rollout, demonstration, rule())


def gspo() -> Objective:
    """The ratio of a sequence, which takes two passes."""
    rollout = rule(
        policy=Term(1, plait.SEQ_MEAN_TOKEN_MEAN, plait.ALL_TOKENS), policy_loss=plait.CLIP,
        clip_low=3e-4, clip_high=4e-4, ratio_level=plait.RATIO_SEQUENCE_MEAN,
    )  # fmt: skip
    return objective(rollout, rule(), rule())


ALL = {"SFT": sft, "GRPO": grpo, "LUFFY": luffy, "SRFT": srft, "GSPO": gspo}
# Roles that appear in a batch for each.
ROLES = {
    "SFT": (plait.ROLLOUT, plait.DEMONSTRATION, plait.HINT),
    "GRPO": (plait.ROLLOUT,),
    "LUFFY": (plait.ROLLOUT, plait.DEMONSTRATION),
    "SRFT": (plait.ROLLOUT, plait.DEMONSTRATION),
    "GSPO": (plait.ROLLOUT,),
}
