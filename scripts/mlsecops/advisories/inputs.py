"""What advisories come in (dumps, checkouts, bundles, snapshots) -> records and where they are from."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from mlsecops.advisories.files import META, Limits, folder_members, json_object, shown, unpacked, zip_members
from mlsecops.advisories.parse import from_osv, timestamp
from mlsecops.advisories.record import AdvisoryError, Json, Record
from mlsecops.advisories.snapshot import MAGIC, Origin, Snapshot
from mlsecops.advisories.snapshot import parse as parse_snapshot

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
# The licences the databases publish under, by the prefix of their ids.
_LICENCES = {"GHSA": "CC-BY-4.0", "PYSEC": "CC-BY-4.0", "MAL": "Apache-2.0"}


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one input; `kev` only when the input is a snapshot that has one."""

    records: tuple[Record, ...]
    origins: tuple[Origin, ...]
    kev: Mapping[str, str] = field(default_factory=dict)


def read(path: Path, *, latest: date, limits: Limits | None = None) -> Batch:
    """Read an OSV dump (zip), a folder of OSV JSON or PyPA YAML, a bundle `{"meta", "vulns"}` or a snapshot.

    A folder may have a `meta.json`; like "meta" of a bundle it tells source, commit, commit_date and licence.
    Dates after `latest` do not make the data newer: one record from the future would make it fresh for ever.
    Raises AdvisoryError with one sentence that names the file.
    """
    limits = limits or Limits()
    try:
        if path.is_dir():
            return _collect(path, folder_members(path, limits), _told(path, limits), latest)
        if zipfile.is_zipfile(path):
            return _collect(path, zip_members(path, limits), Origin(path.name), latest)
        return _bundle(path, unpacked(path, limits), latest)
    except OSError as error:
        raise AdvisoryError(f"{path} cannot be read: {error.strerror or error}") from error


def read_kev(path: Path, limits: Limits | None = None) -> tuple[Origin, dict[str, str]]:
    """Known Exploited Vulnerabilities: CISA's JSON catalogue or `{"meta", "cves": {CVE: date}}`, gzip or not.

    Returns the origin and, for each CVE, the ISO date it was added. Raises AdvisoryError naming the file.
    """
    try:
        document = json_object(unpacked(path, limits or Limits()), str(path))
    except OSError as error:
        raise AdvisoryError(f"{path} cannot be read: {error.strerror or error}") from error
    listed, given = document.get("vulnerabilities"), document.get("cves")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(listed, list):
        pairs = [(item.get("cveID"), item.get("dateAdded")) for item in listed if isinstance(item, dict)]
    elif isinstance(given, dict):
        pairs = list(given.items())
    cves = {
        cve: timestamp(added)[:10] for cve, added in pairs if isinstance(cve, str) and _CVE.fullmatch(cve)
    }
    if not cves or len(cves) < len(pairs) or not all(cves.values()):
        raise AdvisoryError(f"{path} is no catalogue of known exploited vulnerabilities, or a damaged one")
    meta = document.get("meta") if isinstance(document.get("meta"), dict) else document
    origin = Origin(
        name=_text(meta, "source") or "CISA Known Exploited Vulnerabilities",
        commit=_text(meta, "catalogVersion"),
        date=timestamp(_text(meta, "dateReleased"))[:10] or max(cves.values()),
        licence=_text(meta, "licence") or "CC0-1.0",
        count=len(cves),
        kind="kev",
    )
    return origin, cves


def _bundle(path: Path, content: bytes, latest: date) -> Batch:
    if content.startswith(MAGIC):
        return _snapshot(parse_snapshot(content, path), path, latest)
    document = json_object(content, str(path))
    meta = document.get("meta")
    if isinstance(document.get("vulns"), list) and isinstance(meta, dict):
        origin = Origin(
            name=_text(meta, "source") or path.name,
            commit=_text(meta, "commit"),
            date=timestamp(_text(meta, "commit_date"))[:10],
            licence=_text(meta, "licence"),
        )
        return _collect(
            path, ((f"entry {n}", raw) for n, raw in enumerate(document["vulns"])), origin, latest
        )
    if "id" in document:
        return _collect(path, [("the record", document)], Origin(path.name), latest)
    raise AdvisoryError(f"{path} is neither an advisory, a bundle of advisories nor a snapshot")


def _told(folder: Path, limits: Limits) -> Origin:
    """What a folder says of itself in `meta.json`; a checkout has none."""
    told = folder / META
    return _origin(folder, json_object(unpacked(told, limits), str(told)) if told.is_file() else {})


def _origin(path: Path, meta: Json) -> Origin:
    return Origin(
        name=_text(meta, "source") or path.name,
        commit=_text(meta, "commit"),
        date=timestamp(_text(meta, "commit_date"))[:10],
        licence=_text(meta, "licence"),
    )


def _snapshot(snapshot: Snapshot, path: Path, latest: date) -> Batch:
    if snapshot.date > latest:
        raise AdvisoryError(f"{path} says that it is from the future")
    return Batch(tuple(snapshot.records()), snapshot.sources, snapshot.kev)


def _collect(path: Path, items: Iterable[tuple[str, Any]], given: Origin, latest: date) -> Batch:
    records: list[Record] = []
    for where, raw in items:
        try:
            record = from_osv(raw)
        except AdvisoryError as error:
            raise AdvisoryError(f"{path}: {shown(where)}: {error}") from error
        if record is not None:
            records.append(record)
    if not records:
        raise AdvisoryError(f"{path} holds no advisory for PyPI packages")
    days = {given.date} if given.date else {record.modified[:10] for record in records}
    believed = {day for day in days if day and day <= latest.isoformat()}
    if not believed:
        raise AdvisoryError(f"{path} does not say of what day its advisories are")
    licences = {_LICENCES.get(record.id.partition("-")[0], "unknown") for record in records}
    origin = Origin(
        name=given.name,
        commit=given.commit,
        date=max(believed),
        licence=given.licence or ", ".join(sorted(licences)),
        count=len(records),
    )
    return Batch(tuple(records), (origin,))


def _text(meta: Any, key: str) -> str:
    value = meta.get(key) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""
