"""A threshold from outside the policy: it may make a policy stricter and never weaker."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from mlsecops.policy.model import DEFAULTS, SEVERITIES, Policy, Threshold

_WEAKEST_FIRST: tuple[Threshold, ...] = ("never", *SEVERITIES)


def with_threshold(policy: Policy, fail_on: Threshold | None) -> Policy:
    """The policy with a threshold that the caller asked for; None changes nothing.

    Without a policy file it takes the place of the default threshold. With one the stricter of both counts,
    for the default and for every stage that has a threshold of its own.
    """
    if fail_on is None:
        return policy
    if policy.source == DEFAULTS:
        return replace(policy, default_threshold=fail_on)
    return replace(
        policy,
        default_threshold=_stricter(policy.default_threshold, fail_on),
        stage_thresholds=MappingProxyType(
            {stage: _stricter(own, fail_on) for stage, own in policy.stage_thresholds.items()}
        ),
    )


def _stricter(one: Threshold, other: Threshold) -> Threshold:
    return max(one, other, key=_WEAKEST_FIRST.index)
