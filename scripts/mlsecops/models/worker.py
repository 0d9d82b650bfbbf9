"""The program of our own readers. `known` in its order are hashes of what is not to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlsecops.models.cache import identity
from mlsecops.models.inspect import inspect, unread
from mlsecops.models.readers import READERS
from mlsecops.programs.each_file import Line, Read, each_file


def main(arguments: Sequence[str]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second)."""
    return each_file(arguments, _reader, late)


def _reader(order: Line) -> Read:
    known, scratch = frozenset(order["known"]), Path(order["scratch"])

    def read(path: Path) -> Line:
        mark = identity(path, settled=True)
        return {"mark": mark, **inspect(path, readers=READERS, scratch=scratch, known=known).to_json()}

    return read


def late(reason: str) -> Line:
    """The line of a file of which nothing can be said."""
    return {"mark": "", **unread(reason).to_json()}
