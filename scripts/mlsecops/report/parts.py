"""What every report shows: which findings go where, the words for a place, a fix, a duration; addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

from mlsecops.findings import Finding, Place, Report, StageReport, ToolReport
from mlsecops.findings.model import WORST_FIRST
from mlsecops.policy import SEVERITIES, Severity
from mlsecops.report.escape import path_url, shorten
from mlsecops.sarif.build import Status

_MOST_STAGES = 8
_CLASSES = ("owasp-ml/", "mitre-atlas/")
_SHOWN_AS_SOURCE = (".ipynb", ".md", ".rst", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where a report can point to, all optional: on a developer's machine there is none.

    `run`, `page`, `security` and `docs` are whole addresses, of which `security` ends in a query that takes
    more words. `blob` is the address of the repository's files
    at the scanned commit, without a slash at its end. `head` and `base` name what was compared. `rerun` is
    the command that gives the same verdict locally.
    """

    run: str = ""
    page: str = ""
    security: str = ""
    docs: str = ""
    blob: str = ""
    head: str = ""
    base: str = ""
    rerun: str = "mlsecops run ."

    def file(self, uri: str, line: int) -> str:
        """The address of a line of a scanned file, or of the whole file (0), or nothing."""
        lines = f"#L{line}" if line else ""
        return f"{self.blob}/{file_address(uri)}{lines}" if self.blob else ""

    def alerts(self, rule: str) -> str:
        """The address of the alerts of a rule, or nothing."""
        return f"{self.security}+{quote_plus(f'rule:{rule}', errors='replace')}" if self.security else ""

    def finding(self, fingerprint: str) -> str:
        """The address of a finding on the page; nothing where `page` is only where the page can be had."""
        return f"{self.page}#finding-{fingerprint}" if self.page and "#" not in self.page else ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The present findings by what they mean for a reader, each part worst first.

    Without a baseline every open finding is in `new`.
    """

    new: tuple[Finding, ...]
    unchanged: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]


def parts(report: Report) -> Parts:
    """Sort the findings of a report into its parts; a waived finding is not listed again as suppressed."""
    opened = [finding for finding in report.findings if finding.open]
    return Parts(
        new=tuple(each for each in opened if each.state != "unchanged"),
        unchanged=tuple(each for each in opened if each.state == "unchanged"),
        waived=tuple(each for each in report.findings if each.waiver),
        suppressed=tuple(each for each in report.findings if each.suppressed is not None and not each.waiver),
    )


def by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many there are of each severity, worst first, zeros included."""
    found = Counter(finding.severity for finding in findings)
    return {severity: found[severity] for severity in SEVERITIES}


def severities(counts: Mapping[Severity, int]) -> str:
    """Such as "1 critical, 2 high", or "none"."""
    return ", ".join(f"{counts[each]} {each}" for each in SEVERITIES if counts.get(each)) or "none"


def place(finding: Finding) -> str:
    """Such as "src/app.py:12" or "train.ipynb:48 (cell 3)"."""
    part = f" ({finding.cell})" if finding.cell else ""
    return f"{Place(finding.uri, finding.line)}{part}"


def classes(finding: Finding) -> tuple[str, ...]:
    """The published classes of a weakness, such as CWE-502, ML06 (OWASP) and AML.T0010 (MITRE ATLAS)."""
    named = (
        tag.removeprefix(prefix) for tag in finding.tags for prefix in _CLASSES if tag.startswith(prefix)
    )
    return (*finding.cwes, *named)


def explanation(finding: Finding) -> tuple[str, ...]:
    """The paragraphs of a rule's help, without Markdown's headings and bold, and without the fix."""
    paragraphs = (" ".join(each.split()) for each in finding.help.split("\n\n"))
    return tuple(
        each.lstrip("# ").replace("**", "")
        for each in paragraphs
        if each and not (finding.fix and each.startswith("**Fix:**"))
    )


def hiding(finding: Finding) -> str:
    """That a comment in the file would hide it, if it were not the judged change that adds it; or nothing."""
    return (
        "A comment that this change adds would hide it; that counts only on the base."
        if finding.self_hiding
        else ""
    )


def remedy(finding: Finding) -> str:
    """What to do about a finding, as prose with code between backticks, or nothing."""
    if finding.package and finding.fixed_in:
        versions = finding.fixed_in.split(", ")
        return f"upgrade `{finding.package}` to {' or '.join(f'`{each}`' for each in versions[:3])}"
    if finding.package and finding.aliases and not finding.fix:
        return "no fixed version is known"
    return finding.fix


def file_address(uri: str) -> str:
    """The end of the address of a file, in the view that has lines."""
    return f"{path_url(uri)}{'?plain=1' if uri.lower().endswith(_SHOWN_AS_SOURCE) else ''}"


def plural(number: int, word: str) -> str:
    """Such as "1 finding" or "2,000 findings"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Such as "0.4 s", "41 s" or "3 min 5 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def looked_at(tool: ToolReport) -> str:
    """Such as "14 of 14", with what became of the canary."""
    if tool.status == "skipped":
        return "nothing"
    canary = "" if tool.canary == "not needed" else f", canary {tool.canary}"
    return f"{tool.scanned:,} of {tool.expected:,}{canary}"


def data(tool: ToolReport) -> str:
    """Such as "OSV, 2026-11-20": what a tool compared with, and of what date; nothing for most tools."""
    day = tool.data_date.isoformat() if tool.data_date else ""
    return ", ".join(filter(None, (tool.data_source or "", day)))


def reason(tool: ToolReport) -> str:
    """Why a tool has the status it has, where its name stands beside it anyway."""
    return tool.reason.removeprefix(f"{tool.name}: ")


def problems(tool: ToolReport) -> tuple[str, ...]:
    """What a tool could not read, without what its reason says already."""
    return tuple(each for each in tool.problems if each != reason(tool))


def stages_in_words(stages: Iterable[StageReport]) -> str:
    """Such as "2 of 5 stages complete, sca and model incomplete, container skipped"."""
    every = tuple(stages)
    names: dict[Status, list[str]] = {}
    for stage in every:
        if not _complete(stage):
            names.setdefault(stage.status, []).append(shorten(stage.name, 40))
    if not names:
        return f"{'all ' if len(every) > 2 else ''}{plural(len(every), 'stage')} complete"
    complete = len(every) - sum(map(len, names.values()))
    said = [f"{complete} of {plural(len(every), 'stage')} complete"]
    for status, named in sorted(names.items(), key=lambda each: WORST_FIRST.index(each[0])):
        rest = len(named) - _MOST_STAGES
        shown = [*named[:_MOST_STAGES], f"{rest} more"] if rest > 0 else named
        said.append(f"{' and '.join(filter(None, (', '.join(shown[:-1]), shown[-1])))} {status}")
    return ", ".join(said)


def _complete(stage: StageReport) -> bool:
    return stage.status in {"passed", "findings"}
