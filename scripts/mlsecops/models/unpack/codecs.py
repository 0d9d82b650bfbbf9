"""Compressions by the first bytes of a file, whatever its name is."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.unpack import decoders, lz4
from mlsecops.models.unpack.stream import Decoder, Stream, Unpacking

_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # frames that zstd and lz4 pass over
_MOST_SKIPPED = 1_000
_ZSTD = b"\x28\xb5\x2f\xfd"
_BZ2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_LARGEST_LZMA = 1 << 38  # bytes that liblzma believes a header of
_SMALLEST_DICTIONARY = 1 << 12


Mend = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression: whether bytes begin a stream of it, and how one is unpacked."""

    name: str
    begins: Callable[[bytes], bool]
    open: Callable[[Source, Mend], Unpacking]
    skippable: bool = False


@dataclass(slots=True)
class Streams:
    """All streams of a file, one after the other, as loaders read them, the last up to `used`."""

    source: Source
    codec: Codec
    mend: Mend
    used: int = 0
    trouble: str = ""

    def __iter__(self) -> Iterator[bytes]:
        """What comes out of them, joined; never raises."""
        at = behind_skippable(self.source, 0) if self.codec.skippable else 0
        while True:
            stream = self.codec.open(self.source.part(at, self.source.size, ""), self.mend)
            yield from stream
            self.used = at + stream.used
            self.trouble = stream.trouble
            at = self._next(self.used)
            if self.trouble or not self.codec.begins(self.source.at(at, 32)):
                return

    def _next(self, at: int) -> int:
        """Where the next stream can begin: behind zeros, which writers pad with, and frames to pass over."""
        if self.codec.skippable:
            behind = behind_skippable(self.source, at)
            self.used = max(self.used, behind)
            return behind
        for piece in self.source.chunks(at):
            rest = piece.lstrip(b"\0")
            at += len(piece) - len(rest)
            if rest:
                break
        return at


def behind_skippable(source: Source, at: int) -> int:
    """The place behind frames that are to be passed over."""
    for _ in range(_MOST_SKIPPED):
        head = source.at(at, 8)
        if len(head) < 8 or not _SKIPPABLE.match(head):
            break
        at += 8 + int.from_bytes(head[4:], "little")
    return min(at, source.size)


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _begins_bz2(head: bytes) -> bool:
    return head[:3] == b"BZh" and head[3:4].isdigit() and head[4:10] in _BZ2_BLOCKS


def _begins_zlib(head: bytes) -> bool:
    """Two bytes prove little (RFC 1950): what follows them must unpack as far as it is given."""
    if len(head) < 6 or head[0] & 15 != 8 or head[0] >> 4 > 7 or int.from_bytes(head[:2], "big") % 31:
        return False
    inflater = zlib.decompressobj()
    try:
        return bool(inflater.decompress(head, 1024)) or inflater.eof
    except zlib.error:
        return False


def _begins_lzma(head: bytes) -> bool:
    """A header without a magic number: judged as liblzma does, and by what comes out."""
    if len(head) < 18 or head[0] >= 225 or head[13]:
        return False
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    power = dictionary.bit_length() - 1
    plausible = dictionary in (1 << max(power, 0), 3 << max(power - 1, 0), 0xFFFFFFFF)
    if dictionary < _SMALLEST_DICTIONARY or not plausible or _LARGEST_LZMA < size != (1 << 64) - 1:
        return False
    try:
        return bool(lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=128 << 20).decompress(head, 1024))
    except lzma.LZMAError:
        return head[:1] == b"\x5d"


def _stream(decoder: Callable[[], Decoder]) -> Callable[[Source, Mend], Unpacking]:
    return lambda source, mend: Stream(source, decoder, mend)


CODECS = (
    Codec("gzip", _starts(b"\x1f\x8b\x08"), _stream(decoders.gzip)),
    Codec("bzip2", _begins_bz2, _stream(decoders.bzip2)),
    Codec("xz", _starts(b"\xfd7zXZ\x00"), _stream(decoders.xz)),
    Codec("lzma", _begins_lzma, _stream(decoders.lzma_alone)),
    Codec("zlib", _begins_zlib, _stream(decoders.zlib_stream)),
    Codec("zstd", _starts(_ZSTD), _stream(decoders.zstd), skippable=True),
    Codec("lz4", _starts(lz4.MAGIC, lz4.LEGACY), lambda source, _: lz4.Lz4(source), skippable=True),
)
