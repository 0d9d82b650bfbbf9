"""Trivy's vulnerability database: the policy's file, else kept in the cache and fetched when it is old."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mlsecops.containers.trivy.program import Program
from mlsecops.job import Job, Problem, ToolError, fresh_folder, printable

_DATABASE, _METADATA = "trivy.db", "metadata.json"
_LARGEST = 16 << 30
_LARGEST_METADATA = 1 << 16
_FETCH_SECONDS = 900.0
_LOCK_SECONDS = 1000.0
# Clocks differ a little.
_FUTURE = timedelta(days=1)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PUBLISHED = "the database that Trivy's project publishes"


@dataclass(frozen=True, slots=True)
class Database:
    """A database in a folder, of when its data is, and what it is called in reports."""

    folder: Path
    updated: datetime
    next_update: datetime
    source: str
    notes: tuple[str, ...] = ()

    @property
    def data(self) -> Mapping[str, str]:
        """What a run says of its data."""
        return {"source": printable(self.source), "date": self.updated.date().isoformat()}


def database_of(job: Job, program: Program) -> Database:
    """The database of the run. Raises ToolError with the reason when there is none."""
    settings = job.policy.container.trivy
    try:
        if settings.database is not None:
            return _given(job, settings.database)
        return _kept(job, program, settings.mirror)
    except (OSError, tarfile.TarError, EOFError, Timeout) as error:
        raise ToolError(
            f"the vulnerability database cannot be used: {printable(str(error))[:200]}"
        ) from error


def stale(job: Job, database: Database) -> list[Problem]:
    """The problem that data is older than the policy allows."""
    age = job.context.now() - database.updated
    if age <= job.policy.max_data_age:
        return []
    days = f"{age.days} days old, the policy allows {job.policy.max_data_age.days}"
    text = f"its data ({printable(database.source)}) is of {database.updated.date()} and {days}"
    return [Problem("vulnerability database", text, kind="stale")]


def read(folder: Path, source: str, now: datetime) -> Database:
    """A folder with `trivy.db` and its `metadata.json`. Raises ToolError when it is none."""
    told = folder / _METADATA
    if not (folder / _DATABASE).is_file() or not told.is_file():
        raise ToolError(f"{source} is no vulnerability database: it lacks {_DATABASE} or {_METADATA}")
    try:
        with told.open("rb") as stream:
            meta = json.loads(stream.read(_LARGEST_METADATA))
        updated, following = _moment(meta["UpdatedAt"]), _moment(meta["NextUpdate"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{source} does not say of when it is ({_METADATA})") from error
    if updated > now + _FUTURE:
        raise ToolError(f"{source} says that it is from the future")
    return Database(folder, updated, following, source)


def _given(job: Job, named: str) -> Database:
    """The policy's folder, as `trivy.db` lies in it or in its `db`, or an archive of one."""
    path = job.root / named
    if path.is_file():
        folder = fresh_folder(job.work / "database")
        _unpack(path, folder)
    elif (path / "db" / _DATABASE).is_file():
        folder = path / "db"
    else:
        folder = path
    return read(folder, named, job.context.now())


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as packed:
        for member in packed:
            name = member.name.rpartition("/")[2]
            content = (
                packed.extractfile(member) if name in (_DATABASE, _METADATA) and member.isreg() else None
            )
            if content is None or member.size > _LARGEST:
                continue
            with (folder / name).open("wb") as out:
                shutil.copyfileobj(content, out)


def _kept(job: Job, program: Program, mirror: str | None) -> Database:
    """The database in the cache, fetched anew when there is a newer one."""
    cache = job.context.toolbox.cache / "trivy"
    cache.mkdir(parents=True, exist_ok=True)
    source, now = mirror or _PUBLISHED, job.context.now()
    kept = cache / (f"db-{sha256(mirror.encode()).hexdigest()[:16]}" if mirror else "db")
    with FileLock(f"{kept}.lock", timeout=_LOCK_SECONDS):
        notes: tuple[str, ...] = ()
        if not _current(kept, source, now):
            try:
                _fetch(job, program, mirror, kept)
            except ToolError as error:
                if not (kept / _DATABASE).is_file():
                    raise ToolError(
                        f"the vulnerability database cannot be had: {error}; the policy can name a copy "
                        "(container.trivy.database) or a mirror (container.trivy.mirror)"
                    ) from error
                notes = (f"no newer vulnerability database could be fetched: {error}",)
        # A later run may replace the files in the cache while this one reads them.
        own = fresh_folder(job.work / "database")
        for name in (_DATABASE, _METADATA):
            _link(kept / name, own / name)
    found = read(own, source, now)
    return Database(found.folder, found.updated, found.next_update, source, notes)


def _current(kept: Path, source: str, now: datetime) -> bool:
    try:
        return now < read(kept, source, now).next_update
    except ToolError:
        return False


def _fetch(job: Job, program: Program, mirror: str | None, kept: Path) -> None:
    cache = fresh_folder(kept.parent / "next")
    options = ["--no-progress", *(["--db-repository", mirror] if mirror else [])]
    try:
        job.execute(
            [
                program.path,
                "image",
                "--download-db-only",
                "--cache-dir",
                str(cache),
                "--no-progress",
                *options,
            ]
            + [*settings(job), "--disable-telemetry", "--skip-version-check"],
            exit_codes=(0,),
            timeout=_FETCH_SECONDS,
            env={name: os.environ[name] for name in _PROXIES if name in os.environ},
            silent=True,
            largest=_LARGEST,
        )
        shutil.rmtree(kept, ignore_errors=True)
        (cache / "db").replace(kept)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def settings(job: Job) -> tuple[str, str]:
    """The option that names a file which sets nothing, in the place of one that a repository could give."""
    file = job.work / "settings.yaml"
    file.write_text("{}\n", encoding="utf-8")
    return "--config", str(file)


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
