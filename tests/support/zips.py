"""Zips made byte by byte, so that each of their parts can lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

LINK = 0o120777 << 16
UNIX = 3 << 8


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A member; what is None follows from the rest. `local_...` is what only the header before it says."""

    name: str | bytes
    content: bytes = b""
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local_name: str | bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_size: int | None = None
    local_crc: int | None = None
    local_packed_size: int | None = None
    described: int = 0
    zip64: bool = False
    extra: bytes = b""
    attributes: int = 0
    disk: int = 0
    offset: int | None = None
    listed: bool = True

    def bytes_packed(self) -> bytes:
        """The content as it stands in the file."""
        if self.packed is not None:
            return self.packed
        if self.method == 8:
            return deflated(self.content)
        return self.content


def deflated(content: bytes) -> bytes:
    """Raw deflate."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def raw(name: str | bytes) -> bytes:
    """A name as bytes."""
    return name.encode() if isinstance(name, str) else name


def local_of(piece: Piece) -> bytes:
    """The header before a member, its bytes, and the record after them."""
    packed = piece.bytes_packed()
    crc = zlib.crc32(piece.content) if piece.crc is None else piece.crc
    size, packed_size = _sizes(piece)
    flags = piece.flags if piece.local_flags is None else piece.local_flags
    name = raw(piece.name if piece.local_name is None else piece.local_name)
    method = piece.method if piece.local_method is None else piece.local_method
    said = [
        crc if piece.local_crc is None else piece.local_crc,
        packed_size if piece.local_packed_size is None else piece.local_packed_size,
        size if piece.local_size is None else piece.local_size,
    ]
    behind = b""
    if piece.described:
        flags |= 8
        said = [0, 0, 0]
        form = "<3L" if piece.described in (12, 16) else "<L2Q"
        signature = b"PK\x07\x08" if piece.described in (16, 24) else b""
        behind = signature + struct.pack(form, crc, packed_size, size)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0, *said, len(name), len(piece.extra))
    return head + name + piece.extra + packed + behind


def central_of(piece: Piece, at: int) -> bytes:
    """A member's entry in the directory."""
    size, packed_size = _sizes(piece)
    name, extra = raw(piece.name), piece.extra
    if piece.zip64:
        extra = struct.pack("<2H3Q", 1, 24, size, packed_size, at) + extra
        size = packed_size = at = 0xFFFFFFFF
    crc = zlib.crc32(piece.content) if piece.crc is None else piece.crc
    flags = piece.flags | (8 if piece.described else 0)
    return (
        struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\1\2", UNIX | 20, 20, flags, piece.method, 0, 0, crc, packed_size, size),
            *(len(name), len(extra), 0, piece.disk, 0, piece.attributes, at),
        )
        + name
        + extra
    )


def _sizes(piece: Piece) -> tuple[int, int]:
    size = len(piece.content) if piece.size is None else piece.size
    return size, len(piece.bytes_packed()) if piece.packed_size is None else piece.packed_size


def end_of(count: int, size: int, offset: int, comment: bytes = b"", disk: int = 0) -> bytes:
    """The record at the end."""
    return struct.pack("<4s4H2LH", b"PK\5\6", disk, disk, count, count, size, offset, len(comment)) + comment


def end64_of(count: int, size: int, offset: int, at: int) -> bytes:
    """The 64 bit record at the end, which stands at `at`, and what points to it."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


def zipped(
    pieces: Sequence[Piece],
    *,
    before: bytes = b"",
    between: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    count: int | None = None,
    disk: int = 0,
) -> bytes:
    """A whole zip; `between` stands before the directory, `before` shifts all places."""
    body, directory = before, b""
    for piece in pieces:
        at = len(body) if piece.offset is None else piece.offset
        if piece.offset is None:
            body += local_of(piece)
        if piece.listed:
            directory += central_of(piece, at)
    body += between
    number = sum(piece.listed for piece in pieces) if count is None else count
    if zip64:
        record = end64_of(number, len(directory), len(body), len(body) + len(directory))
        return body + directory + record + end_of(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, comment)
    return body + directory + end_of(number, len(directory), len(body), comment, disk)
