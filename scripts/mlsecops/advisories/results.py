"""Advisories as SARIF rules and results: the same shape whichever tool found them."""

from __future__ import annotations

from mlsecops.advisories.groups import Advisory
from mlsecops.sarif.build import Json, Location, Result, Rule


def rule(advisory: Advisory) -> Rule:
    """The rule that an advisory is."""
    told = advisory.summary or f"{advisory.package} has a known vulnerability"
    names = ", ".join(advisory.aliases)
    known = f" Also known as {names}." if names else ""
    exploited = (
        f" It has been exploited in the wild since {advisory.exploited}." if advisory.exploited else ""
    )
    malicious = " The package itself is malware." if advisory.malicious else ""
    tags = [f"external/cwe/{cwe.lower()}" for cwe in advisory.cwe] or ["external/cwe/cwe-1395"]
    return Rule(
        id=advisory.id,
        name=advisory.id,
        summary=f"{told} ({advisory.id}).",
        help=f"{told}.{known}{exploited}{malicious}",
        fix=fix(advisory),
        severity=advisory.severity.score,
        help_uri=f"https://osv.dev/vulnerability/{advisory.records[0]}",
        tags=(*tags, "owasp-ml/ML06", *(["known-exploited"] if advisory.exploited else [])),
        precision="very-high",
    )


def result(advisory: Advisory, name: str, version: str, location: Location, remark: str = "") -> Json:
    """A package that has it; name and version are as its manifest writes them."""
    told = f": {advisory.summary}" if advisory.summary else ""
    more = f" {remark}" if remark else ""
    unknown = " Its severity is not known and counts as high." if advisory.severity.basis == "unknown" else ""
    return Result(
        rule_id=advisory.id,
        message=f"{name} {version} has {advisory.id}{told}. {fix(advisory)}{more}{unknown}",
        location=location,
        severity=advisory.severity.score,
        identity=("advisory", advisory.id, name),
        properties={
            "aliases": list(advisory.aliases),
            "package": name,
            "installed": version,
            "fixed-in": advisory.fixed[0] if advisory.fixed else None,
            "kev": bool(advisory.exploited),
            "severity-basis": advisory.severity.basis,
        },
    ).to_sarif()


def fix(advisory: Advisory) -> str:
    """What to do about it, as a sentence."""
    if advisory.malicious:
        return f"Remove {advisory.package} and treat the machines that installed it as compromised."
    if advisory.fixed:
        return f"Use {advisory.package} {advisory.fixed[0]} or newer."
    return "There is no fixed release: replace the package, or waive it with a reason and an end."
