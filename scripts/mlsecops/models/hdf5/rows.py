"""Rows of bytes of variable length, as PyTables stores pickled objects: where each of them lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.hdf5.file import Cursor, File
from mlsecops.models.hdf5.heaps import GlobalHeaps
from mlsecops.models.walk import UnreadableError

_VARIABLE, _CHUNKED = 9, 2
_REFERENCE = 8  # besides the address: a length and a number of four bytes each
_MOST_ROWS, _MOST_LEVELS, _MOST_DIMENSIONS = 1000, 8, 8


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the dataset `owner`: place in the source and size of each."""

    owner: str
    places: tuple[tuple[int, int], ...]


def is_bytes(datatype: bytes) -> bool:
    """Whether a datatype is a sequence of single bytes, of any length."""
    outer, inner = datatype[:8], datatype[8:16]
    sequence = len(inner) == 8 and outer[0] & 15 == _VARIABLE and outer[1] & 15 == 0
    return sequence and inner[0] & 15 == 0 and int.from_bytes(inner[4:], "little") == 1


def rows(file: File, heaps: GlobalHeaps, owner: str, layout: bytes) -> Rows:
    """The rows of a dataset in chunks that went through no filter. Raises UnreadableError."""
    at = Cursor(layout)
    if at.uint(1) != 3 or at.uint(1) != _CHUNKED:
        raise UnreadableError("rows in it are stored in a way that is not known here")
    dimensions = at.uint(1)
    tree = at.uint(file.offsets)
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise UnreadableError("rows in it are stored in a way that is not known here")
    places: list[tuple[int, int]] = []
    if tree != file.undefined:
        for address, size in _chunks(file, tree, dimensions, _MOST_LEVELS):
            references = file.block(address, size)
            while references.left >= _REFERENCE + file.offsets:
                length, heap, number = references.uint(4), references.uint(file.offsets), references.uint(4)
                if length and heap:
                    place, extent = heaps.place(heap, number)
                    places.append((file.place(place), min(length, extent)))
                if len(places) > _MOST_ROWS:
                    raise UnreadableError("it has more rows of objects than can be looked at")
    return Rows(owner, tuple(places))


def _chunks(file: File, address: int, dimensions: int, levels: int) -> Iterator[tuple[int, int]]:
    """Address and size of the chunks below a node of a tree of version 1."""
    file.once(address)
    head = file.tagged(address, b"TREE", 8)
    kind, level, count = head.uint(1), head.uint(1), head.uint(2)
    if kind != 1 or levels == 0:
        raise UnreadableError("a tree of its HDF5 structure is broken")
    at = file.block(address + 8 + 2 * file.offsets, count * (8 + 8 * dimensions + file.offsets))
    for _ in range(count):
        size = at.uint(4)
        at.take(4 + 8 * dimensions)
        child = at.uint(file.offsets)
        if level:
            yield from _chunks(file, child, dimensions, levels - 1)
        else:
            yield child, size
