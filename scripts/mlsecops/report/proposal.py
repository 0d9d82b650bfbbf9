"""What the judged change does to the policy, for people: what it was judged by is what counted before."""

from __future__ import annotations

from collections.abc import Iterator

from mlsecops.findings import Report
from mlsecops.policy.proposal import Proposal
from mlsecops.report.escape import code, prose, shorten, shorten_path

_LONGEST, _LONGEST_PATH = 300, 100
_VERBS = {"introduced": "introduces", "edited": "edits", "removed": "removes"}


def headline(proposal: Proposal) -> str:
    """One sentence: what happens to the policy, when it counts, and which way it turns the gate."""
    what = f"this change {_VERBS[proposal.kind]} the policy"
    return f"Policy change, takes effect after the merge ({proposal.effect}): {what}"


def rows(proposal: Proposal) -> tuple[tuple[str, str], ...]:
    """What it does to the gate and what it is, for each difference; or why the policy cannot be read."""
    if proposal.fault:
        return (("cannot be read", proposal.fault),)
    return tuple((each.turn, each.what) for each in proposal.changes)


def policy_block(report: Report, limit: int) -> str:
    """The part of a comment or summary with at most `limit` differences, or nothing."""
    if report.proposal is None:
        return ""
    path = code(shorten_path(report.proposal.path, _LONGEST_PATH))
    lines = [f"**{headline(report.proposal)}** {path}", "", *_lines(report.proposal, limit)]
    return "\n".join(lines).rstrip()


def _lines(proposal: Proposal, limit: int) -> Iterator[str]:
    every = rows(proposal)
    yield from (f"- {turn}: {prose(shorten(what, _LONGEST))}" for turn, what in every[:limit])
    if len(every) > limit:
        yield f"- and {len(every) - limit:,} more"
