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
from mlsecops.policy.proposal import Proposal, doubt, proposal, unreadable


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy that counts, and what the judged change does to it.

    `doubts` keep the verdict from passing; `notices` are to be said.
    """

    policy: Policy
    proposal: Proposal | None = None
    doubts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def counting(client: Client, event: Event, inputs: Inputs) -> Rules:
    """The policy for a run.

    One that cannot be had or read leaves the defaults, and a doubt that keeps the verdict from passing. So
    does one that could not be read once the change is merged: every later run would have to fail.
    """
    try:
        found = base_policy.fetch(client, event.repository, event.policy_commit, inputs.project)
        rules = _read(found, inputs)
    except (PolicyError, GitHubError) as error:
        return Rules(Policy(), doubts=(f"the policy of the base commit cannot be used: {error}",))
    counts = replace(rules, new_only=False) if event.counts_all else rules
    if event.policy_commit == event.sha:
        return Rules(counts)
    try:
        scanned = base_policy.fetch(client, event.repository, event.sha, inputs.project)
        proposed = proposal(rules, _read(scanned, inputs))
    except GitHubError as error:
        return Rules(counts, notices=(f"whether this change edits the policy could not be seen: {error}",))
    except PolicyError as error:
        return Rules(counts, unreadable(rules, error), doubts=(doubt(error),))
    return Rules(counts, proposed)


def _read(found: BasePolicy | None, inputs: Inputs) -> Policy:
    rules = policy.parse(found.content, found.path) if found else Policy()
    return policy.with_threshold(rules, inputs.fail_on)
