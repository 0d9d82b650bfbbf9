"""Tools -> stages: the worst status of its tools, and what is open in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from mlsecops.findings.model import WORST_FIRST, Finding, StageReport, ToolReport
from mlsecops.policy import SEVERITIES, Policy, Severity, stage_order
from mlsecops.sarif.build import Status

_REASONS_SHOWN = 3
_NOTHING = "nothing came back from this stage"


def stage_reports(
    tools: Sequence[ToolReport],
    expected: Collection[str],
    policy: Policy,
    findings: Iterable[Finding],
    absent: Mapping[str, str] = MappingProxyType({}),
) -> tuple[StageReport, ...]:
    """A report for each stage that was to run or did, in the order of the chain.

    An expected stage without a single run is incomplete, unless the policy switches it off; `absent` says
    why it has none, where that is known.
    """
    open_ones = Counter(
        (stage, finding.severity) for finding in findings if finding.open for stage in finding.stages
    )
    by_stage: dict[str, list[ToolReport]] = {name: [] for name in expected}
    for tool in tools:
        by_stage.setdefault(tool.stage, []).append(tool)
    return tuple(
        _stage(
            name,
            sorted(by_stage[name], key=lambda tool: tool.name),
            {severity: open_ones[name, severity] for severity in SEVERITIES},
            missing=absent.get(name, _NOTHING) if policy.enabled(name) else None,
        )
        for name in sorted(by_stage, key=stage_order)
    )


def _stage(
    name: str, tools: Sequence[ToolReport], counts: dict[Severity, int], *, missing: str | None
) -> StageReport:
    """One stage; `missing` is what is said when no tool ran, None where the policy wants none to."""
    if not tools:
        status: Status = "skipped" if missing is None else "incomplete"
        reason = "switched off in the policy" if missing is None else missing
        return StageReport(name=name, status=status, reason=reason, counts=MappingProxyType(counts))
    status = min((tool.status for tool in tools), key=WORST_FIRST.index)
    if status == "passed" and any(counts.values()):
        status = "findings"
    return StageReport(
        name=name,
        status=status,
        reason=_reason(tool for tool in tools if tool.status == status),
        tools=tuple(tools),
        seconds=_seconds(tools),
        counts=MappingProxyType(counts),
    )


def _reason(tools: Iterable[ToolReport]) -> str:
    """The different reasons as one line, the first few of them, each with all tools that give it."""
    saying: dict[tuple[str, bool], list[str]] = {}
    for tool in tools:
        own = tool.reason.startswith(f"{tool.name}: ")
        words = tool.reason.removeprefix(f"{tool.name}: ")
        if words:
            saying.setdefault((words, own), []).append(tool.name)
    every = [f"{', '.join(names)}: {words}" if own else words for (words, own), names in saying.items()]
    more = len(every) - _REASONS_SHOWN
    return "; ".join(every[:_REASONS_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _seconds(tools: Sequence[ToolReport]) -> float:
    """From the first tool's start to the last one's end; the sum of their times when those are not known."""
    started = [tool.started for tool in tools if tool.started is not None]
    ended = [tool.ended for tool in tools if tool.ended is not None]
    if len(started) == len(ended) == len(tools):
        return max((max(ended) - min(started)).total_seconds(), 0.0)
    return sum(tool.seconds for tool in tools)
