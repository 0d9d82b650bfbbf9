"""The end of a run on a terminal: verdict, why, stages, new findings, and where the reports lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlsecops.findings import Finding, Report, StageReport, ToolReport
from mlsecops.report.escape import shorten, shorten_path, terminal
from mlsecops.report.parts import (
    Parts,
    by_severity,
    duration,
    hiding,
    parts,
    plural,
    reason,
    severities,
)
from mlsecops.report.progress import SIGNS, Progress
from mlsecops.report.proposal import headline, rows
from mlsecops.report.rows import Row, packed
from mlsecops.sarif.build import Status
from mlsecops.verdict import Verdict

__all__ = ["Progress", "verdict_view"]

_VERDICTS = {
    "passed": "bold white on green",
    "blocked": "bold white on red",
    "incomplete": "bold black on yellow",
}
_SEVERITIES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_MOST_CONDITIONS = 10
_MOST_NOTICES = 10
_MOST_LINES = 8
_MOST_POLICY_CHANGES = 20
_TURNS = {"weaker": "bold red", "stricter": "green", "cannot be read": "bold red"}


def verdict_view(
    report: Report, verdict: Verdict, files: Mapping[str, Path] | None = None, *, limit: int = 10
) -> RenderableType:
    """What a person reads at the end of a run: at most `limit` new findings, and `files` by what they are."""
    found = parts(report)
    return Group(*_blocks(report, verdict, found, files or {}, limit))


def _blocks(
    report: Report, verdict: Verdict, found: Parts, files: Mapping[str, Path], limit: int
) -> Iterator[RenderableType]:
    yield _stages(report)
    yield from _reasons(report)
    yield from _new(report, found, limit)
    yield from _others(report, found)
    yield from _policy(report)
    yield from _notices(report)
    yield Text()
    yield Text.assemble(
        (f" {verdict.word.upper()} ", _VERDICTS[verdict.word]),
        " ",
        (terminal(shorten(verdict.reason, 400)), "bold"),
    )
    yield from _why(verdict)
    if files:
        yield Text()
        yield _pairs((name, Text(terminal(str(path)))) for name, path in files.items())


def _stages(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("Stage", "Tool", "Outcome", "Looked at", "Data of"):
        table.add_column(name, overflow="fold")
    table.add_column("Time", justify="right", no_wrap=True)
    for stage in report.stages:
        for row in _stage_rows(stage):
            table.add_row(*row)
    return table


def _stage_rows(stage: StageReport) -> Iterator[tuple[RenderableType, ...]]:
    name = Text(terminal(stage.name), style="bold")
    if not stage.tools:
        yield name, Text("—"), _outcome(stage.status), Text("nothing"), Text(""), Text("")
    for tool in stage.tools:
        yield (
            name,
            Text(terminal(shorten(f"{tool.name} {tool.version}".strip(), 60))),
            _outcome(tool.status),
            _looked_at(tool),
            Text(tool.data_date.isoformat() if tool.data_date else ""),
            Text("" if tool.status == "skipped" else duration(tool.seconds)),
        )
        name = Text("")


def _looked_at(tool: ToolReport) -> Text:
    text = Text("nothing" if tool.status == "skipped" else f"{tool.scanned:,} of {tool.expected:,}")
    return text.append(", canary not found", style="red") if tool.canary == "not found" else text


def _outcome(status: Status) -> Text:
    sign, style = SIGNS[status]
    return Text(f"{sign} {status}", style=style)


def _reasons(report: Report) -> Iterator[RenderableType]:
    """Why something was not looked at."""
    rows = [
        (stage.name, tool.status, tool.name, reason(tool)) for stage in report.stages for tool in stage.tools
    ]
    rows += [(stage.name, stage.status, "", stage.reason) for stage in report.stages if not stage.tools]
    tools: dict[tuple[str, Status, str], list[str]] = {}
    for stage, status, tool, why in rows:
        if why:
            tools.setdefault((stage, status, why), []).append(tool)
    for (stage, status, why), named in tools.items():
        name = " / ".join(filter(None, (stage, ", ".join(named))))
        yield Text.assemble(
            (f"{SIGNS[status][0]} {terminal(shorten(name, 200))}: ", SIGNS[status][1]),
            terminal(shorten(why, 300)),
        )


def _new(report: Report, found: Parts, limit: int) -> Iterator[RenderableType]:
    if not found.new:
        return
    yield Text()
    yield Text(f"{'New findings' if report.baseline else 'Findings'} ({len(found.new):,})", style="bold")
    shown = packed(found.new)[:limit]
    yield from map(_row, shown)
    rest = len(found.new) - sum(len(each.findings) for each in shown)
    if rest:
        yield Text(f"  and {rest:,} more, in the reports", style="dim")


def _row(row: Row) -> RenderableType:
    finding = row.first
    title = terminal(shorten(row.title, 140)) or "untitled"
    lines = [Text.assemble((f"{finding.severity} ", _SEVERITIES[finding.severity]), (title, "bold"))]
    if row.kev:
        lines[0].append(" known to be exploited", style="bold red")
    lines.append(Text(f"  {_where(row)}", style="cyan"))
    if row.message:
        lines.append(Text(f"  {terminal(shorten(row.message, 240))}"))
    if finding.self_hiding:
        lines.append(Text(f"  {hiding(finding)}", style="yellow"))
    if row.fix:
        lines.append(Text.assemble(("  fix: ", "dim"), terminal(shorten(row.fix, 240))))
    rules = ", ".join(dict.fromkeys(each.rule_id for each in row.findings))
    lines.append(
        Text(
            f"  {terminal(shorten(rules, 200))} · found by {terminal(shorten(', '.join(row.tools), 120))}",
            style="dim",
        )
    )
    return Padding(Group(*lines), (0, 0, 0, 2))


def _where(row: Row) -> str:
    lines = row.lines[:_MOST_LINES]
    more = len(row.lines) - len(lines) + row.elsewhere
    shown = ", ".join([terminal(shorten_path(row.where, 200)), *(f":{line}" for line in lines)])
    return shown + (f" and {plural(more, 'more place')}" if more else "")


def _others(report: Report, found: Parts) -> Iterator[RenderableType]:
    """Counts of what is not shown one by one."""
    rows = [
        ("unchanged", _count(found.unchanged)),
        ("fixed", _count(report.fixed)),
        ("waived", _count(found.waived)),
        ("suppressed in files", _count(found.suppressed)),
        ("expired waivers", f"{len(report.waivers_expired):,}" if report.waivers_expired else ""),
        ("unused waivers", f"{len(report.waivers_unused):,}" if report.waivers_unused else ""),
        ("files left out", f"{sum(each.files for each in report.left_out):,}" if report.left_out else ""),
    ]
    shown = [(name, Text(text)) for name, text in rows if text]
    if shown:
        yield Text()
        yield _pairs(shown)


def _count(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    return f"{len(findings):,} ({severities(by_severity(findings))})"


def _policy(report: Report) -> Iterator[RenderableType]:
    """What the change does to the policy that it was judged by."""
    if report.proposal is None:
        return
    changes = rows(report.proposal)
    yield Text()
    yield Text(terminal(shorten(f"{headline(report.proposal)} {report.proposal.path}", 300)), style="bold")
    for turn, what in changes[:_MOST_POLICY_CHANGES]:
        yield Text.assemble((f"  {turn}: ", _TURNS.get(turn, "")), terminal(shorten(what, 300)))
    if len(changes) > _MOST_POLICY_CHANGES:
        yield Text(f"  and {len(changes) - _MOST_POLICY_CHANGES:,} more, in the reports", style="dim")


def _notices(report: Report) -> Iterator[RenderableType]:
    notices = list(report.notices)
    if report.baseline is None:
        notices.insert(0, "there is no baseline to compare with, so nothing can be told to be new")
    if notices:
        yield Text()
    for notice in notices[:_MOST_NOTICES]:
        yield Text.assemble(("! ", "yellow"), terminal(shorten(notice, 300)))
    if len(notices) > _MOST_NOTICES:
        yield Text(f"! and {len(notices) - _MOST_NOTICES:,} more notices", style="yellow")


def _why(verdict: Verdict) -> Iterator[RenderableType]:
    if len(verdict.conditions) < 2:  # the reason has said it
        return
    for condition in verdict.conditions[:_MOST_CONDITIONS]:
        yield Text(f"  · {terminal(shorten(condition.text, 300))}")
    if len(verdict.conditions) > _MOST_CONDITIONS:
        yield Text(f"  · and {len(verdict.conditions) - _MOST_CONDITIONS:,} more")


def _pairs(rows: Iterator[tuple[str, Text]] | list[tuple[str, Text]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(name, text)
    return grid
