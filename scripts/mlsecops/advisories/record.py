"""One advisory record, and the forms it is given away in: a snapshot's compact JSON and clean OSV JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlsecops.advisories.versions import Event, parse_version

Json = dict[str, Any]

ECOSYSTEM = "PyPI"


class AdvisoryError(Exception):
    """Advisory data that cannot be read or trusted; the text is one sentence that says what and where."""


class ServiceError(AdvisoryError):
    """The service cannot be asked, or does not answer as OSV does; one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Affected:
    """What an advisory says of one package: `name` is canonical, each range is a tuple of (kind, version)."""

    name: str
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a vulnerability database, reduced to what a gate needs.

    `modified` and `published` are RFC 3339 in UTC, ending in Z; `severity` holds CVSS vectors as given;
    `word` is the database's own rating (LOW, MODERATE, MEDIUM, HIGH, CRITICAL) or "".
    """

    id: str
    modified: str
    aliases: tuple[str, ...] = ()
    published: str = ""
    withdrawn: bool = False
    summary: str = ""
    severity: tuple[str, ...] = ()
    word: str = ""
    cwe: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Every name of the vulnerability that this record knows."""
        return frozenset((self.id, *self.aliases))

    def of(self, name: str) -> Affected | None:
        """What the record says of the package with this canonical name."""
        return next((affected for affected in self.affected if affected.name == name), None)

    def to_json(self) -> Json:
        """The record as a snapshot stores it: OSV's words, nothing empty."""
        stored = {
            "id": self.id,
            "modified": self.modified,
            "aliases": list(self.aliases),
            "published": self.published,
            "summary": self.summary,
            "severity": list(self.severity),
            "word": self.word,
            "cwe": list(self.cwe),
            "affected": [
                _filled(
                    {
                        "name": affected.name,
                        "ranges": [[{kind: version} for kind, version in r] for r in affected.ranges],
                        "versions": list(affected.versions),
                    }
                )
                for affected in self.affected
            ],
        }
        return _filled(stored)

    def to_osv(self, name: str | None = None) -> Json:
        """The record as OSV JSON; with `name` only what it says of that package.

        That form is for pip-audit: it keeps the fixed versions of one range only, so all become one, and it
        crashes on fixed versions that are not PEP 440, so these are left out.
        """
        packages = [a for a in self.affected if name is None or a.name == name]
        osv: Json = {
            "id": self.id,
            "schema_version": "1.6.0",
            "modified": self.modified,
            "aliases": list(self.aliases),
            "affected": [_osv_affected(a, merge=name is not None) for a in packages],
        }
        if self.published:
            osv["published"] = self.published
        if self.summary:
            osv["summary"] = self.summary
        if self.severity:
            osv["severity"] = [{"type": vector_type(vector), "score": vector} for vector in self.severity]
        specific = _filled({"severity": self.word, "cwe_ids": list(self.cwe)})
        if specific:
            osv["database_specific"] = specific
        return osv


def vector_type(vector: str) -> str:
    """OSV's name for the CVSS version of a vector: CVSS_V2, CVSS_V3 or CVSS_V4."""
    if vector.startswith("CVSS:"):
        return f"CVSS_V{vector[5:6]}"
    return "CVSS_V2"


def _osv_affected(affected: Affected, *, merge: bool) -> Json:
    ranges = affected.ranges
    if merge:
        ranges = (tuple(event for events in ranges for event in events if _readable(event)),)
    osv: Json = {
        "package": {"ecosystem": ECOSYSTEM, "name": affected.name},
        "ranges": [
            {"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}
            for events in ranges
        ],
    }
    if affected.versions:
        osv["versions"] = list(affected.versions)
    return osv


def _readable(event: Event) -> bool:
    """pip-audit crashes on a fixed version that is not PEP 440."""
    kind, version = event
    return kind != "fixed" or parse_version(version) is not None


def _filled(value: Json) -> Json:
    return {key: item for key, item in value.items() if item}
