"""Bytes of a file, or of a part of one, read at any place without holding them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes `start` to `start + size` of an open file; `name` is the part's path within the file, or "".

    `kept` is for what one reader finds out and another would have to find out again.
    Safe for several threads: every read names its place.
    """

    stream: IO[bytes]
    start: int
    size: int
    name: str = ""
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, stream: IO[bytes], name: str = "") -> Source:
        """All of an open file."""
        return cls(stream, 0, os.fstat(stream.fileno()).st_size, name)

    def at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer at the end, none behind it. Raises OSError."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        return os.pread(self.stream.fileno(), length, self.start + offset)

    def chunks(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `offset`, in pieces of at most `CHUNK` bytes."""
        end = self.size if length is None else min(self.size, offset + length)
        while offset < end and (piece := self.at(offset, min(CHUNK, end - offset))):
            yield piece
            offset += len(piece)

    def part(self, offset: int, length: int, name: str) -> Source:
        """A part as a source of its own, cut off at the end of this one; its name is put below this one's."""
        length = max(min(length, self.size - offset), 0)
        below = f"{self.name}/{name}" if self.name and name else self.name or name
        return Source(self.stream, self.start + offset, length, below)
