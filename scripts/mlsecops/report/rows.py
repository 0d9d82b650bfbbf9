"""What one change takes care of is one row: a package's flaws, a test's parameters, the same words again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from packaging.version import InvalidVersion, Version

from mlsecops.findings import Finding
from mlsecops.findings.sightings import is_advisory
from mlsecops.report.parts import place, plural, remedy

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Findings that a reader sees as one, at least one; they share severity, file and state."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """What the row is about."""
        first, number = self.first, len(self.findings)
        if number == 1:
            return first.title
        if _is_flaw(first):
            installed = f" {first.installed}" if first.installed else ""
            return f"{first.package}{installed} has {number} known vulnerabilities"
        title = first.title.removesuffix(".")
        if _test(first):
            return f"{title}, with {plural(number, 'set')} of parameters"
        return f"{title}, {number:,} times"

    @property
    def message(self) -> str:
        """What the first of its findings says beside the title, or nothing."""
        first = self.first
        told = first.message.startswith(first.title) or (len(self.findings) > 1 and _is_flaw(first))
        return "" if told else first.message

    @property
    def where(self) -> str:
        """The first place, as `place` writes it."""
        first = self.first
        test = _test(first) if len(self.findings) > 1 else ""
        return place(replace(first, cell=test) if test else first)

    @property
    def lines(self) -> tuple[int, ...]:
        """Further lines of the same file."""
        lines = dict.fromkeys(each.line for each in self.findings)
        return tuple(line for line in lines if line != self.first.line)

    @property
    def elsewhere(self) -> int:
        """How many further places its findings have in other files."""
        return sum(len(each.also_at) for each in self.findings)

    @property
    def fix(self) -> str:
        """What to do about it, as prose with code between backticks, or nothing."""
        together = len(self.findings) > 1 and _is_flaw(self.first)
        return _upgrade(self.findings) if together else remedy(self.first)

    @property
    def tools(self) -> tuple[str, ...]:
        """Everyone who found one of it."""
        return tuple(dict.fromkeys(tool for each in self.findings for tool in each.tools))

    @property
    def kev(self) -> bool:
        """Whether one of it is known to be exploited."""
        return any(each.kev for each in self.findings)


def packed(findings: Iterable[Finding]) -> list[Row]:
    """Findings in rows, in the order of the first of each."""
    rows: dict[_Key, list[Finding]] = {}
    for finding in findings:
        rows.setdefault(_key(finding), []).append(finding)
    return [Row(tuple(row)) for row in rows.values()]


def _key(finding: Finding) -> _Key:
    """What the findings of a row have in common."""
    shared = (finding.uri, finding.stages, finding.state)
    if _is_flaw(finding):
        return ("package", finding.package, finding.installed, finding.line, *shared)
    if test := _test(finding):
        return ("test", test, finding.rule_id, finding.line, *shared)
    # A cell of a notebook is one of its places; anything else with a name of its own is not.
    part = None if finding.uri.endswith(".ipynb") else finding.cell
    words = (finding.rule_id, finding.title, finding.message, remedy(finding), part)
    return ("words", *words, finding.severity, finding.self_hiding, *shared)


def _is_flaw(finding: Finding) -> bool:
    return finding.package is not None and is_advisory(finding.rule_id)


def _test(finding: Finding) -> str:
    """The name of a test with parameters, without those; nothing for anything else."""
    name, bracket, _ = (finding.cell or "").partition("[")
    return name if bracket and finding.stage == "test" else ""


def _upgrade(flaws: tuple[Finding, ...]) -> str:
    installed = _version(flaws[0].installed or "")
    fixes = [_fix(each.fixed_in or "", installed) for each in flaws]
    known = [fix for fix in fixes if fix is not None]
    without = len(fixes) - len(known)
    rest = f"no fixed version is known for {without} of them" if without else ""
    most = f"upgrade `{flaws[0].package}` to `{max(known)}`" if known else ""
    return "; ".join(filter(None, (most, rest)))


def _fix(fixed_in: str, installed: Version | None) -> Version | None:
    """The least of the versions that fix it, above the installed one where that can be told."""
    versions = sorted(filter(None, map(_version, fixed_in.split(", "))))
    above = [each for each in versions if installed is None or each > installed]
    return next(iter(above or versions), None)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
