"""LZ4 frames, written from the descriptions of the format, for no library of it reads in bounded steps.

https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.unpack.stream import CUT_OFF, DAMAGED, DamagedError

MAGIC, LEGACY = b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"
_WINDOW = 1 << 16
_LEGACY_BLOCK = 8 << 20
_BLOCK_SIZES = {4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 4 << 20}
_STORED = 1 << 31
_SHORTEST_MATCH = 4


@dataclass(slots=True)
class Lz4:
    """What comes out of one frame at the beginning of a source; checksums are not compared."""

    source: Source
    used: int = 0
    trouble: str = ""

    def __iter__(self) -> Iterator[bytes]:
        """The content, block by block; never raises."""
        try:
            legacy = self._take(4) == LEGACY
            yield from self._legacy() if legacy else self._frame()
        except DamagedError as error:
            self.trouble = str(error)

    def _take(self, length: int) -> bytes:
        data = self.source.at(self.used, length)
        self.used += len(data)
        if len(data) < length:
            raise DamagedError(CUT_OFF)
        return data

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _frame(self) -> Iterator[bytes]:
        flags, sizes = self._take(2)
        most = _BLOCK_SIZES.get(sizes >> 4 & 7)
        if flags >> 6 != 1 or most is None:
            raise DamagedError(DAMAGED)
        self._take((8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0) + 1)
        linked, checked = not flags & 0x20, flags & 0x10
        window = b""
        while size := self._number():
            for piece in self._block(size, most, window):
                window = (window + piece)[-_WINDOW:] if linked else b""
                yield piece
            if checked:
                self._take(4)
        if flags & 0x04:
            self._take(4)

    def _block(self, size: int, most: int, window: bytes) -> Iterator[bytes]:
        stored, size = size & _STORED, size & ~_STORED
        if size > most + most // 255 + 16:
            raise DamagedError(DAMAGED)
        data = self.source.at(self.used, size)
        self.used += len(data)
        out = bytearray(data if stored else window)
        try:
            if not stored:
                decode(data, out, most + len(window))
        except DamagedError:
            yield bytes(out[len(window) :])
            raise
        yield bytes(out) if stored else bytes(out[len(window) :])
        if len(data) < size:
            raise DamagedError(CUT_OFF)

    def _legacy(self) -> Iterator[bytes]:
        while self.used < self.source.size:
            size = self._number()
            if size > _LEGACY_BLOCK + _LEGACY_BLOCK // 255 + 16:
                self.used -= 4  # another frame's magic
                return
            yield from self._block(size, _LEGACY_BLOCK, b"")


def decode(block: bytes, out: bytearray, most: int) -> None:
    """Append what is in a compressed block to `out`, up to `most` bytes in all.

    Raises DamagedError; what came out until then is in `out`.
    """
    at, end = 0, len(block)
    while at < end:
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4)
        out += block[at : at + literals]
        at += literals
        if at == end and len(out) <= most:
            return
        if at + 2 > end or len(out) > most:
            raise DamagedError(DAMAGED)
        (distance,) = struct.unpack_from("<H", block, at)
        length, at = _length(block, at + 2, token & 15)
        length += _SHORTEST_MATCH
        if not 0 < distance <= len(out) or len(out) + length > most:
            raise DamagedError(DAMAGED)
        start = len(out) - distance
        if distance >= length:
            out += out[start : start + length]
        else:
            out += (out[start:] * (length // distance + 1))[:length]


def _length(block: bytes, at: int, short: int) -> tuple[int, int]:
    """A length whose first four bits are given, and the place behind it."""
    if short < 15:
        return short, at
    while at < len(block):
        short += block[at]
        at += 1
        if block[at - 1] != 255:
            return short, at
    raise DamagedError(DAMAGED)
