"""The pieces of GitHub Markdown that the comment and the job summary share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from mlsecops.findings import Finding, Report, StageReport, ToolReport
from mlsecops.policy import Waiver
from mlsecops.report.escape import code, html, markdown, prose, shorten, shorten_path, url
from mlsecops.report.parts import (
    Links,
    Parts,
    by_severity,
    classes,
    data,
    duration,
    hiding,
    looked_at,
    place,
    plural,
    problems,
    reason,
    severities,
)
from mlsecops.report.rows import Row
from mlsecops.sarif.build import Status
from mlsecops.verdict import Verdict

SEVERITY_SIGNS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "⚪"}
STATUS_SIGNS: dict[Status, str] = {"passed": "✅", "findings": "🔎", "skipped": "⏭️", "incomplete": "⚠️"}
_LONGEST_PLACE = 160
_MOST_PROBLEMS = 5
_MOST_TOOLS = 6
_MOST_CLASSES = 4
_MOST_RULES = 6
_MOST_LINES = 5


def link(text: str, address: str) -> str:
    """A link, or only its text (ours, not a stranger's) without a usable address."""
    address = url(address)
    return f"[{text}]({address})" if address else text


def details(title: str, lines: Iterable[str], *, opened: bool = False) -> str:
    """A part that a reader folds out."""
    body = "\n".join(lines)
    return f"<details{' open' if opened else ''}><summary>{html(title)}</summary>\n\n{body}\n\n</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; the cells are Markdown already."""
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def conditions(verdict: Verdict, limit: int) -> str:
    """What stands against passing, at most `limit` lines; nothing where the reason says all of it."""
    if [each.text for each in verdict.conditions] == [verdict.reason]:
        return ""
    shown = verdict.conditions[:limit]
    lines = [f"- {prose(shorten(condition.text, 300))}" for condition in shown]
    if len(verdict.conditions) > len(shown):
        lines.append(f"- and {len(verdict.conditions) - len(shown):,} more")
    return "\n".join([f"**Why it is {verdict.word}**", "", *lines]) if lines else ""


def notices(report: Report, limit: int) -> str:
    """What a reader must know beside the findings, at most `limit` lines, or nothing."""
    lines = [f"- {prose(shorten(notice, 200))}" for notice in report.notices[:limit]]
    if len(report.notices) > limit:
        lines.append(f"- and {len(report.notices) - limit:,} more")
    return "\n".join(["**Notices**", "", *lines]) if lines else ""


def findings_list(rows: Iterable[Row], links: Links) -> Iterator[str]:
    """A line for each row: what, where, what to do, and who found it.

    No table: on a phone a long name in one cell would push the lines of all others off the screen.
    """
    return (f"- {severity(row.first)} · {_what(row, links)}" for row in rows)


def severity(finding: Finding) -> str:
    """A sign and the word."""
    return f"{SEVERITY_SIGNS[finding.severity]}\u00a0{finding.severity}"


def stages(report: Report) -> Iterator[str]:
    """What was looked at, by which tool, with which outcome and proof; then what was not."""
    head = ("Stage", "Tool", "Outcome", "Looked at", "Data", "Time")
    yield from table(head, (row for stage in report.stages for row in _stage_rows(stage)))
    not_seen = list(_not_looked_at(report))
    if not_seen:
        yield from ["", "Not looked at:", "", *not_seen]


def listed(findings: Sequence[Finding], limit: int) -> Iterator[str]:
    """One line per finding, at most `limit`, then how many more."""
    for each in findings[:limit]:
        yield f"- {each.severity} · {prose(shorten(each.title, 140))} · {_place(each)}"
    if len(findings) > limit:
        yield f"- and {len(findings) - limit:,} more"


def accepted_title(report: Report, found: Parts) -> str:
    """Such as "Waived (4; the first ends in 6 days), 2 suppressed in files, 1 expired waiver", or nothing."""
    words = []
    if found.waived:
        first = min(_days_left(each.waiver, report) for each in found.waived if each.waiver)
        words.append(f"Waived ({len(found.waived):,}; the first ends in {plural(first, 'day')})")
    if found.suppressed:
        words.append(f"{len(found.suppressed):,} suppressed in files")
    if report.waivers_expired:
        words.append(plural(len(report.waivers_expired), "expired waiver"))
    if report.waivers_unused:
        words.append(plural(len(report.waivers_unused), "unused waiver"))
    title = ", ".join(words)
    return title[:1].upper() + title[1:]


def accepted(report: Report, found: Parts, limit: int) -> Iterator[str]:
    """What does not count for the gate, and why: waivers, suppressions, and waivers without effect."""
    if found.waived:
        rows = (_waived_row(each, each.waiver, report) for each in found.waived[:limit] if each.waiver)
        yield from table(("Rule or advisory", "Where", "Reason", "Until"), rows)
        if len(found.waived) > limit:
            yield from ("", f"and {len(found.waived) - limit:,} more")
        yield ""
    for title, waivers in (("Expired", report.waivers_expired), ("Matches nothing", report.waivers_unused)):
        yield from (f"- {title}: {_waiver(each)}" for each in waivers[:limit])
        if len(waivers) > limit:
            yield f"- and {len(waivers) - limit:,} more"
    if found.suppressed:
        files = Counter(each.uri for each in found.suppressed)
        yield (
            "- Suppressed by comments in files: "
            + ", ".join(
                f"{code(shorten_path(uri, _LONGEST_PLACE))} {number:,}"
                for uri, number in files.most_common(limit)
            )
            + (f" and {plural(len(files) - limit, 'more file')}" if len(files) > limit else "")
        )


def counts_per_stage(report: Report, findings: Sequence[Finding]) -> Iterator[str]:
    """How many findings each stage has of each severity."""
    for stage in report.stages:
        mine = [each for each in findings if each.stage == stage.name]
        if mine:
            yield f"- {markdown(shorten(stage.name, 40))}: {len(mine):,} ({severities(by_severity(mine))})"


def foot(report: Report, links: Links) -> str:
    """Who says so, by which policy, and how to get the same on one's own machine."""
    compared = ""
    if report.baseline:
        when = report.baseline.date
        of = f" of {when:%Y-%m-%d}" if when else ""
        compared = f"compared with {code(shorten_path(report.baseline.source, 100))}{of}"
    policy = f"policy: {code(shorten_path(report.policy_source, 100))}" if report.policy_source else ""
    words = (
        f"mlsecops {markdown(shorten(report.version, 40))}",
        policy,
        compared,
        f"run it yourself: {code(shorten(links.rerun, 300))}",
        link("what these words mean", links.docs) if links.docs else "",
    )
    return f"<sub>{' · '.join(filter(None, words))}</sub>"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _what(row: Row, links: Links) -> str:
    first = row.first
    exploited = " **(known to be exploited)**" if row.kev else ""
    title = prose(shorten(row.title.rstrip("."), 140)) or "untitled"
    lines = [f"**{title}**{exploited} · {_where(row, links)}"]
    lines += [prose(shorten(row.message, 400))] if row.message else []
    lines += [hiding(first)] if first.self_hiding else []
    fix = prose(shorten(row.fix, 300))
    lines += [f"**Fix:** {fix}"] if fix else []
    kinds = [markdown(shorten(each, 30)) for each in classes(first)[:_MOST_CLASSES]]
    page = links.finding(first.fingerprint)
    more = [link("details", page)] if url(page) else []
    lines.append(" · ".join([*_names(row.findings, links), *kinds, f"found by {_tools(row.tools)}", *more]))
    return "<br>".join(lines)


def _names(findings: Sequence[Finding], links: Links) -> Iterator[str]:
    """The rules of a row, with links to their alerts; with their severities where those differ."""
    differ = len({each.severity for each in findings}) > 1
    rules = {each.rule_id: each.severity for each in findings}
    for rule, severity in islice(rules.items(), _MOST_RULES):
        name = link(code(shorten(rule, 80)), links.alerts(rule))
        yield f"{name}\u00a0{severity}" if differ else name
    if len(rules) > _MOST_RULES:
        yield f"and {len(rules) - _MOST_RULES} more"


def _where(row: Row, links: Links) -> str:
    uri, lines = row.first.uri, row.lines[:_MOST_LINES]
    words = [(row.where, row.first.line), *((f":{line}", line) for line in lines)]
    shown = [link(code(shorten_path(word, _LONGEST_PLACE)), links.file(uri, line)) for word, line in words]
    more = len(row.lines) - len(lines) + row.elsewhere
    return ", ".join(shown) + (f" and {plural(more, 'more place')}" if more else "")


def _place(finding: Finding, *, cell: bool = False) -> str:
    return code(shorten_path(place(finding), _LONGEST_PLACE), cell=cell)


def _tools(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOOLS
    shown = ", ".join(shorten(name, 40) for name in names[:_MOST_TOOLS])
    return markdown(shown) + (f" and {more} more" if more > 0 else "")


def _stage_rows(stage: StageReport) -> Iterator[list[str]]:
    if not stage.tools:
        yield [
            markdown(shorten(stage.name, 40)),
            "—",
            _outcome(stage.status, stage.reason),
            "nothing",
            "—",
            "—",
        ]
    yield from (_tool_row(stage, tool) for tool in stage.tools)


def _tool_row(stage: StageReport, tool: ToolReport) -> list[str]:
    skipped = tool.status == "skipped"
    return [
        markdown(shorten(stage.name, 40)),
        markdown(shorten(f"{tool.name} {tool.version}".strip(), 80)),
        _outcome(tool.status, reason(tool)),
        markdown(looked_at(tool)),
        markdown(shorten(data(tool), 120)) or "—",
        "—" if skipped else duration(tool.seconds),
    ]


def _outcome(status: Status, why: str) -> str:
    words = f"{STATUS_SIGNS[status]} {status}"
    return f"{words}: {prose(shorten(why, 260), cell=True)}" if why else words


def _not_looked_at(report: Report) -> Iterator[str]:
    for stage in report.stages:
        for tool in stage.tools:
            name = markdown(shorten(tool.name, 60))
            found = problems(tool)
            for problem in found[:_MOST_PROBLEMS]:
                yield f"- {name}: {prose(shorten(problem, 220))}"
            if len(found) > _MOST_PROBLEMS:
                yield f"- {name}: and {len(found) - _MOST_PROBLEMS:,} more"
    for left_out in report.left_out[: _MOST_PROBLEMS * 2]:
        files = f", {plural(left_out.files, 'file')}" if left_out.files != 1 else ""
        where, why = code(shorten_path(left_out.path, _LONGEST_PLACE)), prose(shorten(left_out.reason, 160))
        yield f"- {where}: {why}{files}"
    if len(report.left_out) > _MOST_PROBLEMS * 2:
        yield f"- and {len(report.left_out) - _MOST_PROBLEMS * 2:,} more"


def _waived_row(finding: Finding, waiver: Waiver, report: Report) -> list[str]:
    days = _days_left(waiver, report)
    return [
        code(shorten(waiver.what, 80), cell=True),
        _place(finding, cell=True),
        prose(shorten(waiver.reason, 200), cell=True),
        f"{waiver.expires.isoformat()}, {plural(days, 'day')} left",
    ]


def _waiver(waiver: Waiver) -> str:
    where = code(shorten_path(waiver.path, _LONGEST_PLACE))
    return f"{code(shorten(waiver.what, 80))} in {where}, until {waiver.expires.isoformat()}"


def _days_left(waiver: Waiver, report: Report) -> int:
    return max(0, waiver.days_left(report.generated.date()))
