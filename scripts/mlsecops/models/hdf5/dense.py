"""Fractal heaps and the trees of version 2 that point into them, for links and attributes that are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.models.hdf5.file import File
from mlsecops.models.walk import UnreadableError

LINKS_BY_NAME, ATTRIBUTES_BY_NAME = 5, 8
_HUGE = 1
_OWN = (b"\0", b"\1")  # flags of messages that are no pointers
_CHECKSUM = 4
_MOST_DEPTH = 16
_MOST_OBJECT = 32 << 20


def objects(file: File, heap: int, tree: int, kind: int) -> Iterator[tuple[int, bytes]]:
    """Place and bytes of all messages that a tree of a kind points to in its heap. Raises UnreadableError."""
    fractal = Heap.of(file, heap)
    for record in records(file, tree, kind):
        if kind == ATTRIBUTES_BY_NAME and record[fractal.identity : fractal.identity + 1] not in _OWN:
            raise UnreadableError("an attribute in it lies in a table of shared messages")
        yield fractal.object(record[4:] if kind == LINKS_BY_NAME else record[: fractal.identity])


def records(file: File, address: int, kind: int) -> Iterator[bytes]:
    """The records of a tree of version 2, in any order. Raises UnreadableError."""
    width = 16 + file.offsets + 2 + file.lengths + _CHECKSUM
    at = file.tagged(address, b"BTHD", width)
    at.take(1)
    found, node, size, depth = at.uint(1), at.uint(4), at.uint(2), at.uint(2)
    at.take(2)
    root, count = at.uint(file.offsets), at.uint(2)
    if found != kind or depth > _MOST_DEPTH or not 0 < size <= node <= 1 << 20:
        raise UnreadableError("a tree of its HDF5 structure is broken")
    tree = _Tree(file, node, size)
    if root != file.undefined:
        yield from tree.below(root, count, depth)


@dataclass(frozen=True, slots=True)
class _Tree:
    file: File
    node: int
    size: int

    def below(self, address: int, count: int, depth: int) -> Iterator[bytes]:
        file = self.file
        file.once(address)
        at = file.tagged(address, b"BTIN" if depth else b"BTLF", self.node, upto=True)
        at.take(2)
        for _ in range(count):
            yield at.take(self.size)
        if depth == 0:
            return
        number, total = self._widths(depth)
        for _ in range(count + 1):
            child, below = at.uint(file.offsets), at.uint(number)
            at.take(total)
            yield from self.below(child, below, depth - 1)

    def _widths(self, depth: int) -> tuple[int, int]:
        """How wide a node at a depth writes the records of a child, and of all that is below it."""
        room = self.node - 6 - _CHECKSUM
        most = total = room // self.size
        number, below = _bytes_for(most), 0
        for level in range(1, depth):
            pointer = self.file.offsets + number + (below if level > 1 else 0)
            here = max((room - pointer) // (self.size + pointer), 0)
            total = here + (here + 1) * total
            below = _bytes_for(total)
        return number, below if depth > 1 else 0


def _bytes_for(number: int) -> int:
    return max((number.bit_length() + 7) // 8, 1)


@dataclass(slots=True, kw_only=True)
class Heap:
    """A fractal heap: where its blocks lie, and how wide its numbers are.

    `large` are places and sizes of the objects that lie outside of its blocks, by number, once looked up.
    """

    file: File
    identity: int
    offset_width: int
    length_width: int
    huge: int
    direct: bool
    width: int
    first: int
    most: int
    root: int
    rows: int
    large: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, file: File, address: int) -> Heap:
        """Read a heap's header. Raises UnreadableError."""
        wide, long = file.offsets, file.lengths
        at = file.tagged(address, b"FRHP", 32 + 3 * wide + 12 * long, upto=True)
        at.take(1)
        identity, filters = at.uint(2), at.uint(2)
        if filters:
            raise UnreadableError("attributes or links in it are compressed")
        at.take(1)
        largest = at.uint(4)
        at.take(long)
        huge = at.uint(wide)
        at.take(long + wide + 8 * long)
        width, first, most, bits = at.uint(2), at.uint(long), at.uint(long), at.uint(2)
        at.take(2)
        root, rows = at.uint(wide), at.uint(2)
        if not (0 < width <= 1024 and 0 < first <= most and bits <= 64 and rows <= 64):
            raise UnreadableError("a heap of its HDF5 structure is broken")
        offset_width = (bits + 7) // 8
        return cls(
            file=file,
            identity=identity,
            offset_width=offset_width,
            length_width=_bytes_for(min(most, largest)),
            huge=huge,
            direct=identity - 1 >= wide + long,
            width=width,
            first=first,
            most=most,
            root=root,
            rows=rows,
        )

    def object(self, identity: bytes) -> tuple[int, bytes]:
        """Place and bytes of an object by its heap ID. Raises UnreadableError."""
        kind = identity[0] >> 4 & 3 if identity else 3
        if kind == 0:
            offset = int.from_bytes(identity[1 : 1 + self.offset_width], "little")
            tail = identity[1 + self.offset_width : 1 + self.offset_width + self.length_width]
            place, length = self._managed(offset), int.from_bytes(tail, "little")
        elif kind == 1:
            place, length = self._huge_place(identity[1:])
        else:
            raise UnreadableError("a heap of its HDF5 structure is broken")
        if length > _MOST_OBJECT:
            raise UnreadableError("an attribute in it is larger than 32 MiB")
        return place, self.file.block(place, length).data

    def _managed(self, offset: int) -> int:
        """Where an offset of the heap lies in the file: through rows of blocks that double in size."""
        address, start, rows = self.root, 0, self.rows
        for _ in range(_MOST_DEPTH):
            if rows == 0:
                return address + offset - start
            row, size, begin = self._row(offset - start)
            column = (offset - start - begin) // size
            if row >= rows:
                raise UnreadableError("a heap of its HDF5 structure is broken")
            start += begin + column * size
            head = 5 + self.file.offsets + self.offset_width
            place = address + head + (row * self.width + column) * self.file.offsets
            self.file.tagged(address, b"FHIB", 4)
            address = self.file.block(place, self.file.offsets).uint(self.file.offsets)
            rows = 0 if size <= self.most else self._rows_in(size)
        raise UnreadableError("a heap of its HDF5 structure is broken")

    def _row(self, offset: int) -> tuple[int, int, int]:
        """Row, size of its blocks and offset of its start; from the third row on, blocks double."""
        row, size, begin = 0, self.first, 0
        while offset >= begin + self.width * size and row < 64:
            begin += self.width * size
            row += 1
            size = self.first << max(row - 1, 0)
        return row, size, begin

    def _rows_in(self, size: int) -> int:
        """How many rows an indirect block of a size has."""
        return (size.bit_length() - 1) - (self.first * self.width).bit_length() + 2

    def _huge_place(self, identity: bytes) -> tuple[int, int]:
        wide, long = self.file.offsets, self.file.lengths
        if self.direct:
            return _pair(identity, wide, long)[:2]
        if not self.large:
            for record in records(self.file, self.huge, _HUGE):
                place, size, number = _pair(record, wide, long)
                self.large[number] = (place, size)
        found = self.large.get(int.from_bytes(identity[:long], "little"))
        if found is None:
            raise UnreadableError("an attribute of its HDF5 structure is missing")
        return found


def _pair(data: bytes, wide: int, long: int) -> tuple[int, int, int]:
    """An address, a length and what stands behind them."""
    place, size, rest = data[:wide], data[wide : wide + long], data[wide + long : wide + 2 * long]
    return int.from_bytes(place, "little"), int.from_bytes(size, "little"), int.from_bytes(rest, "little")
