"""Bytes of a zip that no directory speaks of, and members that stand there nevertheless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsecops.models.source import CHUNK, Source
from mlsecops.models.zip import records
from mlsecops.models.zip.records import CENTRAL, DESCRIPTOR, END, END64, LOCAL, LOCATOR64, Header

_MOST_HIDDEN = 2_000
_MARKER = b"PK00"  # before the first member of an archive that was meant to be split
_DIRECTORY = (CENTRAL, END, END64, LOCATOR64)
_LONGEST_DESCRIPTOR = 24


def between(source: Source, covered: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The stretches that nothing covers and that are not only zeros, which writers align members with."""
    at = 0
    for start, end in [*sorted(covered), (source.size, source.size)]:
        if start > at and not is_zero(source, at, min(start, source.size)):
            yield at, min(start, source.size)
        at = max(at, end)
        if at >= source.size:
            return


def is_zero(source: Source, start: int, end: int) -> bool:
    """Whether there are only zero bytes."""
    return all(piece.count(0) == len(piece) for piece in source.chunks(start, end - start))


def entries_in(source: Source, start: int, end: int) -> Iterator[Header]:
    """Local headers in a stretch; those inside of another's bytes are not looked for."""
    at = start
    for _ in range(_MOST_HIDDEN):
        at = find(source, LOCAL, at, end)
        if at < 0:
            return
        header = records.local(source, at)
        if header is None or not header.raw or header.end > end:
            at += 1
            continue
        yield header
        behind = header.end + header.packed
        at = behind if behind <= end else header.end


def loose_in(source: Source, start: int, end: int, hidden: Sequence[Header]) -> Iterator[tuple[int, int]]:
    """What is left of a stretch without its members and the records that belong to them."""
    at = start
    spans = [(each.at, end if each.unsized else min(each.end + each.packed, end)) for each in hidden]
    for stop, behind in [*spans, (end, end)]:
        if stop > at and not is_zero(source, at, stop) and not _is_record(source, at, stop, bool(hidden)):
            yield at, stop
        at = max(at, behind)


def _is_record(source: Source, start: int, end: int, members: bool) -> bool:
    begin = source.at(start, 4)
    if begin == _MARKER or (begin == DESCRIPTOR and start == 0):
        return end - start == len(_MARKER)
    if begin == DESCRIPTOR:
        return end - start <= _LONGEST_DESCRIPTOR
    return members and begin in _DIRECTORY


def find(source: Source, needle: bytes, start: int, end: int) -> int:
    """The first place of a few bytes between two others, -1 where they are not."""
    while start + len(needle) <= end:
        piece = source.at(start, min(CHUNK + len(needle) - 1, end - start))
        at = piece.find(needle)
        if at >= 0:
            return start + at
        if len(piece) < CHUNK:
            return -1
        start += CHUNK
    return -1
