"""Groups -> findings: one row for each weakness at a place, however many tools saw it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mlsecops.findings.fields import text_of, texts
from mlsecops.findings.groups import Group, worst_first
from mlsecops.findings.model import Finding, Place, State, band
from mlsecops.findings.sightings import Sighting
from mlsecops.policy import SEVERITIES, Waiver, stage_order

_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Standing:
    """A group, how it compares with the baseline, and the waiver that covers it.

    `self_hiding`: a comment that suppresses it does not hold, because the change that is judged adds it.
    """

    group: Group
    state: State | None = None
    waiver: Waiver | None = None
    self_hiding: bool = False


@dataclass(slots=True)
class _Row:
    """The groups that will be one finding; `tools` are those that have a group in it."""

    standings: list[Standing]
    tools: set[str]


def findings(standings: Iterable[Standing]) -> tuple[Finding, ...]:
    """One finding for each row, worst first."""
    rows: list[_Row] = []
    shelf = _Shelf()
    for standing in sorted(standings, key=lambda each: worst_first(each.group.main)):
        row = shelf.place(standing)
        if row is not None:
            rows.append(row)
    return tuple(sorted((_finding(row.standings) for row in rows), key=_worst_first))


class _Shelf:
    """Joins groups of different tools that name the same weakness on the same line.

    Two findings of one tool stay two: it knows them apart. An explicit identity keeps a finding by itself
    too, for many advisories share a line of a manifest.
    """

    def __init__(self) -> None:
        self._rows: dict[Hashable, list[_Row]] = {}
        self._next: dict[Hashable, int] = {}

    def place(self, standing: Standing) -> _Row | None:
        """Put a group into a row that has none of its tools; returns the row when it is a new one."""
        keys = _line_keys(standing)
        tools = {tool for _, tool in standing.group.tools}
        for key in keys:
            row = self._free_row(key, tools)
            if row is not None:
                row.standings.append(standing)
                row.tools |= tools
                return None
        row = _Row([standing], tools)
        for key in keys:
            self._rows.setdefault(key, []).append(row)
        return row

    def _free_row(self, key: Hashable, tools: set[str]) -> _Row | None:
        """The first row of a line that has none of the tools; rows behind are not looked at again."""
        rows = self._rows.get(key, [])
        start = (key, *sorted(tools))
        number = self._next.get(start, 0)
        while number < len(rows) and rows[number].tools & tools:
            number += 1
        self._next[start] = number
        return rows[number] if number < len(rows) else None


def _line_keys(standing: Standing) -> list[Hashable]:
    group = standing.group
    main = group.main
    if main.identified or main.package:
        return []
    kind = (standing.state, standing.waiver is None, group.suppressed is None, standing.self_hiding)
    return [(main.stage, main.place, cwe, kind) for cwe in group.cwes]


def _finding(standings: Sequence[Standing]) -> Finding:
    """The texts of the worst sighting, and what all of them say together."""
    sightings = [each for standing in standings for each in standing.group.sightings]
    main = standings[0].group.main
    stages = tuple(sorted({each.stage for each in sightings}, key=stage_order))
    return Finding(
        id=main.fingerprint[:_ID_LENGTH],
        fingerprint=main.fingerprint,
        stage=stages[0],
        stages=stages,
        rule_id=main.rule.id,
        title=main.rule.title,
        severity=band(main.score),
        score=main.score,
        message=main.message,
        uri=main.place.uri,
        line=main.place.line,
        end_line=main.end_line,
        cell=main.cell,
        also_at=_other_places(sightings, main.place),
        tools=tuple(sorted({each.tool for each in sightings})),
        fix=_first(text_of(each.own.get("fix")) or each.rule.fix for each in sightings) or "",
        help=_first(each.rule.help for each in sightings) or "",
        help_uri=_first(each.rule.help_uri for each in sightings) or "",
        tags=_union(each.rule.tags for each in sightings),
        cwes=_union(each.rule.cwes for each in sightings),
        aliases=_aliases(sightings, main.rule.id),
        rules=_rules(standings),
        reproduce=_first(text_of(each.own.get("reproduce")) for each in sightings) or "",
        package=_first(text_of(each.own.get("package")) for each in sightings),
        installed=_first(_joined(each.own.get("installed")) for each in sightings),
        fixed_in=_first(_joined(each.own.get("fixed-in")) for each in sightings),
        kev=any(each.own.get("kev") is True for each in sightings),
        state=standings[0].state,
        waiver=standings[0].waiver,
        suppressed=None if standings[0].self_hiding else main.suppressed,
        self_hiding=standings[0].self_hiding,
    )


def _other_places(sightings: Sequence[Sighting], main: Place) -> tuple[Place, ...]:
    if len(sightings) == 1:
        return ()
    return tuple(sorted({each.place for each in sightings} - {main}))


def _rules(standings: Sequence[Standing]) -> tuple[str, ...]:
    """What a waiver would have to name: of each group the rules that have its highest severity."""
    worst = (
        each.rule.id
        for standing in standings
        for each in standing.group.counting
        if band(each.score) == standing.group.severity
    )
    return tuple(dict.fromkeys(worst))


def _aliases(sightings: Sequence[Sighting], rule_id: str) -> tuple[str, ...]:
    """Every advisory once, however it is spelt, but for the one that is the rule."""
    by_name = {name.upper(): name for each in sightings for name in each.advisories}
    by_name.pop(rule_id.upper(), None)
    return tuple(sorted(by_name.values()))


def _first(given: Iterable[str]) -> str | None:
    return next(filter(None, given), None)


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


def _joined(value: Any) -> str:
    """A version, or a list of versions, as text."""
    return text_of(value) or ", ".join(texts(value))


def _worst_first(finding: Finding) -> tuple[Hashable, ...]:
    return (
        SEVERITIES.index(finding.severity),
        not finding.kev,
        -finding.score,
        stage_order(finding.stage),
        finding.uri,
        finding.line,
        finding.rule_id,
        finding.fingerprint,
    )
