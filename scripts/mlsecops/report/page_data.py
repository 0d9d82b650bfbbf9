"""The findings of a report as compact data for the page's script: texts that repeat are stored once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from mlsecops.findings import Finding, Report
from mlsecops.policy import SEVERITIES
from mlsecops.report.escape import plain, url, visible
from mlsecops.report.parts import Links, classes, explanation, file_address, remedy

Json = dict[str, Any]
Row = tuple[str, int, int, int, int, int, int, int, Json]
T = TypeVar("T", bound=Hashable)

# How long the waiver that the page suggests holds.
_WAIVED_FOR = timedelta(days=90)
_LONGEST = 4000
_ADVISORIES = ("CVE-", "GHSA-", "PYSEC-")


class _Table(Generic[T]):
    """Values in the order in which they were first asked for."""

    def __init__(self) -> None:
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The value's place in the table."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[T]:
        """The whole table."""
        return list(self._numbers)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What findings have in common; numbers are places in the table of strings."""

    stage: str
    id: int
    title: int
    fix: int
    help: tuple[int, ...]
    uri: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables that the rows point into."""

    texts: _Table[str] = field(default_factory=_Table)
    rules: _Table[_Rule] = field(default_factory=_Table)
    tools: _Table[tuple[int, ...]] = field(default_factory=_Table)
    states: _Table[str] = field(default_factory=_Table)
    files: _Table[str] = field(default_factory=_Table)

    def text(self, value: str) -> int:
        """The number of a text of a stranger, made plain."""
        return self.texts.number(plain(value[:_LONGEST]))


def page_data(report: Report, links: Links) -> Json:
    """Everything the script shows.

    `findings` holds rows of (fingerprint, severity, rule, tools, state, file, line, message, extra); severity
    counts from the worst, `line` is a line, the other numbers are places in the tables beside it.
    """
    tables = _Tables()
    rows = [_row(finding, tables) for finding in (*report.findings, *report.fixed)]
    return {
        "blob": url(links.blob),
        "rerun": plain(links.rerun),
        "expires": (report.generated.date() + _WAIVED_FOR).isoformat(),
        "findings": rows,
        "strings": tables.texts.values(),
        "rules": [_rule_row(rule) for rule in tables.rules.values()],
        "tools": tables.tools.values(),
        "states": tables.states.values(),
        "files": [(visible(path), file_address(path)) for path in tables.files.values()],
    }


def state(finding: Finding) -> str:
    """What a finding is to a reader: new, unchanged, fixed, waived, suppressed, or present (no baseline)."""
    if finding.state == "fixed":
        return "fixed"
    if finding.waiver:
        return "waived"
    return "suppressed" if finding.suppressed is not None else finding.state or "present"


def _row(finding: Finding, tables: _Tables) -> Row:
    rule = _Rule(
        stage=plain(finding.stage),
        id=tables.text(finding.rule_id),
        title=tables.text(finding.title),
        fix=tables.text(remedy(finding)),
        help=tuple(tables.text(each) for each in explanation(finding)),
        uri=url(finding.help_uri),
        tags=tuple(plain(each) for each in classes(finding)),
    )
    return (
        plain(finding.fingerprint),
        SEVERITIES.index(finding.severity),
        tables.rules.number(rule),
        tables.tools.number(tuple(tables.text(each) for each in finding.tools)),
        tables.states.number(state(finding)),
        tables.files.number(finding.uri),
        finding.line,
        tables.text(finding.message),
        _extra(finding, tables),
    )


def _extra(finding: Finding, tables: _Tables) -> Json:
    """What only some findings have."""
    extra: Json = {"score": finding.score}
    texts = {
        "cell": finding.cell,
        "package": finding.package,
        "installed": finding.installed,
        "fixed": finding.fixed_in,
        "suppressed": finding.suppressed,
    }
    extra |= {key: plain(text) for key, text in texts.items() if text}
    if finding.kev:
        extra["kev"] = True
    if len(finding.rules) > 1:
        extra["rules"] = [tables.text(each) for each in finding.rules]
    if len(finding.stages) > 1:
        extra["stages"] = [plain(each) for each in finding.stages]
    if finding.reproduce:
        extra["again"] = tables.text(finding.reproduce)
    if finding.aliases:
        extra["aliases"] = [plain(each) for each in finding.aliases]
    advisory = _advisory(finding)
    if advisory:
        extra["advisory"] = plain(advisory)
    if finding.also_at:
        extra["also"] = [(tables.files.number(place.uri), place.line) for place in finding.also_at]
    if finding.waiver:
        extra["until"] = finding.waiver.expires.isoformat()
        extra["reason"] = plain(finding.waiver.reason)
    return extra


def _advisory(finding: Finding) -> str:
    """The name by which a vulnerability of a package is best waived, or nothing."""
    names = [finding.rule_id, *finding.aliases] if finding.package else []
    known = (name for prefix in _ADVISORIES for name in names if name.startswith(prefix))
    return next(known, "")


def _rule_row(rule: _Rule) -> tuple[Any, ...]:
    return (rule.stage, rule.id, rule.title, rule.fix, rule.help, rule.uri, rule.tags)
