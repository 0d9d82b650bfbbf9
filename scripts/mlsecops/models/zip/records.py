"""Records of a zip, each read from its own bytes (APPNOTE 6.3.10, section 4.3).

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.source import Source

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64, DESCRIPTOR = b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"
ENCRYPTED, DESCRIBED, PATCHED, STRONG, MASKED = 0x1, 0x8, 0x20, 0x40, 0x2000
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL, _FULL16 = 0xFFFFFFFF, 0xFFFF
_ZIP64_EXTRA, _UNICODE_PATH = 0x0001, 0x7075
_TAIL = 65_535 + _END.size


@dataclass(frozen=True, slots=True)
class End:
    """A record that says where a directory is: itself at `at` to `upto`, the directory at `offset`."""

    at: int
    upto: int
    count: int
    size: int
    offset: int
    disk: int


@dataclass(frozen=True, slots=True)
class Header:
    """What one header says of a member; `at` is its place, `end` where it ends, `local` where it points."""

    at: int
    end: int
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    local: int = 0
    disk: int = 0
    mode: int = 0
    alias: bytes = b""

    @property
    def unsized(self) -> bool:
        """Whether the length stands behind the member, in a record of its own."""
        return bool(self.flags & DESCRIBED) and self.packed in (0, _FULL)

    @property
    def name(self) -> str:
        """The name as text: UTF-8 where it is, else the code page of DOS."""
        try:
            return self.raw.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw.decode("cp437")


def find_ends(source: Source) -> list[End]:
    """Every record at the end of the file that a loader may take for the one that counts, the last first.

    That is the last of them, and those whose comment reaches just to the end of the file.
    """
    start = max(source.size - _TAIL, 0)
    tail = source.at(start, _TAIL)
    found: list[End] = []
    at = tail.rfind(END)
    while at >= 0:
        if len(tail) - at >= _END.size:
            comment = _END.unpack_from(tail, at)[7]
            if not found or at + _END.size + comment == len(tail):
                found += _ends_at(source, start + at)
        at = tail.rfind(END, 0, at)
    return found


def _ends_at(source: Source, at: int) -> Iterator[End]:
    """What the record at a place says, and what its 64 bit counterpart says, where loaders look for that."""
    _, disk, first, _, count, size, offset, comment = _END.unpack(source.at(at, _END.size))
    upto = min(at + _END.size + comment, source.size)
    seen: set[int] = set()
    locator = source.at(at - _LOCATOR64.size, _LOCATOR64.size)
    if locator.startswith(LOCATOR64):
        said = _LOCATOR64.unpack(locator)[2]
        for place in (at - _LOCATOR64.size - _END64.size, said):
            record = source.at(place, _END64.size)
            if place not in seen and len(record) == _END64.size and record.startswith(END64):
                seen.add(place)
                _, _, _, _, disk64, first64, _, count64, size64, offset64 = _END64.unpack(record)
                yield End(place, upto, count64, size64, offset64, max(disk64, first64))
    if not seen or (count != _FULL16 and size != _FULL and offset != _FULL):
        disks = 0 if seen else max(disk, first) % _FULL16
        yield End(min(seen, default=at), upto, count, size, offset, disks)


def central(source: Source, at: int) -> Header | None:
    """The header at a place of a directory, None where there is none."""
    fixed = source.at(at, _CENTRAL.size)
    if len(fixed) < _CENTRAL.size or not fixed.startswith(CENTRAL):
        return None
    _, made_by, _, flags, method, _, _, *numbers = _CENTRAL.unpack(fixed)
    crc, packed, size, name, extra, comment, disk, _, attributes, place = numbers
    varying = source.at(at + _CENTRAL.size, name + extra)
    if len(varying) < name + extra:
        return None
    more = _extra(varying[name:])
    size, packed, place = _wide(more.get(_ZIP64_EXTRA, b""), size, packed, place)
    end = at + _CENTRAL.size + name + extra + comment
    mode = attributes >> 16 if made_by >> 8 in (3, 19) else 0
    alias = more.get(_UNICODE_PATH, b"")[5:]
    return Header(
        at, end, varying[:name], flags, method, crc, packed, size, place, disk % _FULL16, mode, alias
    )


def local(source: Source, at: int) -> Header | None:
    """The header before a member's bytes, None where there is none."""
    fixed = source.at(at, _LOCAL.size)
    if len(fixed) < _LOCAL.size or not fixed.startswith(LOCAL):
        return None
    _, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(fixed)
    varying = source.at(at + _LOCAL.size, name + extra)
    if len(varying) < name + extra:
        return None
    wide = _extra(varying[name:]).get(_ZIP64_EXTRA, b"")
    size, packed, _ = _wide(wide, size, packed, 0)
    return Header(at, at + _LOCAL.size + name + extra, varying[:name], flags, method, crc, packed, size)


def descriptor(source: Source, at: int, header: Header) -> int:
    """Length of the record after a member that repeats its checksum and sizes, 0 where there is none."""
    record = source.at(at, 24)
    signed = 4 if record.startswith(DESCRIPTOR) else 0
    for form in ("<3L", "<L2Q"):
        length = struct.calcsize(form)
        if len(record) >= signed + length:
            said = struct.unpack_from(form, record, signed)
            if said in {(header.crc, header.packed, header.size), (0, header.packed, header.size)}:
                return signed + length
    return 0


def _extra(data: bytes) -> dict[int, bytes]:
    """The fields after a name, the first of each kind, as far as they are sound."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if at + 4 + length > len(data):
            break
        fields.setdefault(kind, data[at + 4 : at + 4 + length])
        at += 4 + length
    return fields


def _wide(field: bytes, *values: int) -> list[int]:
    """Numbers of 32 bits, those that are full replaced by the next of the 64 bits in the field."""
    wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    return [next(wide, value) if value == _FULL else value for value in values]
