"""What containers hold: names in a zip, a tar or a 7z; all bounded."""

from __future__ import annotations

import struct
from io import BufferedReader
from typing import BinaryIO, Protocol

from mlsecops.models.seven_zip.archive import read_archive
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

MAX_DIRECTORY = 16 * 1024 * 1024  # bytes of a zip's central directory
MAX_MEMBERS = 2000  # headers of a tar

_COMPRESSIONS = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "lzma"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_ENTRY = struct.Struct("<4s24xHHH")  # of a zip's directory: signature, lengths of name, extra, comment
_ENTRY_HEADER = 46
LONGEST_ZIP_END = 22 + 65_536  # bytes: the record behind the directory, and a comment behind that
ZIP_END = b"PK\x05\x06"
_END, _END64, _LOCATOR64 = 22, 56, 20  # sizes of the records after the directory
_BLOCK = 512


def compression_of(head: bytes) -> str | None:
    """Which compression the first bytes of a file announce."""
    for magic, name in _COMPRESSIONS:
        if head.startswith(magic):
            return name
    if len(head) > 2 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    return None


class Readable(Protocol):
    """What names in a tar are read from, forwards."""

    def read(self, length: int, /) -> bytes:
        """The next bytes, fewer at the end."""

    def seek(self, by: int, whence: int, /) -> object:
        """Pass over bytes; `whence` is 1, from here."""


def zip_names(file: BinaryIO, size: int) -> list[str] | None:
    """Names in a zip, from its central directory; None when that is too large or broken."""
    directory = _directory(file, size)
    if directory is None:
        return None
    names: list[str] = []
    at = 0
    while at + _ENTRY.size <= len(directory):
        signature, name_length, extra, comment = _ENTRY.unpack_from(directory, at)
        if signature != b"PK\x01\x02":
            return None
        name = directory[at + _ENTRY_HEADER : at + _ENTRY_HEADER + name_length]
        names.append(name.decode("utf-8", errors="replace"))
        at += _ENTRY_HEADER + name_length + extra + comment
    return names


def tar_names(file: Readable) -> list[str]:
    """Names in a tar (uncompressed), from its headers, at most MAX_MEMBERS of them."""
    names: list[str] = []
    while len(names) < MAX_MEMBERS:
        header = file.read(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\0"):
            break
        try:
            length = int(header[124:136].strip(b" \0") or b"0", 8)
        except ValueError:  # a size of 8 GB or more, or no tar
            break
        names.append(header[:100].split(b"\0", 1)[0].decode("utf-8", errors="replace"))
        file.seek(-(-length // _BLOCK) * _BLOCK, 1)
    return names


def seven_zip_names(file: BufferedReader) -> list[str] | None:
    """Names in a 7z, from its header; None when that is too large, broken or encrypted."""
    try:
        return [each.name for each in read_archive(Source.of(file), lambda: False).files]
    except UnreadableError:
        return None


def is_tar(head: bytes) -> bool:
    """Whether the first bytes are a tar's first header."""
    return head[257:262] == b"ustar"


def _directory(file: BinaryIO, size: int) -> bytes | None:
    """The central directory, found from the record after it, so that bytes before the zip do not matter."""
    file.seek(max(0, size - LONGEST_ZIP_END))
    tail = file.read(LONGEST_ZIP_END)
    at = tail.rfind(ZIP_END)
    if at < 0 or len(tail) < at + _END:
        return None
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    record = at - _LOCATOR64 - _END64
    if record >= 0 and tail.startswith(b"PK\x06\x06", record):
        length = int.from_bytes(tail[record + 40 : record + 48], "little")
        at = record
    start = max(0, size - len(tail)) + at - length
    if length > MAX_DIRECTORY or start < 0:
        return None
    file.seek(start)
    return file.read(length)
