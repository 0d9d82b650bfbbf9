"""What a change that is judged does to the policy it is judged by: it takes effect after the merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlsecops.policy.changes import PolicyChange, changes
from mlsecops.policy.document import PolicyError
from mlsecops.policy.model import DEFAULTS, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """How the policy file at `path` would be; `fault` says why it could not be read, and is "" otherwise."""

    kind: Literal["introduced", "edited", "removed"]
    path: str
    changes: tuple[PolicyChange, ...] = ()
    fault: str = ""

    @property
    def effect(self) -> str:
        """What it does to the gate as a whole, in a few words."""
        turns = {each.turn for each in self.changes}
        if self.fault:
            return "cannot be read"
        if {"weaker", "stricter"} <= turns:
            return "weaker in part, stricter in part"
        if not turns:
            return "the same as without it"
        return next((turn for turn in ("weaker", "stricter") if turn in turns), "neither weaker nor stricter")


def proposal(counts: Policy, proposed: Policy) -> Proposal | None:
    """What merging makes of the policy that counts; None when it stays as it is."""
    found = changes(counts, proposed)
    if counts.source == DEFAULTS and proposed.source == DEFAULTS:
        return None
    if counts.source == DEFAULTS:
        return Proposal(kind="introduced", path=proposed.source, changes=found)
    if proposed.source == DEFAULTS:
        return Proposal(kind="removed", path=counts.source, changes=found)
    return Proposal(kind="edited", path=proposed.source, changes=found) if found else None


def unreadable(counts: Policy, error: PolicyError) -> Proposal:
    """That merging would leave a policy that cannot be read; the error says where and why."""
    path = str(error).partition(":")[0]
    return Proposal(kind="introduced" if counts.source == DEFAULTS else "edited", path=path, fault=str(error))


def doubt(error: PolicyError) -> str:
    """Why such a change does not pass: no later run could."""
    return f"the policy could not be read once this is merged: {error}"
