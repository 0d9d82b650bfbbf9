"""Decoders of the compressions that the standard library and the zstd library know, with bounded memory."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlsecops.models.unpack.stream import DAMAGED, DamagedError, Decoder

if sys.version_info >= (3, 14):
    from compression import zstd as zstandard
else:
    from backports import zstd as zstandard

_LZMA_MEMORY = 128 << 20  # bytes; `xz -9` needs 65 MiB
_ZSTD_WINDOW = 27  # bits; 128 MiB, what `zstd -d` allows unless told otherwise
_ERRORS: tuple[type[Exception], ...] = (EOFError, ValueError, MemoryError)
TOO_MUCH = "unpacking it needs too much memory"


@dataclass(slots=True)
class _Guarded:
    """A decompressor of the standard library's shape whose errors are ours."""

    inner: Any
    errors: tuple[type[Exception], ...]

    @property
    def eof(self) -> bool:
        return bool(self.inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self.inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self.inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return bytes(self.inner.decompress(data, max_length))
        except self.errors as error:
            text = str(error).lower()
            raise DamagedError(TOO_MUCH if "memory" in text or "window" in text else DAMAGED) from error


@dataclass(slots=True)
class _Inflater:
    """zlib in the shape of the others."""

    inner: Any
    full: bool = field(default=False)

    @property
    def eof(self) -> bool:
        return bool(self.inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self.full and not self.inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return bytes(self.inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece: bytes = self.inner.decompress(self.inner.unconsumed_tail + data, max_length)
        self.full = len(piece) == max_length
        return piece


def _inflate(bits: int) -> Decoder:
    return _Guarded(_Inflater(zlib.decompressobj(wbits=bits)), (zlib.error, *_ERRORS))


def bzip2() -> Decoder:
    """bzip2, one stream."""
    return _Guarded(bz2.BZ2Decompressor(), (OSError, *_ERRORS))


def _lzma(container: int) -> Decoder:
    return _Guarded(lzma.LZMADecompressor(container, memlimit=_LZMA_MEMORY), (lzma.LZMAError, *_ERRORS))


def raw_lzma(filters: Sequence[Mapping[str, int]]) -> Decoder:
    """LZMA without a container, by filters as `lzma` has them; how much memory they take is the caller's."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    return _Guarded(decoder, (lzma.LZMAError, *_ERRORS))


def zstd() -> Decoder:
    """Zstandard, one frame; one that needs more memory than `zstd -d` allows is refused."""
    options = {int(zstandard.DecompressionParameter.window_log_max): _ZSTD_WINDOW}
    return _Guarded(zstandard.ZstdDecompressor(options=options), (zstandard.ZstdError, *_ERRORS))


deflate: Callable[[], Decoder] = partial(_inflate, -zlib.MAX_WBITS)
zlib_stream: Callable[[], Decoder] = partial(_inflate, zlib.MAX_WBITS)
gzip: Callable[[], Decoder] = partial(_inflate, zlib.MAX_WBITS | 16)
xz: Callable[[], Decoder] = partial(_lzma, lzma.FORMAT_XZ)
lzma_alone: Callable[[], Decoder] = partial(_lzma, lzma.FORMAT_ALONE)
