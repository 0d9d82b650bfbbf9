"""The policy that counts for a run: that of the base commit, made stricter by the input `fail-on`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlsecops import policy
from mlsecops.github import base_policy
from mlsecops.github.base_policy import BasePolicy
from mlsecops.github.client import Client, GitHubError
from mlsecops.github.event_model import Event
from mlsecops.github.inputs import Inputs
from mlsecops.policy import Policy, PolicyError


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy that counts; what keeps the verdict from passing, and what is to be said of it."""

    policy: Policy
    doubts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def counting(client: Client, event: Event, inputs: Inputs) -> Rules:
    """The policy for a run.

    One that cannot be had or read leaves the defaults, and a doubt that keeps the verdict from passing.
    """
    try:
        found = base_policy.fetch(client, event.repository, event.policy_commit, inputs.project)
        rules = policy.parse(found.content, found.path) if found else Policy()
    except (PolicyError, GitHubError) as error:
        return Rules(Policy(), doubts=(f"the policy of the base commit cannot be used: {error}",))
    rules = policy.with_threshold(rules, inputs.fail_on)
    if event.counts_all:
        rules = replace(rules, new_only=False)
    return Rules(rules, notices=_changes(client, event, inputs.project, found))


def _changes(client: Client, event: Event, project: str, counts: BasePolicy | None) -> tuple[str, ...]:
    """What the scanned commit does to the policy, as a notice."""
    if event.policy_commit == event.sha:
        return ()
    try:
        scanned = base_policy.fetch(client, event.repository, event.sha, project)
    except (PolicyError, GitHubError) as error:
        return (f"whether this change edits the policy could not be seen: {error}",)
    if scanned == counts:
        return ()
    change = (
        "introduces a policy"
        if counts is None
        else "removes the policy"
        if scanned is None
        else "edits the policy"
    )
    return (f"this change {change}: that counts once it is merged",)
