"""A merged SARIF log -> the report that people read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from mlsecops import __version__
from mlsecops.findings.compare import Side, compare, stages_in_doubt
from mlsecops.findings.fields import count, mappings, own_properties, text_of
from mlsecops.findings.groups import group
from mlsecops.findings.model import BaselineInfo, Finding, LeftOut, Report, State, ToolReport
from mlsecops.findings.model_changes import model_changes
from mlsecops.findings.rows import Standing, findings
from mlsecops.findings.sightings import read_sightings
from mlsecops.findings.stages import stage_reports
from mlsecops.findings.tools import read_tools
from mlsecops.findings.waived import Cover, Waivers
from mlsecops.policy import LONG_WAIVER, Policy, Waiver
from mlsecops.policy.proposal import Proposal
from mlsecops.sarif.build import Json


def build_report(
    log: Json,
    *,
    policy: Policy,
    expected: Collection[str],
    generated: datetime,
    project: str | None = None,
    baseline: Json | None = None,
    baseline_source: str = "baseline",
    partial: bool = False,
    absent: Mapping[str, str] = MappingProxyType({}),
    doubts: Iterable[str] = (),
    notices: Iterable[str] = (),
    proposal: Proposal | None = None,
) -> Report:
    """Join, compare and sort what a merged SARIF log says.

    `expected` are the stages that were to run: one of which the log has nothing is incomplete, for the reason
    in `absent` where that is known. `doubts` are reasons not to rely on the scan at all. `partial` says that
    further stages were left out on purpose, so that a waiver may be of use in one of those. Waivers hold
    through the day of `generated`. `baseline` is an earlier merged log; without one findings have no state.
    Project and left-out files come from the log's own properties, unless `project` is given.
    """
    today = generated.date()
    waivers = Waivers.valid(policy.waivers, today)
    now = _scan(log, waivers)
    believing = policy.new_suppressions == "honour" or not policy.new_only
    compared = _compare(now, baseline, baseline_source, waivers, believing=believing)
    stages = stage_reports(now.side.tools, expected, policy, compared.findings, absent)
    incomplete = {stage.name for stage in stages if stage.status == "incomplete"}
    bag = own_properties(log)
    return Report(
        project=project or text_of(bag.get("project")) or "project",
        generated=generated,
        version=__version__,
        stages=stages,
        findings=compared.findings,
        fixed=compared.fixed,
        baseline=compared.info,
        policy_source=policy.source,
        waivers_expired=tuple(waiver for waiver in policy.waivers if waiver.expired(today)),
        waivers_unused=tuple(
            waiver
            for waiver in policy.waivers
            if not waiver.expired(today)
            and waiver not in now.used
            and _would_show(waiver, {stage.name for stage in stages}, incomplete, partial=partial)
        ),
        left_out=_left_out(bag),
        notices=(*notices, *_notices(policy, compared, today)),
        doubts=tuple(doubts),
        proposal=proposal,
        waived_results=now.results(now.side.waived),
        known_results=now.results(compared.unchanged),
        model_changes=model_changes(log, baseline) if baseline is not None else (),
    )


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan's groups and tools, and how waivers cover each group."""

    side: Side
    covers: Sequence[Cover]

    @property
    def used(self) -> frozenset[Waiver]:
        return frozenset(waiver for cover in self.covers for waiver in cover.matched)

    def results(self, numbers: Iterable[int]) -> frozenset[tuple[str, str]]:
        """Stage and fingerprint of every result in some of the groups."""
        groups = (self.side.groups[number] for number in numbers)
        return frozenset((each.stage, each.fingerprint) for one in groups for each in one.sightings)

    def standing(self, number: int, state: State | None, *, believing: bool = True) -> Standing:
        group = self.side.groups[number]
        self_hiding = not believing and state == "new" and group.suppressed is not None
        return Standing(group, state, self.covers[number].waiver, self_hiding)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Present and fixed findings, the groups that the baseline has too, and what it is."""

    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...] = ()
    unchanged: frozenset[int] = frozenset()
    info: BaselineInfo | None = None


def _scan(log: Json, waivers: Waivers) -> _Scan:
    groups = group(read_sightings(log))
    covers = [waivers.cover(each) for each in groups]
    waived = frozenset(number for number, cover in enumerate(covers) if cover.waiver is not None)
    return _Scan(Side(groups, waived, read_tools(log)), covers)


def _compare(
    now: _Scan, baseline: Json | None, source: str, waivers: Waivers, *, believing: bool
) -> _Compared:
    numbers = range(len(now.side.groups))
    if baseline is None:
        return _Compared(findings(now.standing(number, None) for number in numbers))
    then = _scan(baseline, waivers)
    result = compare(now.side, then.side)
    stages = tuple(dict.fromkeys(tool.stage for tool in now.side.tools))
    return _Compared(
        findings(
            now.standing(number, "unchanged" if number in result.unchanged else "new", believing=believing)
            for number in numbers
        ),
        findings(then.standing(number, "fixed") for number in sorted(result.fixed)),
        result.unchanged,
        BaselineInfo(
            source=source, date=_newest(then.side.tools), incomplete=stages_in_doubt(then.side, stages)
        ),
    )


def _newest(tools: Iterable[ToolReport]) -> datetime | None:
    return max((tool.ended for tool in tools if tool.ended is not None), default=None)


def _would_show(
    waiver: Waiver, stages: Collection[str], incomplete: Collection[str], *, partial: bool
) -> bool:
    """Whether the scan would have shown what a waiver accepts, had it been there."""
    if waiver.stage is not None:
        return waiver.stage in stages and waiver.stage not in incomplete
    return not partial and not incomplete


def _left_out(bag: Json) -> tuple[LeftOut, ...]:
    """What no stage looked at; each stage's log says it, so the same is taken once."""
    rows = (
        LeftOut(
            text_of(each.get("path")),
            text_of(each.get("reason")),
            count(each.get("files")),
            unreadable=each.get("kind") == "unreadable",
        )
        for each in mappings(bag.get("left-out"))
    )
    return tuple(dict.fromkeys(rows))


def _notices(policy: Policy, compared: _Compared, today: date) -> Iterator[str]:
    if compared.info is not None and compared.info.incomplete:
        stages = ", ".join(compared.info.incomplete)
        yield f"the baseline has no finished scan of {stages}: what is new there may be older"
    suppressed = [finding for finding in compared.findings if finding.suppressed is not None]
    if suppressed:
        fresh = sum(1 for finding in suppressed if finding.state == "new")
        added = f", {fresh} of them new" if fresh else ""
        yield f"comments in the files suppress {_findings(len(suppressed))}{added}"
    for waiver in policy.waivers:
        if waiver.expires - today > LONG_WAIVER:
            what = f"{waiver.what} in {waiver.path} (line {waiver.line})"
            yield f"the waiver of {what} holds for more than a year, until {waiver.expires}"


def _findings(number: int) -> str:
    return f"{number} finding{'' if number == 1 else 's'}"
