"""7z archives made record by record (7zFormat.txt of the LZMA SDK), so that each of them can lie."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MAGIC = b"7z\xbc\xaf\x27\x1c"
BEHIND_START = 32
COPY, LZMA, LZMA2, DELTA, X86 = b"\0", b"\x03\x01\x01", b"\x21", b"\x03", b"\x03\x03\x01\x03"
DEFLATE, BZIP2, PPMD, AES = b"\x04\x01\x08", b"\x04\x02\x02", b"\x03\x04\x01", b"\x06\xf1\x07\x01"
UNIX_LINK = 0x8000 | 0o120777 << 16
FOLDER_ATTRIBUTE, REPARSE_POINT = 0x10, 0x400
_DICTIONARY = 1 << 16
_LZMA1 = {"id": lzma.FILTER_LZMA1, "dict_size": _DICTIONARY}
_LZMA2 = {"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY}


def number(value: int) -> bytes:
    """The format's own numbers: the leading ones of the first byte count those that follow."""
    first, mask, tail = 0, 0x80, b""
    for size in range(8):
        if value < 1 << (7 * (size + 1)):
            low = value & (1 << (8 * size)) - 1
            return bytes([first | value >> (8 * size)]) + low.to_bytes(size, "little")
        first |= mask
        mask >>= 1
    return b"\xff" + value.to_bytes(8, "little") + tail


def bits(flags: Sequence[bool]) -> bytes:
    """Yes and no, the first in the highest bit."""
    padded = [*flags, *[False] * (-len(flags) % 8)]
    return bytes(
        sum(flag << 7 - at for at, flag in enumerate(padded[start : start + 8]))
        for start in range(0, len(padded), 8)
    )


def coder(method: bytes, properties: bytes = b"", ins: int = 1) -> bytes:
    """One coder of a folder."""
    flags = len(method) | (0x20 if properties else 0) | (0x10 if ins != 1 else 0)
    more = number(ins) + number(1) if ins != 1 else b""
    return bytes([flags]) + method + more + (number(len(properties)) + properties if properties else b"")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Files packed as one; what is None follows from the rest.

    `sizes` is what comes out of each coder, `lengths` what the header says of the files, whose contents are
    `contents`; `packs` are its packed bytes.
    """

    contents: Sequence[bytes]
    packs: Sequence[bytes]
    coders: Sequence[bytes]
    bonds: Sequence[tuple[int, int]] | None = None
    sizes: Sequence[int] | None = None
    lengths: Sequence[int] | None = None
    crcs: Sequence[int | None] | None = None

    @property
    def record(self) -> bytes:
        """How it is packed."""
        bonds = [(at, at + 1) for at in range(len(self.coders) - 1)] if self.bonds is None else self.bonds
        more = b"".join(map(number, range(len(self.packs)))) if len(self.packs) > 1 else b""
        joined = b"".join(number(into) + number(out) for into, out in bonds)
        return number(len(self.coders)) + b"".join(self.coders) + joined + more

    @property
    def unpacked(self) -> Sequence[int]:
        """What comes out of each coder."""
        return [sum(map(len, self.contents))] * len(self.coders) if self.sizes is None else self.sizes


def packed(method: str, *contents: bytes) -> Folder:
    """A folder of files: "copy", "lzma", "lzma2", "deflate", "bzip2", "x86", "x86+lzma" or "delta"."""
    data = b"".join(contents)
    if method == "copy":
        return Folder(contents=contents, packs=[data], coders=[coder(COPY)])
    if method == "deflate":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return Folder(
            contents=contents, packs=[packer.compress(data) + packer.flush()], coders=[coder(DEFLATE)]
        )
    if method == "bzip2":
        return Folder(contents=contents, packs=[bz2.compress(data)], coders=[coder(BZIP2)])
    lzma1 = coder(LZMA, b"\x5d" + struct.pack("<L", _DICTIONARY))
    lzma2 = coder(LZMA2, bytes([8]))
    chains = {
        "lzma": ([_LZMA1], [lzma1]),
        "lzma2": ([_LZMA2], [lzma2]),
        "x86": ([{"id": lzma.FILTER_X86}, _LZMA2], [coder(X86), lzma2]),
        "x86+lzma": ([{"id": lzma.FILTER_X86}, _LZMA1], [coder(X86), lzma1]),
        "delta": ([{"id": lzma.FILTER_DELTA, "dist": 4}, _LZMA2], [coder(DELTA, b"\3"), lzma2]),
    }
    filters, coders = chains[method]
    return Folder(
        contents=contents, packs=[lzma.compress(data, lzma.FORMAT_RAW, filters=filters)], coders=coders
    )


@dataclass(frozen=True, kw_only=True)
class File:
    """A name; `kind` is "file", "empty", "folder" or "anti"."""

    name: str
    kind: str = "file"
    attributes: int | None = None


def words(values: Sequence[int | None]) -> bytes:
    """Values of 32 bits, and for which things there is one."""
    there = [value is not None for value in values]
    flags = b"\1" if all(there) else b"\0" + bits(there)
    return flags + b"".join(struct.pack("<L", value) for value in values if value is not None)


def streams_of(folders: Sequence[Folder], at: int = 0) -> bytes:
    """What the header says of packed bytes, which begin at a place behind the first bytes of the file."""
    packs = [pack for folder in folders for pack in folder.packs]
    record = b"\x06" + number(at) + number(len(packs)) + b"\x09"
    record += b"".join(number(len(pack)) for pack in packs) + b"\0"
    record += b"\x07\x0b" + number(len(folders)) + b"\0" + b"".join(folder.record for folder in folders)
    record += b"\x0c" + b"".join(number(size) for folder in folders for size in folder.unpacked) + b"\0"
    lengths = [
        [len(content) for content in folder.contents] if folder.lengths is None else folder.lengths
        for folder in folders
    ]
    crcs: list[int | None] = []
    for folder in folders:
        crcs += map(zlib.crc32, folder.contents) if folder.crcs is None else folder.crcs
    record += b"\x08\x0d" + b"".join(number(len(each)) for each in lengths)
    record += b"\x09" + b"".join(number(length) for each in lengths for length in each[:-1])
    return record + b"\x0a" + words(crcs) + b"\0\0"


def files_of(files: Sequence[File]) -> bytes:
    """What the header says of names."""
    without = [file.kind for file in files if file.kind != "file"]
    records = []
    if without:
        records.append((0x0E, bits([file.kind != "file" for file in files])))
        records.append((0x0F, bits([kind == "empty" for kind in without])))
        records.append((0x10, bits([kind == "anti" for kind in without])))
    records.append((0x19, bytes(3)))
    records.append((0x11, b"\0" + "".join(f"{file.name}\0" for file in files).encode("utf-16-le")))
    if any(file.attributes is not None for file in files):
        there = [file.attributes is not None for file in files]
        values = b"".join(struct.pack("<L", file.attributes) for file in files if file.attributes is not None)
        records.append((0x15, (b"\1" if all(there) else b"\0" + bits(there)) + b"\0" + values))
    return (
        b"\x05"
        + number(len(files))
        + b"".join(bytes([kind]) + number(len(record)) + record for kind, record in records)
        + b"\0"
    )


def header_of(folders: Sequence[Folder], files: Sequence[File]) -> bytes:
    """A header that is not packed."""
    return b"\1\x04" + streams_of(folders) + files_of(files) + b"\0"


def wrapped(body: bytes, header: bytes, *, crc: int | None = None, start_crc: int | None = None) -> bytes:
    """An archive: the first bytes, what is packed, and the header."""
    told = struct.pack("<QQL", len(body), len(header), zlib.crc32(header) if crc is None else crc)
    said = zlib.crc32(told) if start_crc is None else start_crc
    return MAGIC + b"\0\4" + struct.pack("<L", said) + told + body + header


def seven_zip(
    folders: Sequence[Folder], files: Sequence[File], *, header: str = "", gap: bytes = b""
) -> bytes:
    """A whole archive; `header` is how its header is packed, "" for not at all, `gap` stands before that."""
    body = b"".join(pack for folder in folders for pack in folder.packs) + gap
    plain = header_of(folders, files)
    if not header:
        return wrapped(body, plain)
    folder = packed(header, plain)
    return wrapped(body + folder.packs[0], b"\x17" + streams_of([folder], len(body)))


def of_files(files: dict[str, bytes], method: str = "copy", *, header: str = "") -> bytes:
    """An archive of files in one folder."""
    return seven_zip([packed(method, *files.values())], [File(name=name) for name in files], header=header)
