"""One walk over a repository: every regular file with its first bytes, every link, and what is left out."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlsecops.project.inventory import File
from mlsecops.project.leftout import (
    Ledger,
    cached_file_reason,
    count_files,
    environment_parts,
    folder_reason,
)
from mlsecops.project.reading import read_head
from mlsecops.project.suffixes import CODE, SURE, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlsecops.project.globs import Excludes
    from mlsecops.project.inventory import LeftOutKind

_COMPILED = frozenset(("pyc", "pyo"))
_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


@dataclass(slots=True)
class Walk:
    """The walk below `root` (a real path); `links` and `folders` are whole once `files` is exhausted.

    `tracked` are folders in which Git keeps files: installed packages there are not what was installed here,
    and a cache there is a folder like any other.
    """

    root: str
    excludes: Excludes
    ledger: Ledger
    tracked: frozenset[str] = frozenset()
    links: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=lambda: {""})
    empty: set[str] = field(default_factory=set)

    def files(self) -> Iterator[tuple[File, bytes]]:
        """Every regular file that is to be looked at, with its first bytes; each is opened once."""
        stack = [""]
        while stack:
            folder = stack.pop()
            entries = self._list(folder)
            if entries is None:
                continue
            if not entries:
                self.empty.add(folder)
            path = f"{self.root}/{folder}"
            environment = environment_parts(path, [entry.name for entry in entries])
            if environment and len(environment) == len(entries):
                self._leave(folder or ".", path, "a virtual environment")
                continue
            for entry in entries:
                uri = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name in environment:
                    self._leave(uri, entry.path, "part of a virtual environment")
                elif entry.is_dir(follow_symlinks=False):
                    if self._enters(uri, entry.path):
                        stack.append(uri)
                elif found := self._file(folder, uri, entry):
                    yield found

    def _list(self, folder: str) -> list[os.DirEntry[str]] | None:
        try:
            with os.scandir(f"{self.root}/{folder}") as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.ledger.add(folder or ".", f"the folder cannot be listed: {error.strerror}", "unreadable", 0)
            return None

    def _leave(self, uri: str, path: str, reason: str) -> None:
        entry = Path(path)
        is_folder = entry.is_dir() and not entry.is_symlink()
        self._installed(uri, reason, count_files(path) if is_folder else 1)

    def _installed(self, uri: str, reason: str, files: int) -> None:
        if uri in self.tracked:
            self.ledger.add(uri, f"{reason}, committed, so that anything may be in it", "unreadable", files)
        else:
            self.ledger.add(uri, reason, "environment", files)

    def _enters(self, uri: str, path: str) -> bool:
        if pattern := self.excludes.match(uri, folder=True):
            self.ledger.add(pattern, "excluded by the policy", "excluded", count_files(path))
            return False
        reason, kind = folder_reason(uri) or ("", None)
        if kind == "environment":
            self._installed(uri, reason, count_files(path))
            return False
        if kind and uri not in self.tracked:
            self.ledger.add(uri, reason, kind, count_files(path))
            return False
        self.folders.add(uri)
        return True

    def _file(self, folder: str, uri: str, entry: os.DirEntry[str]) -> tuple[File, bytes] | None:
        if pattern := self.excludes.match(uri, folder=False):
            self.ledger.add(pattern, "excluded by the policy", "excluded")
            return None
        if entry.is_symlink():
            self.links.append(uri)
            return None
        left = cached_file_reason(folder, entry.name)
        if left and folder not in self.tracked:
            self.ledger.add(folder, *left)
            return None
        if not entry.is_file(follow_symlinks=False):
            meant = suffix_of(entry.name) in SURE or suffix_of(entry.name) in CODE
            kind: LeftOutKind = "unreadable" if meant else "special"
            self.ledger.add(uri, f"{_special(entry)}, never opened", kind)
            return None
        try:
            head, size = read_head(entry.path)
        except OSError as error:
            self.ledger.add(uri, f"the file cannot be read: {error.strerror}", "unreadable")
            return None
        if suffix_of(entry.name) in _COMPILED:
            self.ledger.add(uri, "compiled Python, which may run in the place of its source", "unreadable")
        return File(uri, entry.path, size), head


def _special(entry: os.DirEntry[str]) -> str:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return "a file of unknown kind"
    return next((name for test, name in _SPECIAL if test(mode)), "a file of unknown kind")
