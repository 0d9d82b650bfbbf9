"""A 7z from its first bytes to the list of its files, and what in it belongs to none of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.models.cursor import CUT_OFF
from mlsecops.models.seven_zip.content import unpacking
from mlsecops.models.seven_zip.fields import Fields
from mlsecops.models.seven_zip.header import read_header
from mlsecops.models.seven_zip.records import Content, File, Folder
from mlsecops.models.seven_zip.streams import read_streams
from mlsecops.models.source import Source
from mlsecops.models.unpack.codecs import Mend
from mlsecops.models.walk import UnreadableError
from mlsecops.models.zip.gaps import between

MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = struct.Struct("<6s2BL")
_NEXT = struct.Struct("<2QL")
_BEHIND = _START.size + _NEXT.size
_HEADER, _ENCODED = 0x01, 0x17
_LARGEST_HEADER = 32 << 20
_MOST_LAYERS = 4
_WRONG = "the checksum of its header is wrong"


@dataclass(slots=True)
class Archive:
    """A 7z as its header describes it; `loose` are the stretches that the header does not speak of.

    `shared` says that what is packed reaches into the header or behind the end.
    """

    folders: tuple[Folder, ...] = ()
    files: list[File] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    loose: list[tuple[int, int]] = field(default_factory=list)
    shared: bool = False

    def members(self) -> Iterator[tuple[Folder, list[tuple[File | None, Content]]]]:
        """Each folder with the files in it; bytes without a name have no file."""
        names = (file for file in self.files if file.holds)
        for folder in self.folders:
            yield folder, [(next(names, None), content) for content in folder.contents]


def read_archive(source: Source, mend: Mend) -> Archive:
    """The header of an archive, unpacked where it is packed. Raises UnreadableError."""
    found = Archive()
    start = source.at(0, _BEHIND)
    if len(start) < _BEHIND:
        raise UnreadableError(CUT_OFF)
    if zlib.crc32(start[_START.size :]) != _START.unpack_from(start)[3]:
        found.troubles.append("the checksum of its beginning is wrong")
    offset, size, crc = _NEXT.unpack_from(start, _START.size)
    if offset + size > source.size - _BEHIND:
        raise UnreadableError(CUT_OFF)
    if size > _LARGEST_HEADER:
        raise UnreadableError(f"its header is larger than {_LARGEST_HEADER >> 20} MiB")
    covered = [(0, _BEHIND)]
    if size:
        covered.append((_BEHIND + offset, _BEHIND + offset + size))
        _read(source.at(_BEHIND + offset, size), crc, source, found, covered, mend)
    found.loose += between(source, covered)
    return found


def _read(
    data: bytes, crc: int | None, source: Source, found: Archive, covered: list[tuple[int, int]], mend: Mend
) -> None:
    """Read a header, or unpack it and read what comes out."""
    for _ in range(_MOST_LAYERS):
        if crc is not None and zlib.crc32(data) != crc:
            found.troubles.append(_WRONG)
        fields = Fields(data)
        if fields.expect(_HEADER, _ENCODED) == _HEADER:
            folders, found.files = read_header(fields)
            found.folders = _placed(folders, source, found, covered)
            _check_files(found)
            return
        folders = _placed(read_streams(fields), source, found, covered)
        if len(folders) != 1 or len(folders[0].contents) != 1:
            raise UnreadableError("its header is packed as no program does it")
        data, crc = _unpacked(folders[0], source, mend), folders[0].contents[0].crc
    raise UnreadableError("its header is packed again and again")


def _placed(
    folders: tuple[Folder, ...], source: Source, found: Archive, covered: list[tuple[int, int]]
) -> tuple[Folder, ...]:
    """The folders with the places of their bytes counted from the beginning of the file."""
    packs = [pack for folder in folders for pack in folder.packs]
    spans = [(_BEHIND + at, _BEHIND + at + size) for at, size in packs if size]
    taken = [*covered, (source.size, max((stop for _, stop in spans), default=0))]
    if any(start < end and begin < stop for start, stop in spans for begin, end in taken):
        found.shared = True
    covered += spans
    return tuple(folder.moved(_BEHIND) for folder in folders)


def _unpacked(folder: Folder, source: Source, mend: Mend) -> bytes:
    """A header that is packed."""
    if folder.size > _LARGEST_HEADER:
        raise UnreadableError(f"its header is larger than {_LARGEST_HEADER >> 20} MiB")
    content = unpacking(folder, source, mend)
    data = bytearray()
    for piece in content:
        data += piece
        if len(data) >= folder.size:
            break
    if len(data) < folder.size:
        raise UnreadableError(f"its header cannot be unpacked: {content.trouble or CUT_OFF}")
    return bytes(data[: folder.size])


def _check_files(found: Archive) -> None:
    files = sum(file.holds for file in found.files)
    contents = sum(len(folder.contents) for folder in found.folders)
    if files > contents:
        found.troubles.append("its header lists files that are not there")
