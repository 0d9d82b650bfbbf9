"""The bytes under a compression, read forwards as far as it takes to know what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader

from mlsecops.models.source import Source
from mlsecops.models.unpack.codecs import CODECS, Streams

MAX_UNPACKED = 16 * 1024 * 1024  # bytes


@dataclass(slots=True)
class Unpacked:
    """The bytes under a compression whose first are `head`: no more than `most`, `cut` where there are more.

    What cannot be unpacked is empty.
    """

    file: BufferedReader
    head: bytes
    most: int = MAX_UNPACKED
    cut: bool = False
    _rest: bytes = field(default=b"", init=False)
    _pieces: Iterator[bytes] | None = field(default=None, init=False)

    def peek(self, length: int) -> bytes:
        """The next bytes without passing over them."""
        while len(self._rest) < length and (piece := self._next()):
            self._rest += piece
        return self._rest[:length]

    def read(self, length: int, /) -> bytes:
        """The next bytes, fewer at the end."""
        data = self.peek(length)
        self._rest = self._rest[len(data) :]
        return data

    def seek(self, by: int, whence: int, /) -> None:
        """Pass over bytes; only from here."""
        del whence
        while by > len(self._rest):
            by -= len(self._rest)
            self._rest = self._next()
            if not self._rest:
                return
        self._rest = self._rest[by:]

    def _next(self) -> bytes:
        if self._pieces is None:
            codec = next((each for each in CODECS if each.begins(self.head)), None)
            source = Source.of(self.file)
            self._pieces = iter(Streams(source, codec, lambda: False) if codec else ())
        self.cut = self.most <= 0
        piece = b"" if self.cut else next(filter(None, self._pieces), b"")
        self.most -= len(piece)
        return piece
