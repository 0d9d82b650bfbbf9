"""Where the bars of the page's charts go, in per cent: so text keeps its size on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlsecops.findings import Report, StageReport, ToolReport
from mlsecops.policy import SEVERITIES
from mlsecops.report.history import Past
from mlsecops.report.parts import duration, plural, severities

_THINNEST = 0.6
_MOST_TICKS = 6
_MOST_RUNS = 60
_GAP = 0.25  # of a column's width, between it and the next one


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from `start`, `width` wide, both in per cent; `kind` is its severity or status."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A named line of a chart, of a stage or of a tool; `value` says in words what the bars show."""

    name: str
    value: str
    bars: tuple[Bar, ...]
    kind: str = "stage"


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each tool ran; `ticks` are places in per cent with their time in words."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A run among others: `bars` are stacked from the ground, in per cent of the tallest column."""

    run: Past
    start: float
    width: float
    bars: tuple[Bar, ...]


def history(runs: Sequence[Past]) -> tuple[Column, ...]:
    """The open findings of the newest runs, the oldest first."""
    shown = runs[-_MOST_RUNS:]
    most = max((sum(run.counts.values()) for run in shown), default=0)
    step = 100 / max(len(shown), 1)
    return tuple(
        Column(
            run,
            round(number * step + step * _GAP / 2, 2),
            round(step * (1 - _GAP), 2),
            tuple(_stacked([(each, run.counts[each]) for each in SEVERITIES], most)),
        )
        for number, run in enumerate(shown)
    )


def severity_by_stage(report: Report) -> tuple[Row, ...]:
    """The open findings of each stage, the longest bar as wide as the chart."""
    most = max((sum(stage.counts.values()) for stage in report.stages), default=0)
    rows = []
    for stage in report.stages:
        total = sum(stage.counts.values())
        value = f"{plural(total, 'finding')}: {severities(stage.counts)}" if total else stage.status
        rows.append(
            Row(
                stage.name,
                value,
                tuple(_stacked([(each, stage.counts.get(each, 0)) for each in SEVERITIES], most)),
            )
        )
    return tuple(rows)


def timeline(report: Report) -> Timeline:
    """When each stage and each of its tools started and ended, from the first start to the last end."""
    stages = [(stage, ran) for stage in report.stages if (ran := _ran(stage))]
    if not stages:
        return Timeline((), ())
    begin = min(ran[0][0] for _, ran in stages)
    whole = max((end - begin).total_seconds() for _, ran in stages for _, end, _ in ran) or 1.0
    rows: list[Row] = []
    for stage, ran in stages:
        last = max(end for _, end, _ in ran)
        rows.append(_timed(stage, ran[0][0], last, begin, whole))
        rows += [_timed(tool, start, end, begin, whole) for start, end, tool in ran]
    return Timeline(tuple(rows), tuple(_ticks(whole)))


def _stacked(counts: Sequence[tuple[str, int]], most: int) -> Iterable[Bar]:
    start = 0.0
    for kind, number in counts:
        if number:
            start = min(start, 100 - _THINNEST)
            width = max(100 * number / most, _THINNEST)
            yield Bar(kind, round(start, 2), round(min(width, 100 - start), 2))
            start += width


def _ran(stage: StageReport) -> list[tuple[datetime, datetime, ToolReport]]:
    """The tools that ran, with start and end, the first one first."""
    tools = [tool for tool in stage.tools if tool.status != "skipped"]
    timed = [(tool.started, tool.ended, tool) for tool in tools if tool.started and tool.ended]
    return sorted(timed, key=lambda each: each[0])


def _timed(
    what: StageReport | ToolReport, start: datetime, end: datetime, begin: datetime, whole: float
) -> Row:
    first = 100 * (start - begin).total_seconds() / whole
    width = max(100 * (end - start).total_seconds() / whole, _THINNEST)
    first = min(first, 100 - _THINNEST)
    bar = Bar(what.status, round(first, 2), round(min(width, 100 - first), 2))
    return Row(what.name, duration(what.seconds), (bar,), "tool" if isinstance(what, ToolReport) else "stage")


def _ticks(whole: float) -> Iterable[tuple[float, str]]:
    """Round times within the whole, at most `_MOST_TICKS` of them."""
    steps = (scale * digit for scale in (0.1, 1, 10, 60, 600, 3600, 36000) for digit in (1, 2, 5))
    step = next((each for each in sorted(steps) if whole / each <= _MOST_TICKS), whole)
    for number in range(1, int(whole / step) + 1):
        place = 100 * number * step / whole
        if place <= 97:
            yield round(place, 2), duration(number * step)
