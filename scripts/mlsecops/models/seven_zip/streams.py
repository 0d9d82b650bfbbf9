"""The part of a 7z's header that says how bytes are packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from mlsecops.models.seven_zip.fields import Fields
from mlsecops.models.seven_zip.records import MAX_ENTRIES, Coder, Content, Folder
from mlsecops.models.walk import UnreadableError

_END, _PACKED, _UNPACKED, _MEMBERS, _SIZE, _CRC = 0x00, 0x06, 0x07, 0x08, 0x09, 0x0A
_FOLDER, _UNPACKED_SIZE, _COUNT = 0x0B, 0x0C, 0x0D
_MOST_CODERS, _MOST_STREAMS = 16, 16


def read_streams(fields: Fields) -> tuple[Folder, ...]:
    """The folders in order, with what is in them. Raises UnreadableError."""
    packs: list[tuple[int, int]] = []
    folders: list[Folder] = []
    crcs: list[int | None] = []
    kind = fields.expect(_END, _PACKED, _UNPACKED, _MEMBERS)
    if kind == _PACKED:
        packs = _packs(fields)
        kind = fields.expect(_END, _UNPACKED, _MEMBERS)
    if kind == _UNPACKED:
        folders, crcs = _folders(fields, packs)
        kind = fields.expect(_END, _MEMBERS)
    contents: list[list[Content]]
    if kind == _MEMBERS:
        contents = _contents(fields, folders, crcs)
        fields.expect(_END)
    else:
        contents = [[Content(folder.size, crc)] for folder, crc in zip(folders, crcs, strict=True)]
    return tuple(
        replace(folder, contents=tuple(each)) for folder, each in zip(folders, contents, strict=True)
    )


def _packs(fields: Fields) -> list[tuple[int, int]]:
    """Places of packed bytes, counted from behind the first 32 of the file, and their lengths."""
    at, count = fields.number(), fields.count()
    sizes: list[int] = []
    while kind := fields.expect(_END, _SIZE, _CRC):
        if kind == _SIZE:
            sizes = fields.numbers(count)
        else:
            fields.words(count)
    if len(sizes) != count:
        raise UnreadableError("its header does not say how long its packed bytes are")
    packs = []
    for size in sizes:
        packs.append((at, size))
        at += size
    return packs


def _folders(fields: Fields, packs: Sequence[tuple[int, int]]) -> tuple[list[Folder], list[int | None]]:
    """How each folder is packed, and its checksum."""
    fields.expect(_FOLDER)
    count = fields.count()
    fields.within()
    left = iter(packs)
    drafts = [_coders(fields) for _ in range(count)]
    fields.expect(_UNPACKED_SIZE)
    folders = []
    for coders, bonds, needed in drafts:
        taken = tuple(islice(left, needed))
        if len(taken) < needed:
            raise UnreadableError("its header does not say where its packed bytes are")
        sizes = tuple(fields.numbers(len(coders)))
        folders.append(Folder(coders=coders, bonds=bonds, packs=taken, sizes=sizes))
    crcs: list[int | None] = [None] * count
    while fields.expect(_END, _CRC):
        crcs = fields.words(count)
    return folders, crcs


def _coders(fields: Fields) -> tuple[tuple[Coder, ...], dict[int, int], int]:
    """The coders of one folder, what binds them, and how many packed streams they need."""
    count = fields.number()
    if not 0 < count <= _MOST_CODERS:
        raise UnreadableError(f"its header names {count:,} compressions one after the other")
    coders = tuple(_coder(fields) for _ in range(count))
    ins = sum(coder.ins for coder in coders)
    bonds: dict[int, int] = {}
    for _ in range(count - 1):
        into, out = fields.number(), fields.number()
        if into >= ins or out >= count or into in bonds or out in bonds.values():
            raise UnreadableError("its header joins compressions that are not there")
        bonds[into] = out
    needed = ins - len(bonds)
    if needed > 1:
        fields.numbers(needed)
    return coders, bonds, needed


def _coder(fields: Fields) -> Coder:
    flags = fields.byte()
    method = fields.take(flags & 0x0F)
    ins, outs = (fields.number(), fields.number()) if flags & 0x10 else (1, 1)
    if flags & 0xC0 or not 0 < ins <= _MOST_STREAMS or outs != 1:
        raise UnreadableError("its header describes a compression as no program does")
    return Coder(method, fields.take(fields.number()) if flags & 0x20 else b"", ins)


def _contents(fields: Fields, folders: Sequence[Folder], crcs: Sequence[int | None]) -> list[list[Content]]:
    """What comes out of each folder, file by file."""
    counts = [1] * len(folders)
    kind = fields.expect(_END, _COUNT, _SIZE, _CRC)
    if kind == _COUNT:
        counts = fields.numbers(len(folders))
        kind = fields.expect(_END, _SIZE, _CRC)
    if sum(counts) > MAX_ENTRIES:
        raise UnreadableError(f"it has more than {MAX_ENTRIES:,} entries")
    if kind != _SIZE and any(count > 1 for count in counts):
        raise UnreadableError("its header does not say how long its files are")
    sizes = [_sizes(fields, folder.size, count) for folder, count in zip(folders, counts, strict=True)]
    kind = fields.expect(_END, _CRC) if kind == _SIZE else kind
    whole = [crc if count == 1 else None for crc, count in zip(crcs, counts, strict=True)]
    unknown = sum(count for crc, count in zip(whole, counts, strict=True) if crc is None)
    words = iter(fields.words(unknown) if kind == _CRC else [None] * unknown)
    if kind == _CRC:
        fields.expect(_END)
    return [
        [Content(size, next(words) if crc is None else crc) for size in each]
        for crc, each in zip(whole, sizes, strict=True)
    ]


def _sizes(fields: Fields, whole: int, count: int) -> list[int]:
    """The lengths of files in a folder; that of the last is what is left."""
    sizes = fields.numbers(max(count - 1, 0))
    if sum(sizes) > whole:
        raise UnreadableError("its files are longer than what they are packed in")
    return [*sizes, whole - sum(sizes)] if count else []
