"""The offline advisory data: gzip JSON Lines, loaded whole, understood record by record when asked.

The first line is `{"meta": ..., "kev": {CVE: date}, "packages": {name: [numbers of its records]}}`, each line
after it one record as `Record.to_json` gives it. A run parses the records of the packages it asks about only.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import orjson
from packaging.utils import canonicalize_name

from mlsecops.advisories.files import Limits, json_object, unpacked
from mlsecops.advisories.parse import from_json
from mlsecops.advisories.record import ECOSYSTEM, AdvisoryError, Json, Record
from mlsecops.advisories.versions import IncomparableVersionError, affects

FORMAT = 1
MAGIC = b'{"meta":{"format":'
"""How every snapshot begins, unpacked."""

_LIMITS = Limits(file_bytes=512 << 20)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data is from: `date` (ISO) is how new it is; what it does not say of itself is ""."""

    name: str
    commit: str = ""
    date: str = ""
    licence: str = ""
    count: int = 0
    kind: Literal["advisories", "kev"] = "advisories"


@dataclass(frozen=True)
class Snapshot:
    """Advisories of one day. `lines` are the records as JSON, `packages` maps names to positions in them.

    `date` is how new the data is, not when the file was made (`built`): that of the advisory source which
    most records came from, so that one fresh record added to an old database does not make it fresh.
    `kev` maps CVE to the ISO date it became known to be exploited.
    """

    name: str
    date: dt.date
    built: dt.date
    sources: tuple[Origin, ...]
    lines: Sequence[bytes]
    packages: Mapping[str, Sequence[int]]
    kev: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def age(self, today: dt.date) -> dt.timedelta:
        """How old the data is; never negative."""
        return max(today - self.date, dt.timedelta(0))

    def query(self, name: str, version: str) -> list[Record]:
        """The records that affect a package's version. `name` in any spelling.

        Raises AdvisoryError when the version is not PEP 440 and the package has advisories: nobody can say
        whether they hold, and "clean" would be a guess.
        """
        canonical = canonicalize_name(name)
        found: list[Record] = []
        for position in self.packages.get(canonical, ()):
            record = self._record(position)
            affected = record.of(canonical)
            if affected is None:
                raise AdvisoryError(f"the snapshot {self.name} is damaged: its index of {canonical} is wrong")
            try:
                if affects(affected.ranges, affected.versions, version):
                    found.append(record)
            except IncomparableVersionError as error:
                raise AdvisoryError(f"{canonical}: {error} with {record.id}") from error
        return found

    def record(self, identifier: str) -> Record | None:
        """The record with this id (not an alias)."""
        return self._by_id.get(identifier)

    def records(self) -> Iterator[Record]:
        """All records, in the order of their ids. Raises AdvisoryError when one is damaged."""
        return (self._record(position) for position in range(len(self.lines)))

    @property
    def counts(self) -> dict[str, int]:
        """Records by database, as `{"GHSA": 12, "PYSEC": 34}`."""
        return dict(sorted(Counter(identifier.partition("-")[0] for identifier in self._by_id).items()))

    def to_bytes(self) -> bytes:
        """The file's content; the same snapshot always gives the same bytes."""
        meta = {
            "format": FORMAT,
            "built": self.built.isoformat(),
            "date": self.date.isoformat(),
            "ecosystems": [ECOSYSTEM],
            "records": len(self.lines),
            "sources": [asdict(origin) for origin in self.sources],
        }
        kev = dict(sorted(self.kev.items()))
        packages = {name: list(self.packages[name]) for name in sorted(self.packages)}
        head = orjson.dumps({"meta": meta, "kev": kev, "packages": packages})
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
            file.write(b"\n".join([head, *self.lines]))
        return packed.getvalue()

    def save(self, path: Path) -> None:
        """Write the snapshot so that a reader sees the old file or the new one. Raises AdvisoryError."""
        content = self.to_bytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
                fresh = Path(folder) / path.name
                fresh.write_bytes(content)
                fresh.replace(path)
        except OSError as error:
            raise AdvisoryError(f"{path} cannot be written: {error.strerror or error}") from error

    @cached_property
    def _by_id(self) -> dict[str, Record]:
        return {record.id: record for record in self.records()}

    @cached_property
    def _understood(self) -> dict[int, Record]:
        return {}

    def _record(self, position: int) -> Record:
        known = self._understood.get(position)
        if known is None:
            try:
                known = from_json(orjson.loads(self.lines[position]))
            except (orjson.JSONDecodeError, IndexError, TypeError, AdvisoryError) as error:
                raise AdvisoryError(f"the snapshot {self.name} is damaged: {error}") from error
            self._understood[position] = known
        return known


def make(
    records: Iterable[Record],
    *,
    name: str,
    date: dt.date,
    built: dt.date,
    sources: tuple[Origin, ...],
    kev: Mapping[str, str],
) -> Snapshot:
    """A snapshot of these records, in the order of their ids."""
    lines: list[bytes] = []
    packages: dict[str, list[int]] = {}
    for position, record in enumerate(sorted(records, key=lambda record: record.id)):
        lines.append(orjson.dumps(record.to_json()))
        for affected in record.affected:
            packages.setdefault(affected.name, []).append(position)
    return Snapshot(name, date, built, sources, lines, packages, kev)


def load(path: Path) -> Snapshot:
    """Load a snapshot file. Raises AdvisoryError with one sentence that names the file."""
    try:
        return parse(unpacked(path, _LIMITS), path)
    except OSError as error:
        raise AdvisoryError(f"{path} cannot be read: {error.strerror or error}") from error


def parse(content: bytes, path: Path) -> Snapshot:
    """The unpacked content of a snapshot file -> Snapshot. Raises AdvisoryError that names the file."""
    if not content.startswith(MAGIC):
        raise AdvisoryError(f"{path} is no advisory snapshot")
    first, *lines = content.split(b"\n")
    head = json_object(first, str(path))
    meta, kev, packages = (_object(head.get(key)) for key in ("meta", "kev", "packages"))
    if meta.get("format") != FORMAT:
        raise AdvisoryError(f"{path} is a snapshot of format {meta.get('format')!r}, not of format {FORMAT}")
    if ECOSYSTEM not in (meta.get("ecosystems") or ()) or not packages or not lines:
        raise AdvisoryError(f"{path} holds no advisory for {ECOSYSTEM} packages")
    if meta.get("records") != len(lines) or not all(isinstance(held, list) for held in packages.values()):
        raise AdvisoryError(f"{path} is a damaged snapshot: its records and its index do not fit together")
    try:
        return Snapshot(
            name=path.name,
            date=dt.date.fromisoformat(meta["date"]),
            built=dt.date.fromisoformat(meta["built"]),
            sources=tuple(Origin(**origin) for origin in meta["sources"]),
            lines=lines,
            packages=packages,
            kev=kev,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AdvisoryError(f"{path} is a damaged snapshot: {error}") from error


def summary(snapshot: Snapshot, today: dt.date) -> list[tuple[str, str]]:
    """What `advisories show` prints: labels and values."""
    databases = ", ".join(f"{count:,} {database}" for database, count in snapshot.counts.items())
    rows = [
        ("data of", f"{snapshot.date.isoformat()} ({snapshot.age(today).days:,} days old)"),
        ("built", snapshot.built.isoformat()),
        ("advisories", f"{len(snapshot):,} ({databases}) on {len(snapshot.packages):,} packages"),
        ("exploited", f"{len(snapshot.kev):,} CVEs known to be exploited"),
    ]
    for origin in snapshot.sources:
        told = ", ".join(part for part in (origin.date, origin.commit[:12], origin.licence) if part)
        rows.append(("source", f"{origin.name} ({told}): {origin.count:,} records"))
    return rows


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
