"""What is in a zip, by every way in which a loader may read it: directory, local headers, bytes between.

Loaders differ. Python goes by the directory right before the record at the end, PyTorch by the one at the
offset that the record names, streaming ones by the headers before the members. A member that only some of
them see is how a scanner is bypassed (CVE-2025-1944, CVE-2025-1945, CVE-2025-10156).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.zip import gaps, records
from mlsecops.models.zip.entries import (
    Entry,
    Structure,
    check_names,
    check_spans,
    entry_of,
    tell_hidden,
    ways_to_read,
)
from mlsecops.models.zip.records import End, Header

MAX_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class _Directory:
    """Headers that stand one after the other from `start`; `shift` is added to the places that they name."""

    start: int
    shift: int
    headers: tuple[Header, ...]

    @property
    def upto(self) -> int:
        return self.headers[-1].end if self.headers else self.start


def is_zip(head: bytes, source: Source) -> bool:
    """Whether a loader might take the bytes for a zip: by their beginning, or by the record at their end."""
    if head.startswith((records.LOCAL, records.END, records.DESCRIPTOR + records.LOCAL)):
        return True
    return source.size >= 22 and any(
        any(records.central(source, start) for start, _ in _starts(end)) for end in records.find_ends(source)
    )


def read_structure(source: Source, *, within: bool = False) -> Structure:
    """Everything that a zip holds; never raises, what is broken is among its troubles.

    Of one that lies `within` a file of another format the rest of the file is not looked at.
    """
    key = f"zip structure, within={within}"
    if key not in source.kept:
        source.kept[key] = _structure(source, within=within)
    structure: Structure = source.kept[key]
    return structure


def _structure(source: Source, *, within: bool) -> Structure:
    found = Structure()
    ends = records.find_ends(source)
    directories = list(_directories(source, ends, found))
    if not ends:
        found.troubles.append("its directory is missing: it is cut off")
    elif not directories and any(end.count for end in ends):
        found.troubles.append("its directory is not where the end of the file says")
    _check_ends(ends, directories, found)
    covered = [(end.at, end.upto) for end in ends]
    covered += [(directory.start, directory.upto) for directory in directories]
    _add_listed(source, directories, covered, found)
    for start, end in () if within else gaps.between(source, covered):
        hidden = list(gaps.entries_in(source, start, end))
        if ends:
            tell_hidden(hidden, found)
        found.entries += [entry_of(header, header, listed=False, room=end - header.end) for header in hidden]
        found.loose += gaps.loose_in(source, start, end, hidden)
    return found


def _directories(source: Source, ends: Iterable[End], found: Structure) -> Iterator[_Directory]:
    seen: set[tuple[int, int]] = set()
    left = MAX_ENTRIES
    for end in ends:
        for start, shift in _starts(end):
            if (start, shift) in seen:
                continue
            seen.add((start, shift))
            headers = tuple(_headers(source, start, left))
            left -= len(headers)
            if headers:
                yield _Directory(start, shift, headers)
    if left <= 0:
        found.troubles.append(f"its directory has more than {MAX_ENTRIES:,} entries")


def _starts(end: End) -> Iterator[tuple[int, int]]:
    """Where loaders look for the directory: at the place that the record names, or right before it."""
    yield end.offset, 0
    before = end.at - end.size
    if before >= 0 and before != end.offset:
        yield before, before - end.offset


def _headers(source: Source, at: int, most: int) -> Iterator[Header]:
    for _ in range(most):
        header = records.central(source, at)
        if header is None:
            return
        yield header
        at = header.end


def _check_ends(ends: list[End], directories: list[_Directory], found: Structure) -> None:
    if any(end.disk for end in ends) or any(
        header.disk for directory in directories for header in directory.headers
    ):
        found.troubles.append("it is one part of an archive of several files")
    if len({directory.start for directory in directories}) > 1:
        found.odd("directory", "it has more than one directory, and loaders differ in which they read")
    elif len({(end.count, end.size, end.offset) for end in ends}) > 1:
        found.odd("directory", "the records at its end say different things about its directory")
    first = directories[0] if directories else None
    counts = {end.count for end in ends}
    if first and not any((count - len(first.headers)) % 65_536 == 0 for count in counts):
        found.odd("directory", "its directory has more or fewer entries than the end of the file says")
        return
    upto = {first.start + end.size for end in ends} if first else set()
    if first and first.upto not in upto:
        found.odd("directory", "its directory is longer or shorter than the end of the file says")


def _add_listed(
    source: Source, directories: list[_Directory], covered: list[tuple[int, int]], found: Structure
) -> None:
    """Add what directories list, and compare it with what stands at the place that they name."""
    seen: set[tuple[int, bytes, int, int, int]] = set()
    there: set[bytes] = set()
    missing: dict[bytes, Header] = {}
    for directory in directories:
        check_names(directory.headers, found)
        for header in directory.headers:
            local = records.local(source, header.local + directory.shift)
            if local is None:
                missing[header.raw] = header
                continue
            there.add(header.raw)
            key = (local.at, header.raw, header.method, header.packed, header.size)
            if key not in seen:
                seen.add(key)
                found.entries += ways_to_read(header, local, source.size, found)
    for raw in missing.keys() - there:
        found.troubles.append("a member that its directory lists is not there")
        found.odd(missing[raw].name, f"its directory lists {missing[raw].name} where there is no member")
    first = min((directory.start for directory in directories), default=source.size)
    check_spans(found.entries, first, found)
    described = {entry.at: entry for entry in found.entries if entry.listed}
    for entry in described.values():
        end = entry.data + entry.packed
        covered.append((entry.at, end + _descriptor_length(source, entry, end)))


def _descriptor_length(source: Source, entry: Entry, at: int) -> int:
    values = Header(0, 0, b"", 0, 0, entry.crc, entry.packed, entry.size)
    return records.descriptor(source, at, values)
