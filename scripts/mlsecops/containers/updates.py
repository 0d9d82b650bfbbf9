"""The finding that an installed source package is behind, the same whoever noticed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlsecops.advisories.severity import Severity
from mlsecops.job import printable
from mlsecops.sarif.build import Json, Location, Result, Rule

_MOST_NAMED = 20
PENDING = Rule(
    id="image-pending-security-update",
    name="PendingSecurityUpdate",
    summary="A package of the image has a security update that is not installed.",
    help="The distribution has published a fixed version. Flaws that it has not fixed yet are not listed.",
    fix="Build on a newer version of the base image, without a cache (`docker build --pull --no-cache`); "
    "until there is one, install the updates in the Dockerfile (`apt-get update && apt-get upgrade -y`, "
    "`apk upgrade`, `dnf upgrade`).",
    severity=7.0,
    tags=("external/cwe/cwe-1395",),
    precision="very-high",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A source package that is behind: which of its packages are there, what fixes them and what that fixes.

    `severity` None is one that nobody told.
    """

    source: str
    names: Sequence[str]
    installed: str
    fixed: str
    line: int
    fixes: Sequence[str]
    severity: Severity | None = None


def result(update: Update, uri: str) -> Json:
    """One finding for all packages that are built from a source."""
    names = update.names
    others = f" (and {len(names) - 1} more of {update.source})" if len(names) > 1 else ""
    fixed = f" It fixes {_listed(update.fixes)}." if update.fixes else ""
    known = update.severity if update.severity and update.severity.basis != "unknown" else None
    unknown = "" if known else " Its severity is not known and counts as high."
    text = f"{names[0]} {update.installed}{others} has the security update {update.fixed}.{fixed}{unknown}"
    return Result(
        rule_id=PENDING.id,
        message=printable(text),
        location=Location(uri=uri, start_line=update.line),
        severity=known.score if known else None,
        identity=("image", PENDING.id, uri, printable(update.source)),
        properties={
            "package": printable(update.source),
            "installed": printable(update.installed),
            "fixed-in": printable(update.fixed),
            "fixes": list(update.fixes),
            "severity-basis": known.basis if known else "unknown",
        },
    ).to_sarif()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
