"""What came out of reading a model file, in one word, and as JSON for other processes and later runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlsecops.models.inspection import Fact, Inspection, Unread
from mlsecops.models.rules import RULES

Outcome = Literal["dangerous", "unknown", "harmless", "not scanned"]

DANGEROUS, DOUBTFUL = 7.0, 4.0
_UNRATED = 7.0  # a severity that nobody gave counts as high


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A file that was read, or why it was not.

    `sha256` is of the very bytes that were read, "" where nothing was hashed. `known` says that it was hashed
    only, because an earlier run has read the same bytes.
    """

    found: Inspection
    size: int = 0
    sha256: str = ""
    known: bool = False

    @property
    def outcome(self) -> Outcome:
        """The gravest thing that can be said of the file.

        A file with a dangerous part is dangerous, whether or not the rest could be read; a file that was not
        read to its end is nothing better than `not scanned`.
        """
        worst = max(map(severity_of, self.found.facts.values()), default=0.0)
        if worst >= DANGEROUS:
            return "dangerous"
        if self.found.unread:
            return "not scanned"
        return "unknown" if worst >= DOUBTFUL else "harmless"

    @property
    def reason(self) -> str:
        """Why it was not read, or not to its end, in one plain phrase; "" where it was."""
        return " ".join(_sentence(self.found.unread[0]).split()) if self.found.unread else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        found = self.found
        return {
            "size": self.size,
            "sha256": self.sha256,
            "known": self.known,
            "formats": found.formats,
            "facts": [asdict(fact) for fact in found.facts.values()],
            "unread": [asdict(each) for each in found.unread],
            "imports": sorted(found.imports),
            "operators": sorted(found.operators),
            "producer": found.producer,
            "details": found.details,
            "streams": found.streams,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inspected:
        """The reverse of `to_json`. Raises LookupError, TypeError or AttributeError for anything else."""
        found = Inspection(
            formats=[str(each) for each in data["formats"]],
            unread=[Unread(**each) for each in data["unread"]],
            imports={str(each) for each in data["imports"]},
            operators={str(each) for each in data["operators"]},
            producer=str(data["producer"]),
            details={str(key): str(value) for key, value in data["details"].items()},
            streams=int(data["streams"]),
        )
        for each in data["facts"]:
            found.add(Fact(**each))
        known = data["known"] is True
        return cls(found=found, size=int(data["size"]), sha256=str(data["sha256"]), known=known)


def severity_of(fact: Fact) -> float:
    """The severity of a fact: its own, else its rule's."""
    if fact.severity is not None:
        return fact.severity
    rule = RULES.get(fact.rule)
    return rule.severity if rule else _UNRATED


def _sentence(unread: Unread) -> str:
    return f"{unread.part}: {unread.reason}" if unread.part else unread.reason
