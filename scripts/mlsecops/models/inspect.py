"""Read one model file: what it is, what loading it would do, and whether all of it could be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlsecops.models.inspection import Inspection
from mlsecops.models.outcome import Inspected
from mlsecops.models.source import Source
from mlsecops.models.walk import HEAD, Bounds, Reader, UnreadableError, Walk
from mlsecops.project.pointers import absence, pointer_of
from mlsecops.project.reading import opened

EMPTY = "it is empty"
_SMALL = 8 << 20
UNKNOWN_FORMAT = "its format is not known"


def inspect(
    path: Path,
    *,
    readers: Sequence[Reader],
    scratch: Path,
    hashing: bool = True,
    bounds: Bounds | None = None,
    known: Collection[str] = (),
) -> Inspected:
    """Read a file, opened once, links not followed; whatever is in it, nothing is raised.

    `scratch` is a folder for what has to be unpacked. Without `hashing` the result has no hash. A file whose
    hash is in `known` is not read.
    """
    try:
        with opened(str(path)) as stream:
            return _inspect(Source.of(stream), readers, scratch, hashing, bounds or Bounds(), known)
    except OSError as error:
        return unread(f"it cannot be read: {error.strerror or error}")


def _inspect(
    source: Source,
    readers: Sequence[Reader],
    scratch: Path,
    hashing: bool,
    bounds: Bounds,
    known: Collection[str],
) -> Inspected:
    before = os.fstat(source.stream.fileno())
    with ThreadPoolExecutor(1) as beside:
        # Both wait for the same bytes, and neither for Python: a large file is hashed while it is read.
        later = beside.submit(_sha256, source) if hashing and source.size > _SMALL and not known else None
        digest = _sha256(source) if hashing and later is None else ""
        if digest in known:
            return Inspected(found=Inspection(), size=source.size, sha256=digest, known=True)
        found = read(source, readers=readers, scratch=scratch, bounds=bounds)
        digest = later.result() if later else digest
    after = os.fstat(source.stream.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        found.not_read("", "it changed while it was read")
    return Inspected(found=found, size=source.size, sha256=digest)


def read(source: Source, *, readers: Sequence[Reader], scratch: Path, bounds: Bounds) -> Inspection:
    """Hand the bytes of a file to the readers; what none of them knows is not read. Raises OSError."""
    found = Inspection()
    if source.size == 0:
        found.not_read("", EMPTY)
    elif pointer := pointer_of(source.at(0, HEAD), source.size):
        found.not_read("", absence(pointer))
    else:
        try:
            known = Walk(readers=readers, found=found, scratch=scratch, bounds=bounds).read(source)
        except UnreadableError as error:
            found.not_read("", str(error))
        else:
            if not known:
                found.not_read("", UNKNOWN_FORMAT)
    return found


def unread(reason: str) -> Inspected:
    """A file of which nothing could be read."""
    found = Inspection()
    found.not_read("", reason)
    return Inspected(found=found)


def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    for piece in source.chunks():
        digest.update(piece)
    return digest.hexdigest()
