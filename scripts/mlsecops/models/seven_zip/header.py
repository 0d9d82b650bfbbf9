"""The header of a 7z, which lists its files in the order in which their bytes come out of the folders."""

from __future__ import annotations

from collections.abc import Mapping

from mlsecops.models.seven_zip.fields import Fields
from mlsecops.models.seven_zip.records import File, Folder
from mlsecops.models.seven_zip.streams import read_streams
from mlsecops.models.walk import UnreadableError

_END, _PROPERTIES, _MAIN, _FILES = 0x00, 0x02, 0x04, 0x05
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES = 0x0E, 0x0F, 0x10, 0x11, 0x15
_KNOWN = frozenset([_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES])
_PASSED_OVER = frozenset([0x12, 0x13, 0x14, 0x16, 0x18, 0x19])  # times, a comment, padding


def read_header(fields: Fields) -> tuple[tuple[Folder, ...], list[File]]:
    """All that stands behind the header's first byte. Raises UnreadableError."""
    folders: tuple[Folder, ...] = ()
    files: list[File] = []
    kind = fields.expect(_END, _PROPERTIES, _MAIN, _FILES)
    if kind == _PROPERTIES:
        while fields.number():
            fields.take(fields.number())
        kind = fields.expect(_END, _MAIN, _FILES)
    if kind == _MAIN:
        folders = read_streams(fields)
        kind = fields.expect(_END, _FILES)
    if kind == _FILES:
        files = _files(fields)
        fields.expect(_END)
    if fields.left:
        raise UnreadableError("there is more in its header than it says")
    return folders, files


def _files(fields: Fields) -> list[File]:
    count = fields.count()
    records: dict[int, Fields] = {}
    while kind := fields.number():
        record = Fields(fields.take(fields.number()))
        if kind in records and kind not in _PASSED_OVER:
            raise UnreadableError("its header says the same thing twice")
        records[kind] = record
    if unknown := records.keys() - _PASSED_OVER - _KNOWN:
        raise UnreadableError(f"its header has a record that is not known here ({min(unknown):#x})")
    holds = [not each for each in _flags(records, _EMPTY_STREAM, count)]
    empty = iter(_flags(records, _EMPTY_FILE, holds.count(False)))
    deletes = iter(_flags(records, _ANTI, holds.count(False)))
    names, attributes = _names(records.get(_NAMES), count), _attributes(records.get(_ATTRIBUTES), count)
    return [
        File(
            name=name,
            holds=full,
            empty=not full and next(empty),
            deletes=not full and next(deletes),
            attributes=each or 0,
        )
        for name, full, each in zip(names, holds, attributes, strict=True)
    ]


def _flags(records: Mapping[int, Fields], kind: int, count: int) -> list[bool]:
    record = records.get(kind)
    return record.bits(count) if record else [False] * count


def _attributes(record: Fields | None, count: int) -> list[int | None]:
    if record is None:
        return [None] * count
    there = record.defined(count)
    record.within()
    return [int.from_bytes(record.take(4), "little") if each else None for each in there]


def _names(record: Fields | None, count: int) -> list[str]:
    if record is None:
        return [""] * count
    record.within()
    names = record.take(record.left).decode("utf-16-le", "replace").split("\0")
    if len(names) != count + 1 or names[-1]:
        raise UnreadableError("its header has more or fewer names than files")
    return names[:-1]
