"""Tables of sorted keys, as LevelDB made them first and TensorFlow keeps the index of a checkpoint in.

https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsecops.models.protobuf import Span, varint
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER = 48
_BEHIND_BLOCK = 5  # its compression, and a checksum
_LARGEST_BLOCK = 16 << 20
_BROKEN = "its table is damaged"


def is_table(source: Source) -> bool:
    """Whether a file ends as a table does."""
    return source.size >= _FOOTER and source.at(source.size - len(_MAGIC), len(_MAGIC)) == _MAGIC


def values(source: Source) -> Iterator[tuple[int, Span]]:
    """The length of each key, and where its value lies, in order. Raises UnreadableError."""
    footer = source.at(source.size - _FOOTER, _FOOTER - len(_MAGIC))
    at = 0
    for _ in range(2):
        _, at = varint(footer, at)
    start, at = varint(footer, at)
    size, _ = varint(footer, at)
    behind = 0
    for _, handle in _block(source, Span(start, size)):
        data = source.at(handle.start, min(handle.size, _FOOTER))
        start, at = varint(data, 0)
        size, _ = varint(data, at)
        if start < behind:
            raise UnreadableError(_BROKEN)
        behind = start + size
        yield from _block(source, Span(start, size))


def _block(source: Source, span: Span) -> Iterator[tuple[int, Span]]:
    start, size = span
    if size > _LARGEST_BLOCK:
        raise UnreadableError("its table has a larger block than any real one")
    data = source.at(start, size + _BEHIND_BLOCK)
    if len(data) < size + _BEHIND_BLOCK or size < 4:
        raise UnreadableError(_BROKEN)
    if data[size]:
        raise UnreadableError("its table is compressed with snappy, which nothing here can unpack")
    # The places where keys begin anew come last, and how many there are.
    end = size - 4 - 4 * int.from_bytes(data[size - 4 : size], "little")
    at = longest = 0
    while at < end:
        shared, at = varint(data, at)
        more, at = varint(data, at)
        length, at = varint(data, at)
        at += more
        if shared > longest or at + length > end:
            raise UnreadableError(_BROKEN)
        longest = shared + more
        yield longest, Span(start + at, length)
        at += length
    if at != end:
        raise UnreadableError(_BROKEN)
