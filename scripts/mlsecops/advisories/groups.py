"""Records of several databases -> vulnerabilities as people know them, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlsecops.advisories.record import Affected, Record
from mlsecops.advisories.severity import Severity, is_malicious, rate
from mlsecops.advisories.versions import affects, fixed_versions, parse_version

_ORDER = ("CVE-", "GHSA-", "PYSEC-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One vulnerability of one version of a package.

    `id` is the CVE where there is one; `aliases` are its other names, `records` the ids of the database
    records it was told by. `fixed` are the later versions free of it, the nearest first. `exploited` is the
    ISO date it entered CISA's Known Exploited Vulnerabilities, or "".
    """

    id: str
    package: str
    version: str
    aliases: tuple[str, ...]
    records: tuple[str, ...]
    severity: Severity
    summary: str
    cwe: tuple[str, ...]
    fixed: tuple[str, ...]
    published: str
    exploited: str
    malicious: bool

    @property
    def ids(self) -> frozenset[str]:
        """Every name of it, to match it with what another tool calls it."""
        return frozenset((self.id, *self.aliases))


def canonical_id(ids: Iterable[str]) -> str:
    """The name a vulnerability goes by: its CVE, else GHSA, else PYSEC, else the first of the rest."""
    return min(ids, key=_id_key)


def group(records: Iterable[Record]) -> list[tuple[Record, ...]]:
    """Records of the same vulnerability together, in the order of their canonical ids.

    Two records are the same when they share a CVE. Records without a CVE join those they share another name
    with. Records of different CVEs stay apart even when both name the same GHSA (there are such mistakes):
    a waiver for one must not cover the other.
    """
    ordered = sorted(records, key=lambda record: _id_key(record.id))
    named = [record for record in ordered if _cves(record)]
    groups: list[list[Record]] = []
    for record in named:
        same = [known for known in groups if any(_cves(record) & _cves(other) for other in known)]
        groups = [known for known in groups if known not in same]
        groups.append([*(other for known in same for other in known), record])
    groups.sort(key=_group_key)
    for record in ordered:
        if not _cves(record):
            _join(groups, record)
    return [
        tuple(sorted(known, key=lambda record: _id_key(record.id)))
        for known in sorted(groups, key=_group_key)
    ]


def describe(
    records: Iterable[Record], *, package: str, version: str, exploited: Mapping[str, str]
) -> tuple[Advisory, ...]:
    """Records that affect a package's version -> advisories, the worst first.

    `package` is the canonical name; `exploited` maps CVE to the day it became known to be exploited.
    """
    advisories = [_describe(known, package, version, exploited) for known in group(records)]
    return tuple(sorted(advisories, key=lambda advisory: (-advisory.severity.score, _id_key(advisory.id))))


def _describe(
    records: Sequence[Record], package: str, version: str, exploited: Mapping[str, str]
) -> Advisory:
    ids = {identifier for record in records for identifier in record.ids}
    name = canonical_id(ids)
    since = min((exploited[identifier] for identifier in ids if identifier in exploited), default="")
    told = [affected for record in records if (affected := record.of(package)) is not None]
    return Advisory(
        id=name,
        package=package,
        version=version,
        aliases=tuple(sorted(ids - {name}, key=_id_key)),
        records=tuple(record.id for record in records),
        severity=rate(records, exploited=bool(since)),
        summary=next((record.summary for record in records if record.summary), ""),
        cwe=tuple(dict.fromkeys(cwe for record in records for cwe in record.cwe)),
        fixed=_fixed(told, version),
        published=min((record.published for record in records if record.published), default=""),
        exploited=since,
        malicious=any(is_malicious(record) for record in records),
    )


def _fixed(told: Sequence[Affected], version: str) -> tuple[str, ...]:
    """Versions after this one that a record names as fixed and that none of the records affects."""
    now = parse_version(version)
    if now is None:
        return ()
    named = {fix for affected in told for fix in fixed_versions(affected.ranges) if fix > now}
    return tuple(
        str(fix)
        for fix in sorted(named)
        if not any(affects(affected.ranges, affected.versions, str(fix)) for affected in told)
    )


def _join(groups: list[list[Record]], record: Record) -> None:
    for known in groups:
        if any(record.ids & other.ids for other in known):
            known.append(record)
            return
    groups.append([record])


def _cves(record: Record) -> frozenset[str]:
    return frozenset(identifier for identifier in record.ids if identifier.startswith("CVE-"))


def _group_key(records: Sequence[Record]) -> tuple[int, list[tuple[int, str]]]:
    return min(_id_key(identifier) for record in records for identifier in record.ids)


def _id_key(identifier: str) -> tuple[int, list[tuple[int, str]]]:
    """Order of names: by database, then so that 2021-9 comes before 2021-10."""
    rank = next((n for n, prefix in enumerate(_ORDER) if identifier.startswith(prefix)), len(_ORDER))
    return rank, [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[-_.:]", identifier)
    ]
