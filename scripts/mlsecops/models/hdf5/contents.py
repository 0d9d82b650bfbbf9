"""What messages of object headers say: attributes, links, and where the numbers of a dataset lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from mlsecops.models.hdf5.file import Cursor, File
from mlsecops.models.hdf5.headers import Message, messages
from mlsecops.models.hdf5.heaps import GlobalHeaps, LocalHeap
from mlsecops.models.hdf5.parts import dimensions, filters, take_selection
from mlsecops.models.hdf5.rows import Rows, is_bytes, rows
from mlsecops.models.walk import UnreadableError

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, SYMBOLS, ATTRIBUTE_INFO = 0x0B, 0x0C, 0x11, 0x15
MOST_TEXT = 16 << 20
_MOST_ITEMS = 100_000
_STRING, _OPAQUE, _VARIABLE = 3, 5, 9
_COMMITTED = 2
_VIRTUAL = 3


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the object `owner`; `values` are its texts, or its bytes, and none for numbers."""

    owner: str
    name: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A name that stands for something in another file."""

    owner: str
    kind: Literal["link", "numbers", "view"]
    file: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: the bytes that its numbers are said to take, and the filters that they went through."""

    owner: str
    size: int
    filters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of the object `owner` that could not be read, and why."""

    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """A name in a group; without an address it is one within the file that is followed by name."""

    name: str
    address: int | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A datatype: its class, its size, and whether it is of variable length."""

    number: int
    size: int


@dataclass(slots=True)
class Contents:
    """Reads messages of one file; `types` are the named types that were looked up."""

    file: File
    heaps: GlobalHeaps = field(init=False)
    types: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.heaps = GlobalHeaps(self.file)

    def link(self, body: bytes) -> Link:
        """A link message."""
        at = Cursor(body)
        at.take(1)
        flags = at.uint(1)
        kind = at.uint(1) if flags & 8 else 0
        at.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
        name = at.take(at.uint(1 << (flags & 3))).decode("utf-8", "replace")
        if kind == 0:
            return Link(name, at.uint(self.file.offsets))
        value = at.take(at.uint(2))
        if kind == 1:
            return Link(name)
        if kind == 64:
            return Link(name, file=Cursor(value[1:]).to_zero().decode("utf-8", "replace"))
        raise UnreadableError(f"the link {name[:80]!r} is of the unknown kind {kind}")

    def attribute(self, owner: str, body: bytes) -> Attribute:
        """An attribute message with its texts."""
        at = Cursor(body)
        version, flags = at.uint(1), at.uint(1)
        lengths = [at.uint(2) for _ in range(3)]
        if version not in (1, 2, 3):
            raise UnreadableError("an attribute is of an unknown version")
        if version == 3:
            at.take(1)
        parts: list[bytes] = []
        for length in lengths:
            parts.append(at.take(length))
            if version == 1:
                at.take(min(-length % 8, at.left))
        if version > 1 and flags & 2:
            raise UnreadableError("an attribute in it lies in a table of shared messages")
        name = parts[0].split(b"\0", 1)[0].decode("utf-8", "replace")
        kind = self._kind(parts[1], shared=version > 1 and bool(flags & 1))
        count = math.prod(dimensions(parts[2], self.file.lengths))
        return Attribute(owner, name, tuple(self._values(at, kind, count)))

    def _values(self, at: Cursor, kind: _Kind, count: int) -> list[bytes]:
        if kind.number not in (_STRING, _OPAQUE, _VARIABLE) or not kind.size:
            return []
        if count > _MOST_ITEMS:
            raise UnreadableError("an attribute in it has more texts than any real model")
        if kind.number != _VARIABLE:
            return [at.take(kind.size) for _ in range(count)]
        values = []
        for _ in range(count):
            length = at.uint(4)
            address, number = at.uint(self.file.offsets), at.uint(4)
            if length and address not in (0, self.file.undefined):
                values.append(self.heaps.data(address, number, MOST_TEXT)[: max(length, 0)])
        return values

    def _kind(self, body: bytes, *, shared: bool) -> _Kind:
        at = Cursor(body)
        if shared:
            version, where = at.uint(1), at.uint(1)
            at.take(6 if version == 1 else 0)
            if version == 3 and where != _COMMITTED:
                raise UnreadableError("an attribute in it lies in a table of shared messages")
            at = Cursor(self._named_type(at.uint(self.file.offsets)))
        number = at.uint(1) & 15
        at.take(3)
        return _Kind(number, at.uint(4))

    def _named_type(self, address: int) -> bytes:
        """The description of a type that stands in the file under a name of its own, for many to share."""
        if address not in self.types:
            file = self.file
            again = replace(file, seen=set())
            bodies = [part.body for part in messages(again, address) if part.kind == DATATYPE]
            file.left = again.left
            if not bodies:
                raise UnreadableError("the type of an attribute is missing")
            self.types[address] = bodies[0]
        return self.types[address]

    def external(self, owner: str, body: bytes) -> list[Elsewhere]:
        """The files that the numbers of a dataset lie in."""
        at = Cursor(body)
        at.take(6)
        used = at.uint(2)
        heap = LocalHeap.of(self.file, at.uint(self.file.offsets))
        found: list[Elsewhere] = []
        for _ in range(used):
            found.append(Elsewhere(owner, "numbers", heap.text(at.uint(self.file.lengths))))
            at.take(2 * self.file.lengths)
        return found

    def views(self, owner: str, body: bytes) -> list[Elsewhere]:
        """The files that a dataset is a view of; one that is a view of this file is none."""
        at = Cursor(body)
        if at.uint(1) != 4 or at.uint(1) != _VIRTUAL:
            return []
        address, number = at.uint(self.file.offsets), at.uint(4)
        if address == self.file.undefined:
            return []
        block = Cursor(self.heaps.data(address, number, MOST_TEXT))
        version, count = block.uint(1), block.uint(self.file.lengths)
        if version != 0:
            raise UnreadableError("a dataset is a view of others in an unknown way")
        found: list[Elsewhere] = []
        for _ in range(count):
            name = block.to_zero().decode("utf-8", "replace")
            block.to_zero()
            take_selection(block)
            take_selection(block)
            if name != ".":
                found.append(Elsewhere(owner, "view", name))
        return found

    def rows(self, owner: str, parts: list[Message]) -> Rows | None:
        """The rows of a dataset of bytes of variable length, where it is one and they can be found."""
        bodies = {part.kind: part.body for part in parts if not part.shared}
        if LAYOUT not in bodies or FILTERS in bodies or not is_bytes(bodies.get(DATATYPE, b"")):
            return None
        return rows(self.file, self.heaps, owner, bodies[LAYOUT])

    def dataset(self, owner: str, parts: list[Message]) -> Dataset | None:
        """Size and filters of a dataset, where the header describes one."""
        bodies = {part.kind: part.body for part in parts if not part.shared}
        if LAYOUT not in bodies or DATASPACE not in bodies:
            return None
        width = self._kind(bodies[DATATYPE], shared=False).size if DATATYPE in bodies else 1
        size = math.prod(dimensions(bodies[DATASPACE], self.file.lengths)) * width
        return Dataset(owner, size, filters(bodies.get(FILTERS, b"")))
