"""Outcomes of earlier runs, by the content of the file and by everything that reads it.

One file for each version of the readers, in a folder that nobody else may write to. A path is never a key: a
file counts as the one that was read before when its hash is the same, or when it is still the same inode with
the same size and times, as Git does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from mlsecops import __version__
from mlsecops.models.outcome import Inspected

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE.parent / "data"
MOST_FILES, MOST_BYTES = 20_000, 32 << 20
_RACY_SECONDS = 2.0
_BROKEN = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(slots=True)
class Cache:
    """What is known of files; empty where there is no folder, or none that can be trusted."""

    folder: Path | None
    version: str
    _outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _stats: dict[str, str] = field(default_factory=dict)
    _new: bool = False

    @classmethod
    def opened(cls, folder: Path | None) -> Cache:
        """The cache below a folder, as far as it can be read and is ours alone."""
        cache = cls(folder if folder is not None and _is_private(folder) else None, version())
        cache._load()
        return cache

    def get(self, path: Path) -> Inspected | None:
        """What an earlier run found in this very file, or None."""
        return self.of(self._stats.get(identity(path), ""))

    def of(self, digest: str) -> Inspected | None:
        """What an earlier run found in a file with this hash, or None."""
        data = self._outcomes.get(digest)
        try:
            return Inspected.from_json(data) if data else None
        except _BROKEN:
            return None

    def hashes(self) -> tuple[str, ...]:
        """The hashes of all files that are known."""
        return tuple(self._outcomes)

    def put(self, seen: Inspected, mark: str) -> None:
        """Remember a file that was read to its end; what could not be read is tried again the next time.

        `mark` is its `identity` from before it was read.
        """
        if self.folder is None or seen.found.unread or not seen.sha256:
            return
        self._outcomes.pop(seen.sha256, None)
        self._outcomes[seen.sha256] = seen.to_json()
        if mark:
            self._stats[mark] = seen.sha256
        self._new = True

    def save(self) -> None:
        """Write what is new, whole or not at all; a cache that cannot be written is done without."""
        if self.folder is None or not self._new:
            return
        with suppress(OSError):
            text = self._bounded()
            with NamedTemporaryFile("w", dir=self.folder, encoding="utf-8", delete=False) as draft:
                draft.write(text)
            Path(draft.name).replace(self._file(self.folder))
            for other in self.folder.glob("*.json"):
                if other != self._file(self.folder):
                    other.unlink()

    def _file(self, folder: Path) -> Path:
        return folder / f"{self.version}.json"

    def _load(self) -> None:
        if self.folder is None:
            return
        try:
            file = self._file(self.folder)
            if file.lstat().st_size > MOST_BYTES or not stat.S_ISREG(file.lstat().st_mode):
                return
            known = json.loads(file.read_bytes())
            outcomes, stats = dict(known["outcomes"]), dict(known["stats"])
        except (OSError, *_BROKEN):
            return
        self._outcomes, self._stats = outcomes, stats

    def _bounded(self) -> str:
        """The newest of what is known, as much as may be kept."""
        keep = MOST_FILES
        while True:
            outcomes = dict(list(self._outcomes.items())[-keep:])
            stats = {key: digest for key, digest in self._stats.items() if digest in outcomes}
            text = json.dumps({"outcomes": outcomes, "stats": dict(list(stats.items())[-2 * MOST_FILES :])})
            if len(text) <= MOST_BYTES or keep == 0:
                return text
            keep //= 2


def version(package: Path = PACKAGE, data: Path = DATA) -> str:
    """What the readers are made of, as a hash: every source file, the data, and the interpreter."""
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    for file in (*sorted(package.rglob("*.py")), *sorted(data.glob("model-*"))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def folder_for(cache: Path, environ: Mapping[str, str]) -> Path | None:
    """Where outcomes are kept; None on CI, where tests of the scanned repository may run as the same user."""
    return None if environ.get("CI") or environ.get("GITHUB_ACTIONS") else cache / "models"


def _is_private(folder: Path) -> bool:
    """Whether the folder is a real one that nobody else can write to; made when it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def identity(path: Path, *, settled: bool = False) -> str:
    """What tells that a file is the same and unchanged; "" when it cannot be told.

    With `settled` also for a file that changed so lately that a second change could look the same.
    """
    try:
        status = path.lstat()
    except OSError:
        return ""
    if settled and time.time() - max(status.st_mtime, status.st_ctime) < _RACY_SECONDS:
        return ""
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
