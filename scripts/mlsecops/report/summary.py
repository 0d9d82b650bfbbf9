"""The job summary: everything that the comment has no room for, up to the size that GitHub takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from mlsecops.findings import Finding, Report
from mlsecops.report import sections
from mlsecops.report.comment import context, title
from mlsecops.report.escape import markdown, prose, shorten
from mlsecops.report.models import models_block
from mlsecops.report.parts import Links, Parts, by_severity, duration, parts, severities
from mlsecops.report.proposal import policy_block
from mlsecops.report.rows import packed
from mlsecops.verdict import Verdict

# GitHub drops a step's summary of more than 1 MiB.
MOST_BYTES = 1_000_000
_MOST_LISTED = 200
_MOST_CONDITIONS = 50
# Kept free for the sentence that says what was left out, and for the parts behind the tables of findings.
_RESERVE = 120_000


def summary(report: Report, verdict: Verdict, links: Links) -> str:
    """The whole summary, at most `MOST_BYTES` bytes of UTF-8; findings that do not fit are counted."""
    found = parts(report)
    head = "\n\n".join(
        filter(
            None,
            (
                f"{title(report, verdict)}\n{context(report, links)}",
                sections.conditions(verdict, _MOST_CONDITIONS),
                policy_block(report, _MOST_LISTED),
                sections.notices(report, _MOST_LISTED),
            ),
        )
    )
    counts, tables = _counts(report, found), [models_block(report), _stages(report)]
    room = MOST_BYTES - _RESERVE - sum(_size(each) for each in (head, counts, *tables))
    lists: list[str] = []
    for name, group in (
        ("New findings" if report.baseline else "Findings", found.new),
        ("Unchanged findings", found.unchanged),
    ):
        text = _findings(name, group, links, room)
        room -= _size(text)
        lists.append(text)
    rest = [_fixed(report), _accepted(report, found), _notes(report), sections.foot(report, links)]
    new, unchanged = lists
    whole = "\n\n".join(filter(None, (head, counts, new, *tables, unchanged, *rest)))
    return f"{_cut(whole)}\n"


def _counts(report: Report, found: Parts) -> str:
    groups: list[tuple[str, tuple[Finding, ...]]] = [("Open", found.new)]
    if report.baseline:
        groups = [("New", found.new), ("Unchanged", found.unchanged), ("Fixed", report.fixed)]
    groups += [("Waived", found.waived), ("Suppressed in files", found.suppressed)]
    rows = [
        (name, *(f"{number:,}" for number in by_severity(group).values()), f"{len(group):,}")
        for name, group in groups
    ]
    return "\n".join(sections.table(("Findings", "Critical", "High", "Medium", "Low", "All"), rows))


def _stages(report: Report) -> str:
    lines = [
        f"- {markdown(shorten(each.name, 40))}: "
        f"{each.status}, {severities(each.counts)}, {duration(each.seconds)}"
        for each in report.stages
    ]
    return "\n".join(["#### Stages", "", *lines, "", *sections.stages(report)])


def _findings(name: str, findings: tuple[Finding, ...], links: Links, room: int) -> str:
    if not findings:
        return ""
    lines = [f"#### {name} ({len(findings):,})", ""]
    rows = packed(findings)
    listed = list(_fitting(sections.findings_list(rows, links), room))
    lines += listed
    left_out = len(findings) - sum(len(each.findings) for each in rows[: len(listed)])
    if left_out:
        full = sections.link("the full report", links.page)
        lines += ["", f"{left_out:,} more did not fit; they are in {full} and in the SARIF file."]
    return "\n".join(lines)


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return
        yield line


def _fixed(report: Report) -> str:
    if not report.fixed:
        return ""
    return "\n".join(
        [f"#### Fixed ({len(report.fixed):,})", "", *sections.listed(report.fixed, _MOST_LISTED)]
    )


def _accepted(report: Report, found: Parts) -> str:
    name = sections.accepted_title(report, found)
    return "\n".join([f"#### {name}", "", *sections.accepted(report, found, _MOST_LISTED)]) if name else ""


def _notes(report: Report) -> str:
    notes = (
        f"- {markdown(shorten(tool.name, 60))}: {prose(shorten(note, 300))}"
        for stage in report.stages
        for tool in stage.tools
        for note in tool.notes
    )
    lines = list(islice(notes, _MOST_LISTED))
    return "\n".join(["#### Notes of the tools", "", *lines]) if lines else ""


def _cut(text: str) -> str:
    """The whole lines of a text that fit; the parts are bounded, so only hostile text gets here."""
    if _size(text) < MOST_BYTES:
        return text
    kept = "\n".join(_fitting(text.split("\n"), MOST_BYTES - 200))
    return f"{kept}\n\n_The rest did not fit into a job summary._"


def _size(text: str) -> int:
    return len(text.encode()) + 2
