"""What other jobs left, in which a pull request's code may have run: hostile until it was looked at."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from mlsecops.findings.fields import own_properties
from mlsecops.github.archive import ArtifactError, unpack_report
from mlsecops.github.inputs import DEFAULT_IDENTIFIER
from mlsecops.github.needs import Ending, Need
from mlsecops.report.escape import shorten, visible
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import SarifError, read
from mlsecops.sarif.raw import RawFiles
from mlsecops.sarif.union import category_of

__all__ = [
    "LIMITS",
    "SIDE_FILES",
    "ArtifactError",
    "Limits",
    "accept",
    "check_folder",
    "gather",
    "unpack_report",
]

_MOST_IMAGES = 20
SIDE_FILES = (
    *("sbom.cdx.json", "junit.xml", "image-sbom.cdx.json"),
    *(f"image-{number}-sbom.cdx.json" for number in range(2, _MOST_IMAGES + 1)),
)

_CHUNK = 1 << 20
_ENDED: Mapping[Ending, str] = {
    "failure": "its job failed",
    "cancelled": "its job was cancelled",
    "skipped": "its job was skipped",
}
_NOTHING = "it left no result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a folder may hold: how many files, and how many bytes together and each."""

    files: int = 200
    bytes: int = 512 << 20
    file_bytes: int = 256 << 20


LIMITS = Limits()


class _RefusedError(Exception):
    """Why a stage's result cannot be used, as a person reads it behind the stage's name."""


def check_folder(folder: Path, *, limits: Limits = LIMITS) -> None:
    """Raise ArtifactError unless the folder holds nothing but plain files, within the limits.

    A folder that is not there holds nothing.
    """
    if folder.is_symlink():
        raise ArtifactError(f"{visible(folder.name)} is a link, and no folder of results")
    if not folder.exists():
        return
    count = size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            count += 1
            if count > limits.files:
                raise ArtifactError(f"the stages left more than {limits.files} files")
            size += _checked_size(entry, limits)
            if size > limits.bytes:
                raise ArtifactError(f"the stages left more than {limits.bytes:,} bytes")


def accept(
    folder: Path,
    needs: Mapping[str, Need],
    due: Sequence[str],
    into: Path,
    *,
    identifier: str | None = None,
    limits: Limits = LIMITS,
) -> dict[str, str]:
    """Copy the results in a folder that are those of the jobs they claim to be of; why the others are not.

    `<stage>.sarif` counts for a stage that is due when the stage's job succeeded, the file has the SHA-256
    that the job gave as its output, and all its runs are of that stage (and of the project `identifier`,
    where given). A job could write over another one's artifact, but not over its outputs. Side files are
    copied too. Raises ArtifactError when the folder itself cannot be trusted, OSError when copying fails.
    """
    check_folder(folder, limits=limits)
    _take_side_files([folder], into, limits)

    def take(stage: str) -> None:
        need = needs.get(stage)
        if need is None:
            raise _RefusedError("its job is none of those that the report needs")
        if need.result != "success":
            raise _RefusedError(_ENDED[need.result])
        if need.sha256 is None:
            raise _RefusedError(_NOTHING)
        _take(folder / f"{stage}.sarif", stage, into, identifier, limits, need.sha256)

    return _absent(due, take)


def gather(
    folder: Path,
    due: Sequence[str],
    into: Path,
    *,
    identifier: str | None = None,
    limits: Limits = LIMITS,
) -> dict[str, str]:
    """The same for results of steps of this very job, each in a folder of its own below `folder`.

    There is no second witness for them, so they are only looked at.
    """
    if folder.is_symlink():
        raise ArtifactError(f"{visible(folder.name)} is a link, and no folder of results")
    folders = sorted(folder.iterdir()) if folder.exists() else []
    for each in folders:
        if not each.is_dir():
            raise ArtifactError(f"{visible(each.name)} is no folder of results")
        check_folder(each, limits=limits)
    _take_side_files(folders, into, limits)

    def take(stage: str) -> None:
        found = [each / f"{stage}.sarif" for each in folders if (each / f"{stage}.sarif").exists()]
        if len(found) != 1:
            raise _RefusedError("it left more than one result" if found else _NOTHING)
        _take(found[0], stage, into, identifier, limits)

    return _absent(due, take)


def _absent(due: Sequence[str], take: Callable[[str], None]) -> dict[str, str]:
    absent = {}
    for stage in due:
        try:
            take(stage)
        except _RefusedError as reason:
            absent[stage] = str(reason)
    return absent


def _checked_size(entry: os.DirEntry[str], limits: Limits) -> int:
    name = f"'{visible(shorten(entry.name, 60))}'"
    if not entry.name.isprintable():
        raise ArtifactError(f"the stages left a file whose name cannot be printed: {name}")
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"the stages left {name}, which is no plain file")
    if status.st_nlink > 1:
        raise ArtifactError(f"the stages left {name}, which is a link to another file")
    if status.st_size > limits.file_bytes:
        raise ArtifactError(f"the stages left {name}, which has more than {limits.file_bytes:,} bytes")
    return status.st_size


def _take(
    source: Path, stage: str, into: Path, identifier: str | None, limits: Limits, sha256: str | None = None
) -> None:
    """Copy a result and look at the copy; nothing stays of one that is refused. Raises _RefusedError."""
    target = into / source.name
    try:
        digest = _copy(source, target, limits.file_bytes)
        _look(target, stage, identifier, limits, same=sha256 in {None, digest})
    except FileNotFoundError:
        raise _RefusedError(_NOTHING) from None
    except _RefusedError:
        target.unlink()
        raise


def _look(path: Path, stage: str, identifier: str | None, limits: Limits, *, same: bool) -> None:
    if not same:
        raise _RefusedError("its result is not the one that its job left (sha-256 differs)")
    try:
        log = read(path, max_bytes=limits.file_bytes)
        for run in RawFiles().runs(path):  # a merge reads more strictly
            run.category()
            for _ in run.results():
                pass
    except SarifError as error:
        reason = visible(shorten(str(error).replace(str(path), path.name), 200))
        raise _RefusedError(f"its result cannot be read: {reason}") from None
    runs = log["runs"]
    if not runs:
        raise _RefusedError("its result names no tool")
    if not all(_belongs(run, stage, identifier) for run in runs):
        raise _RefusedError("its result speaks for another stage or project")
    try:
        orjson.dumps(log)
    except orjson.JSONEncodeError:  # takes less depth than reading does
        raise _RefusedError("its result is nested too deep") from None


def _belongs(run: Json, stage: str, identifier: str | None) -> bool:
    """Whether a run is of a stage: by what it says, and by its category `mlsecops/[id/]<stage>/<tool>/`."""
    project = "(?:[^/]+/)?" if identifier is None else ""
    if identifier not in {None, DEFAULT_IDENTIFIER}:
        project = f"{re.escape(str(identifier))}/"
    pattern = f"mlsecops/{project}{re.escape(stage)}/[^/]+/"
    said = own_properties(run).get("stage")
    return said == stage and re.fullmatch(pattern, category_of(run)[1]) is not None


def _take_side_files(folders: Sequence[Path], into: Path, limits: Limits) -> None:
    for name in SIDE_FILES:
        for folder in folders:
            with suppress(FileNotFoundError, FileExistsError):
                _copy(folder / name, into / name, limits.file_bytes)


def _copy(source: Path, target: Path, most_bytes: int) -> str:
    """Copy a plain file that is no link; its SHA-256. The target must not be there."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "rb") as reader, target.open("xb") as writer:
        left = most_bytes
        while chunk := reader.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ArtifactError(f"{source.name} has more than {most_bytes:,} bytes")
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()
