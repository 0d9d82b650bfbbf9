"""What comes out of a folder of a 7z: its compression, then the filters that were put before that."""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mlsecops.models.seven_zip.records import Coder, Folder
from mlsecops.models.source import Source
from mlsecops.models.unpack import decoders
from mlsecops.models.unpack.codecs import CODECS, Mend, Streams
from mlsecops.models.unpack.stream import Plain, Stream, Unpacking
from mlsecops.models.walk import UnreadableError

COPY = b"\0"
_LZMA, _LZMA2, _DEFLATE = b"\x03\x01\x01", b"\x21", b"\x04\x01\x08"
_STREAMS: Mapping[bytes, str] = {
    b"\x04\x02\x02": "bzip2",
    b"\x04\xf7\x11\x01": "zstd",
    b"\x04\xf7\x11\x04": "lz4",
}
_DELTA = b"\x03"
_BRANCHES: Mapping[bytes, int] = {
    b"\x04": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}
_NAMES: Mapping[bytes, str] = {
    b"\x0a": "the ARM64 filter",
    b"\x0b": "the RISC-V filter",
    b"\x02\x03\x02": "Swap2",
    b"\x02\x03\x04": "Swap4",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x05": "LZ5",
    b"\x04\xf7\x11\x06": "Lizard",
}
_CIPHERS = (b"\x06\x00", b"\x06\x01", b"\x06\xf0", b"\x06\xf1")
_MOST_MEMORY = 128 << 20  # bytes of a dictionary; as much as for `.xz` and `.zst`
_LEAST_MEMORY = 4096
_LARGEST_STORED = 1 << 16


def unpacking(folder: Folder, source: Source, mend: Mend) -> Unpacking:
    """The bytes of a folder of an archive. Raises UnreadableError that names what nothing here can unpack."""
    steps = _steps(folder)
    at, length = folder.packs[0]
    packed = source.part(at, length, "")
    first, size = steps[0]
    content: Unpacking
    if first.method == COPY or first.method in _BRANCHES or first.method == _DELTA:
        content = Plain(packed, length)
    else:
        content = _compression(first, size, packed, mend)
        steps = steps[1:]
    for coder, _ in steps:
        if coder.method != COPY:
            content = _Filtered(content, _filter(coder))
    return content


def is_stored(folder: Folder) -> bool:
    """Whether the bytes of the files stand in the archive as they are."""
    return all(coder.method == COPY for coder in folder.coders) and len(folder.packs) == 1


def _steps(folder: Folder) -> list[tuple[Coder, int]]:
    """The coders of a folder with the lengths of what comes out, the one that takes packed bytes first."""
    if any(coder.method.startswith(_CIPHERS) for coder in folder.coders):
        raise UnreadableError("it is encrypted")
    for coder in folder.coders:
        _check_known(coder)
    steps: list[tuple[Coder, int]] = []
    at: int | None = folder.last
    while at is not None:
        steps.insert(0, (folder.coders[at], folder.sizes[at]))
        at = folder.bonds.get(at)
    if len(steps) != len(folder.coders) or len(folder.packs) != 1:
        raise UnreadableError("its compressions are joined as no program does it")
    return steps


def _check_known(coder: Coder) -> None:
    known = {COPY, _LZMA, _LZMA2, _DEFLATE, _DELTA, *_STREAMS, *_BRANCHES}
    if coder.method not in known:
        name = _NAMES.get(coder.method, f"method {coder.method.hex()}")
        raise UnreadableError(f"it is compressed with {name}, which nothing here can unpack")


def _compression(coder: Coder, size: int, packed: Source, mend: Mend) -> Unpacking:
    if coder.method == _LZMA:
        return _lzma(coder.properties, size, packed, mend)
    if coder.method == _LZMA2:
        memory = _memory(_lzma2_memory(coder.properties), size)
        filters = ({"id": lzma.FILTER_LZMA2, "dict_size": memory},)
        return Stream(packed, partial(decoders.raw_lzma, filters), mend)
    if coder.method == _DEFLATE:
        return Stream(packed, decoders.deflate, mend)
    name = _STREAMS[coder.method]
    return Streams(packed, next(codec for codec in CODECS if codec.name == name), mend)


def _lzma(properties: bytes, size: int, packed: Source, mend: Mend) -> Stream:
    if len(properties) != 5:
        raise UnreadableError("its header describes a compression as no program does")
    if properties[0] % 9 + properties[0] // 9 % 5 > 4:
        raise UnreadableError("it is compressed with settings of LZMA that nothing here can unpack")
    memory = _memory(int.from_bytes(properties[1:], "little"), size)
    preface = properties[:1] + memory.to_bytes(4, "little") + size.to_bytes(8, "little")
    return Stream(packed, decoders.lzma_alone, mend, preface=preface)


def _lzma2_memory(properties: bytes) -> int:
    """The size of the dictionary, which has 40 steps."""
    if len(properties) != 1 or properties[0] > 40:
        raise UnreadableError("its header describes a compression as no program does")
    return (2 | properties[0] & 1) << (properties[0] // 2 + 11)


def _memory(dictionary: int, size: int) -> int:
    """What a dictionary needs: never more than there is to come out."""
    memory = max(min(dictionary, size), _LEAST_MEMORY)
    if memory > _MOST_MEMORY:
        raise UnreadableError(decoders.TOO_MUCH)
    return memory


def _filter(coder: Coder) -> lzma.LZMADecompressor:
    if coder.method == _DELTA and len(coder.properties) == 1:
        settings = {"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}
    elif coder.method in _BRANCHES and len(coder.properties) in (0, 4):
        start = int.from_bytes(coder.properties, "little")
        settings = {"id": _BRANCHES[coder.method], "start_offset": start}
    else:
        raise UnreadableError("it is compressed twice, one time over the other")
    # liblzma runs no filter alone: it gets the bytes as LZMA2 that is not compressed.
    filters = (settings, {"id": lzma.FILTER_LZMA2, "dict_size": _LEAST_MEMORY})
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    except lzma.LZMAError as error:
        raise UnreadableError("its header describes a compression as no program does") from error


@dataclass(slots=True)
class _Filtered:
    """What a filter of liblzma makes of bytes."""

    content: Unpacking
    filter: lzma.LZMADecompressor

    @property
    def used(self) -> int:
        return self.content.used

    @property
    def trouble(self) -> str:
        return self.content.trouble

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.content:
            for at in range(0, len(piece), _LARGEST_STORED):
                stored = piece[at : at + _LARGEST_STORED]
                yield self.filter.decompress(b"\1" + (len(stored) - 1).to_bytes(2, "big") + stored)
        yield self.filter.decompress(b"\0")
