"""Members of a zip, and the differences between what its directory and the members' headers say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mlsecops.models.zip.records import DESCRIBED, ENCRYPTED, MASKED, PATCHED, STRONG, Header

_LOCKS = ENCRYPTED | STRONG | PATCHED | MASKED
_UNKNOWN = (0, 0xFFFFFFFF)
_MOST_ODDITIES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way to read one member: `packed` bytes from `data`, said to become `size` bytes.

    `at` is the place of the header before it; `listed` whether the directory has it so; `sized` is False
    where nothing says how long it is, and it goes on to the end of the bytes that nobody else claims.
    """

    name: str
    raw: bytes
    at: int
    data: int
    packed: int
    size: int
    method: int
    flags: int
    crc: int
    mode: int = 0
    listed: bool = True
    sized: bool = True


@dataclass(frozen=True, slots=True)
class Oddity:
    """A difference that makes loaders differ; `grave` says that they read something else then."""

    subject: str
    sentence: str
    grave: bool = True


@dataclass(slots=True)
class Structure:
    """All of a zip: members, oddities, what cannot be read, and bytes that belong to nothing."""

    entries: list[Entry] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    loose: list[tuple[int, int]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the members, as the directory lists them and then as they stand elsewhere."""
        return [entry.name for entry in self.entries]

    def odd(self, subject: str, sentence: str, *, grave: bool = True) -> None:
        """Note an oddity, as long as there are few."""
        if len(self.oddities) < _MOST_ODDITIES:
            self.oddities.append(Oddity(subject, sentence, grave))


def check_names(headers: Sequence[Header], found: Structure) -> None:
    """Note names that loaders may take for one another."""
    exact = Counter(header.raw for header in headers)
    for raw in (raw for raw, times in exact.items() if times > 1):
        name = next(header.name for header in headers if header.raw == raw)
        found.odd(name, f"it holds {name} more than once, and loaders differ in which they read")
    folded = Counter(raw.lower() for raw in exact)
    for raw in exact:
        if folded[raw.lower()] > 1 and exact[raw] == 1:
            name = raw.decode("utf-8", "replace")
            sentence = f"it holds {name} and the same name in other letters, which some loaders take for one"
            found.odd(name, sentence)
    for header in headers:
        if b"\0" in header.raw:
            found.odd(header.name, f"the name {header.name} has a zero byte, where some loaders end it")
        if header.alias and header.alias != header.raw and header.raw.isascii():
            found.odd(header.name, f"the directory has a second name for {header.name}")
        if header.raw.endswith(b"/") and header.size:
            found.odd(header.name, f"{header.name} is a folder by its name and holds bytes", grave=False)


def ways_to_read(header: Header, local: Header, size: int, found: Structure) -> list[Entry]:
    """One member as the directory says, and as the header before it says, if that differs.

    `size` is that of the file.
    """
    listed = entry_of(header, local, listed=True)
    ways = [listed]
    differs = [
        what
        for what, different in (
            ("name", header.raw != local.raw),
            ("compression", header.method != local.method),
            ("encryption", (header.flags ^ local.flags) & _LOCKS != 0),
            ("size", _differ(header.packed, local.packed, local) or _differ(header.size, local.size, local)),
        )
        if different
    ]
    if differs:
        sentence = f"directory and local header disagree about the {' and '.join(differs)} of {header.name}"
        found.odd(header.name, sentence)
        other = entry_of(local, local, listed=False, room=size - local.end)
        if (_way(other), other.raw) != (_way(listed), listed.raw):
            ways.append(other)
    elif header.crc != local.crc and not (local.flags & DESCRIBED and local.crc == 0):
        sentence = f"directory and local header disagree about the checksum of {header.name}"
        found.odd(header.name, sentence, grave=False)
    if header.method == 0 and header.packed != header.size and not header.flags & ENCRYPTED:
        found.odd(header.name, f"{header.name} is not compressed, and yet of two sizes")
    return ways


def _differ(listed: int, local: int, header: Header) -> bool:
    return listed != local and not (header.flags & DESCRIBED and local in _UNKNOWN)


def _way(entry: Entry) -> tuple[int, int, int]:
    return entry.method, entry.packed, entry.size


def entry_of(header: Header, local: Header, *, listed: bool, room: int = 0) -> Entry:
    """The member as one header describes it; with no length given it fills the room that there is."""
    sized = listed or not header.unsized
    packed = header.packed if sized else room
    return Entry(
        name=header.name,
        raw=header.raw,
        at=local.at,
        data=local.end,
        packed=max(packed, header.size) if header.method == 0 and sized else packed,
        size=header.size,
        method=header.method,
        flags=header.flags | local.flags,
        crc=header.crc,
        mode=header.mode,
        listed=listed,
        sized=sized,
    )


def check_spans(entries: Sequence[Entry], first_directory: int, found: Structure) -> None:
    """Note members that share bytes with another or with the directory."""
    spans = sorted({(entry.at, entry.data + entry.packed, entry.name) for entry in entries if entry.listed})
    for (_, end, name), (start, _, other) in pairwise(spans):
        if start < end and name != other:
            found.odd(other, f"{name} and {other} share bytes")
    for start, end, name in spans:
        if start < first_directory < end:
            found.odd(name, f"{name} reaches into the directory")


def tell_hidden(hidden: Sequence[Header], found: Structure) -> None:
    """Note members that only stand in the file."""
    for header in hidden:
        name = header.name
        found.odd(name, f"it holds {name}, which its directory does not list and only some loaders read")
