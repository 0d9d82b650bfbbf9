"""All that is known of one finding or one rule, for a person at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlsecops.findings import Finding
from mlsecops.findings.sightings import RuleText
from mlsecops.report.escape import terminal, url
from mlsecops.report.parts import classes, explanation, hiding, place, remedy

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_STAYS = {"new": "new", "unchanged": "also in the baseline", "fixed": "fixed"}


def finding_view(finding: Finding, rerun: str) -> RenderableType:
    """What, where, why, how to fix, to see it again and to accept it; `rerun` scans the project again."""
    heading = Text.assemble(
        (f"{finding.severity} ", _STYLES[finding.severity]), (terminal(finding.title) or "untitled", "bold")
    )
    return Group(heading, _table(list(_rows(finding, rerun))))


def rule_view(rule: RuleText) -> RenderableType:
    """What a rule looks for, why, and how to fix what it finds."""
    rows = [
        ("Rule", rule.id),
        ("Severity", f"{rule.score:.1f} of 10" if rule.score is not None else ""),
        ("Classes", ", ".join(rule.cwes)),
        *_why(_paragraphs(rule)),
        ("Fix", rule.fix),
        ("More", url(rule.help_uri)),
    ]
    return Group(Text(terminal(rule.title), style="bold"), _table(rows))


def _rows(finding: Finding, rerun: str) -> Iterator[tuple[str, str]]:
    yield "Finding", finding.id
    yield "Where", place(finding)
    for other in finding.also_at:
        yield "", str(other)
    yield "What", finding.message
    yield from _why(explanation(finding))
    yield "Fix", remedy(finding)
    yield "Rule", ", ".join(finding.rules or (finding.rule_id,))
    yield "Classes", ", ".join(classes(finding))
    yield "Also named", ", ".join(finding.aliases)
    yield "Found by", f"{', '.join(finding.tools)} (stage {', '.join(finding.stages)})"
    yield "Stands", _standing(finding)
    yield "See it again", finding.reproduce or f"{rerun} --stage {finding.stage}"
    if finding.open:
        yield "Accept it", f'mlsecops waive {shlex.quote(finding.id)} --reason "..." --until YYYY-MM-DD'
    yield "More", url(finding.help_uri)


def _standing(finding: Finding) -> str:
    if finding.waiver is not None:
        return f"waived until {finding.waiver.expires}: {finding.waiver.reason}"
    if finding.suppressed is not None:
        return f"suppressed by a comment in the file: {finding.suppressed}"
    exploited = "known to be exploited" if finding.kev else ""
    return ", ".join(filter(None, (_STAYS.get(finding.state or "", ""), exploited, hiding(finding))))


def _why(paragraphs: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, paragraph in enumerate(paragraphs):
        yield ("" if number else "Why"), paragraph


def _paragraphs(rule: RuleText) -> list[str]:
    paragraphs = (" ".join(each.split()) for each in rule.help.split("\n\n"))
    return [each.replace("**", "") for each in paragraphs if each and not each.startswith(("**Fix", "Fix:"))]


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        if text:
            grid.add_row(name, Text(terminal(text)))
    return grid
