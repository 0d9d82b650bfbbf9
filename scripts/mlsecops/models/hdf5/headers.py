"""Object headers: the messages that describe a group or a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.hdf5.file import Cursor, File
from mlsecops.models.walk import UnreadableError

CONTINUATION = 0x10
_SHARED = 2
_TIMES, _PHASES, _ORDERED = 0x20, 0x10, 4
_PREFIX = 64
_MOST_HEADER = 32 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its kind, its body, where that lies in the file, and whether it only points elsewhere."""

    kind: int
    body: bytes
    address: int
    shared: bool


def messages(file: File, address: int) -> Iterator[Message]:
    """All messages of the object header at an address. Raises UnreadableError."""
    file.once(address)
    at = file.block(address, _PREFIX, upto=True)
    if at.data[:4] == b"OHDR":
        yield from _second_version(file, address, at)
        return
    if at.uint(1) != 1:
        raise UnreadableError("an object of its HDF5 structure has no header")
    at.take(7)
    length = at.uint(4)
    yield from _run(file, [(address + 16, length)], ordered=None)


def _second_version(file: File, address: int, at: Cursor) -> Iterator[Message]:
    at.take(4)
    if at.uint(1) != 2:
        raise UnreadableError("an object of its HDF5 structure has a header of an unknown version")
    flags = at.uint(1)
    at.take((16 if flags & _TIMES else 0) + (4 if flags & _PHASES else 0))
    length = at.uint(1 << (flags & 3))
    yield from _run(file, [(address + at.position, length)], ordered=bool(flags & _ORDERED))


def _run(file: File, blocks: list[tuple[int, int]], ordered: bool | None) -> Iterator[Message]:
    """Messages of the blocks and of those that they go on in; `ordered` is None for the first version."""
    total = 0
    for address, length in blocks:  # grows
        total += length
        if total > _MOST_HEADER:
            raise UnreadableError("an object of its HDF5 structure is larger than any real model's")
        at = file.block(address, length)
        prefix = 8 if ordered is None else 6 if ordered else 4
        while at.left >= prefix:
            kind = at.uint(2 if ordered is None else 1)
            size, flags = at.uint(2), at.uint(1)
            at.take(prefix - (5 if ordered is None else 4))
            start = at.position
            body = at.take(size)
            if kind != CONTINUATION:
                yield Message(kind, body, address + start, bool(flags & _SHARED))
                continue
            goes_on = Cursor(body)
            target, extent = goes_on.uint(file.offsets), goes_on.uint(file.lengths)
            file.once(target)
            if ordered is not None:
                file.tagged(target, b"OCHK", 4)
                target, extent = target + 4, max(extent - 8, 0)
            blocks.append((target, extent))
