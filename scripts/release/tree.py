"""The repository as its checks see it: the files that Git keeps, or would keep, and their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from release.git import kept_files


class TreeError(Exception):
    """A file cannot be read; the text says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of the repository; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder and the names of the files in it that count, relative, with `/`."""

    root: Path
    names: frozenset[str]

    def text(self, name: str) -> str:
        """The text of a file. Raises OSError where it cannot be read, TreeError where it is no UTF-8."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TreeError(f"{name} is not UTF-8 text") from error

    def has(self, name: str) -> bool:
        """Whether a file or folder of that name counts."""
        path = PurePosixPath(name)
        return str(path) in self.names or any(path in PurePosixPath(each).parents for each in self.names)

    def matching(self, *patterns: str) -> Iterator[str]:
        """Names that match one of the patterns, sorted; `*` matches `/` as well."""
        return (name for name in sorted(self.names) if any(fnmatch(name, each) for each in patterns))


def read_tree(root: Path) -> Tree:
    """The files of a checkout: those in the index and those that are not ignored.

    Raises GitError where `root` is no checkout or Git is missing.
    """
    names = kept_files(root)
    # A file that was deleted stays in the index until that is committed.
    return Tree(root, frozenset(name for name in names if (root / name).is_file()))
