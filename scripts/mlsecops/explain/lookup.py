"""From what a person types to what it names: an id, a place, a rule or an advisory."""

from __future__ import annotations

from collections.abc import Sequence

from mlsecops.findings import Finding

_SHORTEST_ID = 6


def find(findings: Sequence[Finding], word: str) -> tuple[Finding, ...]:
    """The findings that a word names: by id or its beginning, `file:line`, rule, advisory, or file.

    The first of these ways that gives any finding counts.
    """
    upper = word.upper()
    ways = (
        lambda each: len(word) >= _SHORTEST_ID and each.fingerprint.startswith(word.lower()),
        lambda each: word in {f"{uri}:{line or 1}" for uri, line in _places(each)},
        lambda each: word in {each.rule_id, *each.rules},
        lambda each: upper in {name.upper() for name in (each.rule_id, *each.rules, *each.aliases)},
        lambda each: word in {uri for uri, _ in _places(each)},
    )
    return next(filter(None, (tuple(filter(way, findings)) for way in ways)), ())


def _places(finding: Finding) -> list[tuple[str, int]]:
    return [(finding.uri, finding.line), *((each.uri, each.line) for each in finding.also_at)]
