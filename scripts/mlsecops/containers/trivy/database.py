"""Trivy's databases: the policy's files, else kept in the cache and fetched when there are newer ones."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mlsecops.containers.trivy.program import Program, plain
from mlsecops.job import Job, Problem, ToolError, fresh_folder, printable

METADATA = "metadata.json"
_LARGEST = 16 << 30
_LARGEST_METADATA = 1 << 16
_FETCH_SECONDS = 900.0
_LOCK_SECONDS = 1000.0
# Clocks differ a little.
_FUTURE = timedelta(days=1)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of Trivy's databases: its folder in a cache, its file, and the options that fetch it.

    `name` is what repositories of it are called, `tag` the version of its schema.
    """

    what: str
    folder: str
    file: str
    fetch: str
    repository: str
    name: str
    tag: str


VULNERABILITIES = Kind(
    what="vulnerability database",
    folder="db",
    file="trivy.db",
    fetch="--download-db-only",
    repository="--db-repository",
    name="trivy-db",
    tag="2",
)
JAVA = Kind(
    what="database of Java archives",
    folder="java-db",
    file="trivy-java.db",
    fetch="--download-java-db-only",
    repository="--java-db-repository",
    name="trivy-java-db",
    tag="1",
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database in a folder, of when its data is, and what it is called in reports."""

    kind: Kind
    folder: Path
    updated: datetime
    next_update: datetime
    source: str
    notes: tuple[str, ...] = ()

    @property
    def data(self) -> Mapping[str, str]:
        """What a run says of its data."""
        return {"source": printable(self.source), "date": self.updated.date().isoformat()}


def database_of(job: Job, program: Program, kind: Kind = VULNERABILITIES) -> Database:
    """A database for the run. Raises ToolError with the reason when there is none."""
    settings = job.policy.container.trivy
    try:
        if settings.database is not None:
            return _given(job, settings.database, kind)
        mirror = settings.mirror if kind is VULNERABILITIES else _beside(settings.mirror, kind)
        return _kept(job, program, mirror, kind)
    except (OSError, tarfile.TarError, EOFError, Timeout) as error:
        raise ToolError(f"the {kind.what} cannot be used: {printable(str(error))[:200]}") from error


def stale(job: Job, database: Database) -> list[Problem]:
    """The problem that data is older than the policy allows."""
    age = job.context.now() - database.updated
    if age <= job.policy.max_data_age:
        return []
    days = f"{age.days} days old, the policy allows {job.policy.max_data_age.days}"
    text = f"its data ({printable(database.source)}) is of {database.updated.date()} and {days}"
    return [Problem(database.kind.what, text, kind="stale")]


def read(folder: Path, source: str, now: datetime, kind: Kind = VULNERABILITIES) -> Database:
    """A folder with a database and its `metadata.json`. Raises ToolError when it is none."""
    told = folder / METADATA
    if not (folder / kind.file).is_file() or not told.is_file():
        raise ToolError(f"{source} is no {kind.what}: it lacks {kind.file} or {METADATA}")
    try:
        with told.open("rb") as stream:
            meta = json.loads(stream.read(_LARGEST_METADATA))
        updated, following = _moment(meta["UpdatedAt"]), _moment(meta["NextUpdate"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{source} does not say of when it is ({METADATA})") from error
    if updated > now + _FUTURE:
        raise ToolError(f"{source} says that it is from the future")
    return Database(kind, folder, updated, following, source)


def settings(job: Job) -> tuple[str, str]:
    """The option that names a file which sets nothing, in the place of one that a repository could give."""
    file = job.work / "settings.yaml"
    file.write_text("{}\n", encoding="utf-8")
    return "--config", str(file)


def _given(job: Job, named: str, kind: Kind) -> Database:
    """The policy's folder, as Trivy's cache or as one database, or an archive of that."""
    path = job.root / named
    if path.is_file():
        folder = fresh_folder(job.work / kind.folder)
        _unpack(path, folder, kind)
    else:
        folder = path / kind.folder if (path / kind.folder).is_dir() else path
    return read(folder, named, job.context.now(), kind)


def _unpack(archive: Path, folder: Path, kind: Kind) -> None:
    with tarfile.open(archive) as packed:
        for member in packed:
            above, _, name = member.name.rpartition("/")
            content = packed.extractfile(member) if member.isreg() else None
            if content is None or name not in (kind.file, METADATA) or member.size > _LARGEST:
                continue
            if name == METADATA and above.rpartition("/")[2] not in ("", ".", kind.folder):
                continue
            with (folder / name).open("wb") as out:
                shutil.copyfileobj(content, out)


def _beside(mirror: str | None, kind: Kind) -> str | None:
    """Where a mirror of the vulnerabilities has another database: beside them, under its usual name."""
    if mirror is None:
        return None
    above, _, last = mirror.partition("@")[0].rpartition("/")
    if last.partition(":")[0] != VULNERABILITIES.name:
        raise ToolError(f"where the mirror has the {kind.what} is not known")
    return f"{above}/{kind.name}:{kind.tag}"


def _kept(job: Job, program: Program, mirror: str | None, kind: Kind) -> Database:
    """The database in the cache, fetched anew when there is a newer one."""
    cache = job.context.toolbox.cache / "trivy"
    cache.mkdir(parents=True, exist_ok=True)
    source, now = mirror or f"the {kind.what} that Trivy's project publishes", job.context.now()
    kept = cache / (f"{kind.folder}-{sha256(mirror.encode()).hexdigest()[:16]}" if mirror else kind.folder)
    with FileLock(f"{kept}.lock", timeout=_LOCK_SECONDS):
        notes: tuple[str, ...] = ()
        if not _current(kept, source, now, kind):
            try:
                _fetch(job, program, mirror, kept, kind)
            except ToolError as error:
                if not (kept / kind.file).is_file():
                    raise ToolError(
                        f"the {kind.what} cannot be had: {error}; the policy can name a copy "
                        "(container.trivy.database) or a mirror (container.trivy.mirror)"
                    ) from error
                notes = (f"no newer {kind.what} could be fetched: {error}",)
        # A later run may replace the files in the cache while this one reads them.
        own = fresh_folder(job.work / kind.folder)
        for name in (kind.file, METADATA):
            _link(kept / name, own / name)
    return replace(read(own, source, now, kind), notes=notes)


def _current(kept: Path, source: str, now: datetime, kind: Kind) -> bool:
    try:
        return now < read(kept, source, now, kind).next_update
    except ToolError:
        return False


def _fetch(job: Job, program: Program, mirror: str | None, kept: Path, kind: Kind) -> None:
    cache = fresh_folder(kept.parent / "next")
    options = [kind.fetch, "--cache-dir", str(cache), *([kind.repository, mirror] if mirror else [])]
    try:
        job.execute(
            [program.path, "image", *options, *settings(job), "--no-progress"]
            + ["--disable-telemetry", "--skip-version-check"],
            exit_codes=(0,),
            timeout=_FETCH_SECONDS,
            env={name: os.environ[name] for name in _PROXIES if name in os.environ},
            silent=True,
            largest=_LARGEST,
        )
        shutil.rmtree(kept, ignore_errors=True)
        (cache / kind.folder).replace(kept)
    except ToolError as error:
        raise plain(error) from error
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _moment(text: Any) -> datetime:
    """A time as Go writes it, with more digits of a second than Python reads."""
    whole, dot, rest = str(text).partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    moment = datetime.fromisoformat(f"{whole}{dot}{digits[:6]}{rest[len(digits) :]}")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
