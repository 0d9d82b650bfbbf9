"""The file as a whole: its superblock, and blocks at addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIRST_USER_BLOCK = 512
_MOST_BLOCK = 32 << 20
_UNIT = 64
_UNITS, _MOST_UNITS = 500_000, 20_000_000
_BYTES_PER_UNIT = 8
_WIDTHS = (2, 4, 8)


@dataclass(slots=True)
class Cursor:
    """Bytes that are taken from the front; more than there are is an UnreadableError."""

    data: bytes
    position: int = 0

    @property
    def left(self) -> int:
        """How many bytes are still there."""
        return len(self.data) - self.position

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if length > self.left:
            raise UnreadableError("a block of its HDF5 structure is cut off")
        self.position += length
        return self.data[self.position - length : self.position]

    def uint(self, width: int) -> int:
        """The next unsigned integer, low byte first."""
        return int.from_bytes(self.take(width), "little")

    def to_zero(self) -> bytes:
        """The next bytes up to a zero, which is taken too."""
        end = self.data.find(b"\0", self.position)
        if end < 0:
            raise UnreadableError("a name in its HDF5 structure has no end")
        text = self.data[self.position : end]
        self.position = end + 1
        return text


def signature(source: Source) -> int | None:
    """Where the superblock starts: at 0, or behind a user block of 512 bytes, doubled any number of times."""
    place = 0
    while place < source.size:
        if source.at(place, len(SIGNATURE)) == SIGNATURE:
            return place
        place = place * 2 or _FIRST_USER_BLOCK
    return None


@dataclass(slots=True)
class File:
    """An open file: widths of its addresses and lengths, its root group, and what it may still cost.

    `end` is where it says that it ends. `seen` are the addresses of header blocks and tree nodes that were
    read: none is read twice.
    """

    source: Source
    base: int
    offsets: int
    lengths: int
    root: int
    end: int
    left: int
    seen: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, source: Source) -> File:
        """Read the superblock. Raises UnreadableError."""
        base = signature(source)
        if base is None:
            raise UnreadableError("it is no HDF5 file")
        at = Cursor(source.at(base + len(SIGNATURE), 128))
        version = at.uint(1)
        if version > 3:
            raise UnreadableError(f"its HDF5 superblock is of the unknown version {version}")
        if version < 2:
            at.take(4)
        offsets, lengths = at.uint(1), at.uint(1)
        if offsets not in _WIDTHS or lengths not in _WIDTHS:
            raise UnreadableError("its HDF5 superblock is broken")
        undefined = (1 << 8 * offsets) - 1
        if version < 2:
            at.take(9 if version == 0 else 13)
            at.take(2 * offsets)
            end = at.uint(offsets)
            if at.uint(offsets) != undefined:
                raise UnreadableError("its HDF5 content is spread over several files")
            at.take(offsets)
        else:
            at.take(1 + 2 * offsets)
            end = at.uint(offsets)
        root = at.uint(offsets)
        units = _UNITS + min(source.size // _BYTES_PER_UNIT, _MOST_UNITS)
        return cls(source, base, offsets, lengths, root, base + end, units)

    @property
    def undefined(self) -> int:
        """The address that stands for none."""
        return (1 << 8 * self.offsets) - 1

    def place(self, address: int) -> int:
        """Where an address lies in the source."""
        return self.base + address

    def block(self, address: int, length: int, *, upto: bool = False) -> Cursor:
        """The bytes at an address; `upto` takes fewer at the end. Raises UnreadableError."""
        self.left -= 1 + length // _UNIT
        if length > _MOST_BLOCK or self.left < 0:
            raise UnreadableError("its HDF5 structure is larger than any real model's")
        data = self.source.at(self.base + address, length)
        if len(data) < length and not upto:
            raise UnreadableError("its HDF5 structure points behind the end of the file")
        return Cursor(data)

    def once(self, address: int) -> None:
        """Note that a block is read. Raises UnreadableError for a second time: it is a circle."""
        if address in self.seen:
            raise UnreadableError("its HDF5 structure runs in a circle")
        self.seen.add(address)

    def tagged(self, address: int, tag: bytes, length: int, *, upto: bool = False) -> Cursor:
        """A block that starts with its tag, which is taken."""
        at = self.block(address, length, upto=upto)
        if at.take(len(tag)) != tag:
            raise UnreadableError("a block of its HDF5 structure is not what it should be")
        return at
