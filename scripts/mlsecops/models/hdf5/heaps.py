"""Heaps: texts of symbol tables and strings of variable length."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsecops.models.hdf5.file import File
from mlsecops.models.walk import UnreadableError

_LIKELY_NAME, _MOST_NAME = 128, 4096
_MOST_OBJECTS, _MOST_KNOWN = 100_000, 4


@dataclass(frozen=True, slots=True)
class LocalHeap:
    """The names of one group; they end with a zero."""

    file: File
    address: int
    size: int

    @classmethod
    def of(cls, file: File, address: int) -> LocalHeap:
        """Read the heap's header. Raises UnreadableError."""
        at = file.tagged(address, b"HEAP", 8 + 2 * file.lengths + file.offsets)
        at.take(4)
        size = at.uint(file.lengths)
        at.take(file.lengths)
        return cls(file, at.uint(file.offsets), size)

    def text(self, offset: int) -> str:
        """The name at an offset."""
        left = self.size - offset
        if left <= 0:
            raise UnreadableError("a name of its HDF5 structure lies outside of its heap")
        at = self.file.block(self.address + offset, min(left, _LIKELY_NAME), upto=True)
        if b"\0" not in at.data:
            at = self.file.block(self.address + offset, min(left, _MOST_NAME), upto=True)
        return at.to_zero().decode("utf-8", "replace")


@dataclass(slots=True)
class GlobalHeaps:
    """Strings of variable length, by collection and number; where they lie is found once per collection."""

    file: File
    known: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)

    def place(self, address: int, number: int) -> tuple[int, int]:
        """Address and size of a string. Raises UnreadableError."""
        if address not in self.known:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            self.known[address] = self._collection(address)
        found = self.known[address].get(number)
        if found is None:
            raise UnreadableError("a text of its HDF5 structure is missing")
        return found

    def data(self, address: int, number: int, most: int) -> bytes:
        """The bytes of a string, if there are at most so many. Raises UnreadableError."""
        place, size = self.place(address, number)
        if size > most:
            raise UnreadableError(f"a text in it is larger than {most >> 20} MiB")
        return self.file.block(place, size).data

    def _collection(self, address: int) -> dict[int, tuple[int, int]]:
        width = self.file.lengths
        at = self.file.tagged(address, b"GCOL", 8 + width)
        at.take(4)
        end, place = address + at.uint(width), address + 8 + width
        objects: dict[int, tuple[int, int]] = {}
        while place + 8 + width <= end:
            head = self.file.block(place, 8 + width)
            number = head.uint(2)
            head.take(6)
            size = head.uint(width)
            if number == 0:  # the free space behind the last one
                break
            objects.setdefault(number, (place + 8 + width, size))
            place += 8 + width + -(-size // 8) * 8
            if len(objects) > _MOST_OBJECTS:
                raise UnreadableError("its HDF5 structure is larger than any real model's")
        return objects
