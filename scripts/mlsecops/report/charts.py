"""Where the bars of the page's charts go, in per cent of the width: so text keeps its size on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlsecops.findings import Report, ToolReport
from mlsecops.policy import SEVERITIES
from mlsecops.report.parts import duration, plural, severities

_THINNEST = 0.6
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from `start`, `width` wide, both in per cent; `kind` is its severity or status."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A named line of a chart; `value` says in words what the bars show."""

    name: str
    value: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each tool ran; `ticks` are places in per cent with their time in words."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]


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
    """When each tool that ran started and ended, from the first start to the last end."""
    ran = [tool for stage in report.stages for tool in stage.tools if tool.status != "skipped"]
    timed = [(tool, tool.started, tool.ended) for tool in ran if tool.started and tool.ended]
    if not timed:
        return Timeline((), ())
    begin = min(start for _, start, _ in timed)
    whole = max((end - begin).total_seconds() for _, _, end in timed) or 1.0
    rows = (
        _ran(tool, start, end, begin, whole) for tool, start, end in sorted(timed, key=lambda each: each[1])
    )
    return Timeline(tuple(rows), tuple(_ticks(whole)))


def _stacked(counts: Sequence[tuple[str, int]], most: int) -> Iterable[Bar]:
    start = 0.0
    for kind, number in counts:
        if number:
            width = max(100 * number / most, _THINNEST)
            yield Bar(kind, round(start, 2), round(min(width, 100 - start), 2))
            start += width


def _ran(tool: ToolReport, start: datetime, end: datetime, begin: datetime, whole: float) -> Row:
    first = 100 * (start - begin).total_seconds() / whole
    width = max(100 * (end - start).total_seconds() / whole, _THINNEST)
    first = min(first, 100 - _THINNEST)
    bar = Bar(tool.status, round(first, 2), round(min(width, 100 - first), 2))
    return Row(f"{tool.stage} / {tool.name}", duration(tool.seconds), (bar,))


def _ticks(whole: float) -> Iterable[tuple[float, str]]:
    """Round times within the whole, at most `_MOST_TICKS` of them."""
    steps = (scale * digit for scale in (0.1, 1, 10, 60, 600, 3600, 36000) for digit in (1, 2, 5))
    step = next((each for each in sorted(steps) if whole / each <= _MOST_TICKS), whole)
    for number in range(1, int(whole / step) + 1):
        place = 100 * number * step / whole
        if place <= 97:
            yield round(place, 2), duration(number * step)
