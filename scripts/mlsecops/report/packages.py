"""What one change takes care of is one row: the flaws of a package, the sets of parameters of a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from packaging.version import InvalidVersion, Version

from mlsecops.findings import Finding
from mlsecops.findings.sightings import is_advisory
from mlsecops.report.parts import place, plural, remedy

_Key = tuple[object, ...]


def packed(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Findings in rows, in the order of the first of each.

    Those of a row share package, version and line, or are one test with several sets of parameters.
    """
    rows: dict[_Key, list[Finding]] = {}
    for finding in findings:
        rows.setdefault(_key(finding), []).append(finding)
    return [tuple(row) for row in rows.values()]


def title(row: Sequence[Finding]) -> str:
    """What a row is about."""
    first = row[0]
    if len(row) == 1:
        return first.title
    if first.package is None:
        return f"{first.title.removesuffix('.')}, with {plural(len(row), 'set')} of parameters"
    installed = f" {first.installed}" if first.installed else ""
    return f"{first.package}{installed} has {len(row)} known vulnerabilities"


def where(row: Sequence[Finding]) -> str:
    """The place of a row, as `place` writes it."""
    first = row[0]
    if len(row) == 1 or first.cell is None:
        return place(first)
    return place(replace(first, cell=_test(first)))


def upgrade(row: Sequence[Finding]) -> str:
    """What to do about a row, as prose with code between backticks, or nothing."""
    if len(row) == 1 or row[0].package is None:
        return remedy(row[0])
    installed = _version(row[0].installed or "")
    fixes = [_fix(each.fixed_in or "", installed) for each in row]
    known = [fix for fix in fixes if fix is not None]
    without = len(fixes) - len(known)
    rest = f"no fixed version is known for {without} of them" if without else ""
    most = f"upgrade `{row[0].package}` to `{max(known)}`" if known else ""
    return "; ".join(filter(None, (most, rest)))


def _key(finding: Finding) -> _Key:
    test = _test(finding)
    if test:
        return (finding.rule_id, finding.uri, finding.line, test, finding.state)
    if finding.package is None or not is_advisory(finding.rule_id):
        return (finding.fingerprint,)
    return (finding.package, finding.installed, finding.uri, finding.line, finding.stages, finding.state)


def _test(finding: Finding) -> str:
    """The name of a test with parameters, without those; nothing for anything else."""
    name, bracket, _ = (finding.cell or "").partition("[")
    return name if bracket and finding.stage == "test" else ""


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
