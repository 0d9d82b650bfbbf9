"""Zip archives whose headers may lie (PKWARE APPNOTE 4.3), and tar archives with any member."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

TarMode = Literal["w", "w:gz", "w:bz2", "w:xz"]
STORED, DEFLATED = 0, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in a zip, and where its two headers say something else than is true.

    `local_name` is what the local header calls it, `flags` are set in both, `checksum` is added to the true
    one, `unix` is the mode (a link's, for instance), `hidden` leaves it out of the directory,
    `sizes` are in the local header, `unpacked` is another size than the data's.
    """

    name: str = ""
    data: bytes = b""
    method: int = STORED
    flags: int = 0
    local_name: str = ""
    checksum: int = 0
    unix: int = 0o100644
    hidden: bool = False
    sizes: bool = True
    unpacked: int = -1


def zip_of(
    members: Mapping[str, bytes] | Iterable[Member],
    *,
    method: int = STORED,
    before: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """A zip; `before` are bytes that the offsets of the directory know of."""
    if isinstance(members, Mapping):
        members = [Member(name=name, data=data, method=method) for name, data in members.items()]
    out, directory, count = bytearray(before), bytearray(), 0
    for member in members:
        packed = _packed(member)
        common = _common(member, packed)
        if not member.hidden:
            directory += _entry(member, common, len(out))
            count += 1
        local = (member.local_name or member.name).encode()
        written = common if member.sizes else common[:10] + bytes(12)
        out += b"PK\x03\x04" + written + struct.pack("<HH", len(local), 0) + local + packed
        if not member.sizes:
            out += b"PK\x07\x08" + common[10:]
    start = len(out)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), start, len(comment))
    return bytes(out + directory + b"PK\x05\x06" + end + comment)


def tar_of(
    members: Mapping[str, bytes], links: Mapping[str, str] | None = None, mode: TarMode = "w"
) -> bytes:
    """A tar with these files and symbolic links; `mode` is that of `tarfile`, such as `w:gz`."""
    out = io.BytesIO()
    if mode == "w:gz":  # tarfile writes the time of day into its header
        return gzip.compress(tar_of(members, links), mtime=0)
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def _packed(member: Member) -> bytes:
    if member.method != DEFLATED:
        return member.data
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(member.data) + compressor.flush()


def _common(member: Member, packed: bytes) -> bytes:
    """What both headers have in common: from the version to the sizes."""
    flags = member.flags | (0 if member.sizes else 8)
    checksum = (zlib.crc32(member.data) + member.checksum) & 0xFFFFFFFF
    unpacked = len(member.data) if member.unpacked < 0 else member.unpacked
    sizes = struct.pack("<III", checksum, len(packed), unpacked)
    return struct.pack("<HHHHH", 20, flags, member.method, 0, 0x21) + sizes


def _entry(member: Member, common: bytes, offset: int) -> bytes:
    name = member.name.encode()
    tail = struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, member.unix << 16, offset)
    return b"PK\x01\x02" + struct.pack("<BB", 20, 3) + common + tail + name
