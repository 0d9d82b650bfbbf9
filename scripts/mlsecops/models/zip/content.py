"""The bytes of a zip's member, unpacked and summed up on their way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.unpack import decoders
from mlsecops.models.unpack.stream import Decoder, Plain, Stream, Unpacking
from mlsecops.models.walk import UnreadableError
from mlsecops.models.zip.entries import Entry

STORED, _LZMA, _AES = 0, 14, 99
_LZMA_ENDS_ITSELF = 0x2
_DECODERS: Mapping[int, Callable[[], Decoder]] = {
    8: decoders.deflate,
    12: decoders.bzip2,
    _LZMA: decoders.lzma_alone,
    20: decoders.zstd,
    93: decoders.zstd,
    95: decoders.xz,
}
_NAMES = {1: "shrink", 6: "implode", 9: "deflate64", 96: "jpeg", 97: "wavpack", 98: "ppmd"}


@dataclass(slots=True)
class Content:
    """What comes out of a member; `size` and `crc` are of what came out so far."""

    stream: Unpacking
    size: int = 0
    crc: int = 0

    @property
    def trouble(self) -> str:
        """Why it did not come to its end, "" where it did."""
        return self.stream.trouble

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        for piece in self.stream:
            self.size += len(piece)
            self.crc = zlib.crc32(piece, self.crc)
            yield piece


def content(entry: Entry, source: Source, mend: Callable[[], bool]) -> Content:
    """The bytes of a member. Raises UnreadableError for a compression that nothing here knows."""
    packed = source.part(entry.data, entry.packed, "")
    if entry.method == STORED:
        return Content(Plain(packed, entry.packed))
    if entry.method == _AES:
        raise UnreadableError("it is encrypted")
    decoder = _DECODERS.get(entry.method)
    if decoder is None:
        name = _NAMES.get(entry.method, f"method {entry.method}")
        raise UnreadableError(f"it is compressed with {name}, which nothing here can unpack")
    if entry.method == _LZMA:
        return Content(_lzma(entry, packed, decoder, mend))
    return Content(Stream(packed, decoder, mend))


def _lzma(entry: Entry, packed: Source, decoder: Callable[[], Decoder], mend: Callable[[], bool]) -> Stream:
    """LZMA in a zip (APPNOTE 5.8.8): its properties, without the length that such files begin with."""
    length = int.from_bytes(packed.at(2, 2), "little")
    properties = packed.at(4, length)
    size = b"\xff" * 8 if entry.flags & _LZMA_ENDS_ITSELF else entry.size.to_bytes(8, "little")
    behind = 4 + length
    return Stream(packed.part(behind, packed.size, ""), decoder, mend, preface=properties + size)


def text_of(entry: Entry, source: Source, most: int) -> bytes:
    """All bytes of a small member. Raises UnreadableError for a large one and for what cannot be unpacked."""
    member = content(entry, source, lambda: False)
    pieces: list[bytes] = []
    for piece in member:
        pieces.append(piece)
        if member.size > most:
            raise UnreadableError(f"it is larger than {most >> 20} MiB")
    if member.trouble:
        raise UnreadableError(member.trouble)
    return b"".join(pieces)
