"""What the comment says of findings, read back from its Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.report.sections import SEVERITY_SIGNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One finding of the comment; `what` is all of its Markdown."""

    severity: str
    what: str
    place: str
    tools: str
    fix: str


def listed(comment: str) -> Iterator[Listed]:
    """The findings that the comment shows, in its order."""
    for line in comment.splitlines():
        if line.startswith(tuple(f"- {sign}" for sign in SEVERITY_SIGNS.values())):
            yield _listed(line)


def _listed(line: str) -> Listed:
    head, *parts = line.split("<br>")
    severity = head.partition(" · ")[0]
    fixes = [part.removeprefix("**Fix:** ") for part in parts if part.startswith("**Fix:** ")]
    return Listed(
        severity=severity.rpartition("\u00a0")[2],
        what=line,
        place=head.rpartition(" · ")[2].strip("`"),
        tools=parts[-1].partition("found by ")[2].partition(" · ")[0],
        fix="".join(fixes),
    )
