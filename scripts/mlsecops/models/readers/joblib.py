"""Files of joblib before 0.10 that are compressed as a whole ("Z-files"); newer ones are plain compressions.

The format is that of `read_zfile` in
https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle_compat.py: `ZF`, the length in hexadecimal
digits padded to 19 places, a space in files of Python 2, and a zlib stream.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_PREFIX, _DIGITS = b"ZF", 19
_LENGTH = re.compile(rb"0x[0-9a-f]+L? *")
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class JoblibReader:
    """A Z-file: the pickle in it is handed on."""

    format: str = "joblib"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its prefix and the length behind it."""
        del source
        return head.startswith(_PREFIX) and bool(_LENGTH.fullmatch(_length(head)))

    def read(self, source: Source, walk: Walk) -> None:
        """Unpack and read what comes out. Raises UnreadableError."""
        head = source.at(0, len(_PREFIX) + _DIGITS + 1)
        start = len(_PREFIX) + _DIGITS + head.endswith(b" ")
        walk.found.details["compression"] = "joblib's own zlib"
        name = f"{source.name}/unpacked" if source.name else "unpacked"
        inflated = _Inflated(source, start)
        with walk.unpacked(inflated, name, source.size) as part:
            if not walk.read(part):
                raise UnreadableError("nothing that a reader knows comes out of its compression")
        if inflated.broken:
            raise UnreadableError("its compression is damaged or cut off")
        said = _length(head).strip(b" L")
        if inflated.size != int(said, 16):
            raise UnreadableError("it says another length than what comes out of its compression")


def _length(head: bytes) -> bytes:
    return head[len(_PREFIX) : len(_PREFIX) + _DIGITS]


class _Inflated:
    """What comes out, in pieces; then its `size`, and whether the stream was `broken`."""

    def __init__(self, source: Source, start: int) -> None:
        self.size = 0
        self.broken = False
        self._source = source
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        inflate = zlib.decompressobj()
        try:
            for data in self._source.chunks(self._start):
                rest = data
                while rest and not inflate.eof:
                    yield self._counted(inflate.decompress(rest, _PIECE))
                    rest = inflate.unconsumed_tail
        except zlib.error:
            self.broken = True
        self.broken = self.broken or not inflate.eof

    def _counted(self, piece: bytes) -> bytes:
        self.size += len(piece)
        return piece
