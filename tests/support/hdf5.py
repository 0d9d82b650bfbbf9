"""HDF5 files of the newer kind, put together message by message (HDF5 File Format Specification 3.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

NOWHERE = 0xFFFFFFFFFFFFFFFF
SINGLE = struct.pack("<BBBB", 2, 0, 0, 0)
_SUPERBLOCK = 48

Message = tuple[int, bytes]


def string(size: int) -> bytes:
    """The type of texts of fixed length."""
    return struct.pack("<B3sI", 0x13, b"\x01\0\0", size)


def shape(*dimensions: int) -> bytes:
    """A dataspace of version 2."""
    return struct.pack("<BBBB", 2, len(dimensions), 0, 1) + b"".join(
        struct.pack("<Q", each) for each in dimensions
    )


def attribute(name: str, value: bytes, *, kind: bytes | None = None, space: bytes = SINGLE) -> Message:
    """An attribute of version 3; its type is a text unless given."""
    return 0x0C, attribute_body(name, value, kind=kind, space=space)


def attribute_body(
    name: str, value: bytes, *, kind: bytes | None = None, space: bytes = SINGLE, flags: int = 0
) -> bytes:
    """The same without the message around it."""
    label, kind = name.encode() + b"\0", string(len(value)) if kind is None else kind
    return (
        struct.pack("<BBHHHB", 3, flags, len(label), len(kind), len(space), 0) + label + kind + space + value
    )


def hard(name: str, address: int) -> Message:
    """A link to an object of the file."""
    return 0x06, _link(name, 0) + struct.pack("<Q", address)


def soft(name: str, target: str) -> Message:
    """A link by name within the file."""
    return 0x06, _link(name, 1) + struct.pack("<H", len(target)) + target.encode()


def external(name: str, file: str, target: str = "/x") -> Message:
    """A link to an object of another file."""
    value = b"\0" + file.encode() + b"\0" + target.encode() + b"\0"
    return 0x06, _link(name, 64) + struct.pack("<H", len(value)) + value


def _link(name: str, kind: int) -> bytes:
    return struct.pack("<BBBB", 1, 8, kind, len(name)) + name.encode()


class Builder:
    """A file that grows; objects are put before what refers to them, the root group last."""

    def __init__(self, user_block: int = 0) -> None:
        self.user_block = user_block
        self.data = bytearray(_SUPERBLOCK)

    def put(self, data: bytes) -> int:
        """Append bytes; return their address."""
        self.data += bytes(-len(self.data) % 8)
        address = len(self.data)
        self.data += data
        return address

    def object(self, messages: Iterable[Message], further: Iterable[Message] = ()) -> int:
        """An object header of version 2, with a continuation block where there is more."""
        packed = _packed(messages)
        further = tuple(further)
        if further:
            block = b"OCHK" + _packed(further) + bytes(4)
            packed += _packed([(0x10, struct.pack("<QQ", self.put(block), len(block)))])
        return self.put(b"OHDR" + struct.pack("<BBI", 2, 2, len(packed)) + packed + bytes(4))

    def heap(self, *texts: bytes) -> int:
        """A collection of the global heap; its texts count from 1."""
        held = b"".join(
            struct.pack("<HHIQ", number, 1, 0, len(text)) + text + bytes(-len(text) % 8)
            for number, text in enumerate(texts, start=1)
        )
        return self.put(b"GCOL" + struct.pack("<B3xQ", 1, 32 + len(held)) + held + bytes(16))

    def names(self, *texts: str) -> tuple[int, list[int]]:
        """A local heap; its address and the offsets of its texts."""
        data, offsets = bytearray(8), []
        for text in texts:
            offsets.append(len(data))
            data += text.encode() + b"\0"
        place = self.put(bytes(data))
        return self.put(b"HEAP" + struct.pack("<IQQQ", 0, len(data), 1, place)), offsets

    def dense(self, bodies: Iterable[bytes], *, kind: int, huge: Iterable[bytes] = ()) -> tuple[int, int]:
        """Messages in a fractal heap, and a tree that points to them: kind 5 for links, 8 for attributes."""
        identity, head = 7 if kind == 5 else 8, 5 + 8 + 2
        block, identities = bytearray(b"FHDB" + bytes(head - 4)), []
        for body in bodies:
            identities.append(struct.pack("<BHH", 0, len(block), len(body)).ljust(identity, b"\0"))
            block += body
        direct = self.put(bytes(block))
        outside = NOWHERE
        large = [(self.put(body), len(body), number) for number, body in enumerate(huge, start=1)]
        if large:
            identities += [struct.pack("<BI", 0x10, number).ljust(identity, b"\0") for *_, number in large]
            outside = self.tree(1, [struct.pack("<QQQ", *each) for each in large])
        header = struct.pack("<BHHBI", 0, identity, 0, 0, 4096)
        header += struct.pack("<QQQQ", len(large), outside, 0, NOWHERE) + bytes(8 * 8)
        header += struct.pack("<HQQHHQH", 4, 512, 65536, 16, 1, direct, 0)
        heap = self.put(b"FRHP" + header + bytes(4))
        records = [bytes(4) + each if kind == 5 else each + bytes(9) for each in identities]
        return heap, self.tree(kind, records)

    def tree(self, kind: int, records: list[bytes], depth: int = 0) -> int:
        """A tree of version 2; with a depth of 1 its first record stands above the others."""
        size, node = len(records[0]), 2048
        above, below = (records[:1], records[1:]) if depth else ([], records)
        leaf = self.put((b"BTLF" + bytes([0, kind]) + b"".join(below)).ljust(node, b"\0"))
        if depth:
            empty = self.put((b"BTLF" + bytes([0, kind])).ljust(node, b"\0"))
            width = ((node - 10) // size).bit_length() // 8 + 1
            pointers = struct.pack("<Q", leaf) + len(below).to_bytes(width, "little")
            pointers += struct.pack("<Q", empty) + bytes(width)
            leaf = self.put((b"BTIN" + bytes([0, kind]) + b"".join(above) + pointers).ljust(node, b"\0"))
        count = len(above) if depth else len(below)
        head = struct.pack("<BBIHHBBQHQ", 0, kind, node, size, depth, 100, 40, leaf, count, len(records))
        return self.put(b"BTHD" + head + bytes(4))

    def file(self, root: int) -> bytes:
        """The whole file with its superblock of version 2."""
        top = b"\x89HDF\r\n\x1a\n" + struct.pack("<BBBB", 2, 8, 8, 0)
        self.data[:_SUPERBLOCK] = top + struct.pack("<QQQQI", 0, NOWHERE, len(self.data), root, 0)
        return b"u" * self.user_block + bytes(self.data)


def _packed(messages: Iterable[Message]) -> bytes:
    return b"".join(struct.pack("<BHB", kind, len(body), 0) + body for kind, body in messages)


def spread_heap(builder: Builder, bodies: list[bytes]) -> tuple[int, list[bytes]]:
    """A heap of attributes whose blocks hang on an indirect block, one message in each, the last one deeper.

    Rows have 4 blocks, of 512, 512 and 1024 bytes; those of the fourth row are indirect blocks in turn.
    """
    starts = [number * 512 for number in range(8)] + [4096 + number * 1024 for number in range(4)] + [8192]
    blocks, identities = [], []
    for start, body in zip(starts, bodies, strict=True):
        head = b"FHDB" + bytes(9) + struct.pack("<H", start)
        blocks.append(builder.put(head + body))
        identities.append(struct.pack("<BHH", 0, start + len(head), len(body)).ljust(8, b"\0"))
    inner = builder.put(b"FHIB" + bytes(11) + struct.pack("<QQQQ", blocks.pop(), *[NOWHERE] * 3))
    children = struct.pack("<16Q", *blocks, inner, *[NOWHERE] * 3)
    root = builder.put(b"FHIB" + bytes(11) + children)
    header = struct.pack("<BHHBI", 0, 8, 0, 0, 4096) + struct.pack("<QQQQ", 0, NOWHERE, 0, NOWHERE)
    header += bytes(8 * 8) + struct.pack("<HQQHHQH", 4, 512, 1024, 16, 1, root, 4)
    return builder.put(b"FRHP" + header + bytes(4)), identities
