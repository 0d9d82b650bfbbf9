"""Headers of a tar, one after the other: old, POSIX (ustar, pax) and GNU.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar and pax interchange format)
https://www.gnu.org/software/tar/manual/html_node/Standard.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

BLOCK = 512
_LONGEST_RECORDS = 1 << 20  # bytes of pax records or of a long name
_MOST_HEADERS = 200_000
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_PAX_LENGTH = re.compile(rb"(\d{1,7}) ")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_SUN, _PAX_ALL, _SPARSE = b"L", b"K", b"x", b"X", b"g", b"S"
_MORE_SPARSE = 504  # where a sparse map says that it goes on, in the blocks after the header
_FULL_NUMBER = 0x80
_RECORDS = (b"path", b"linkpath", b"size", b"GNU.sparse.name", b"GNU.sparse.major", b"GNU.sparse.map")


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its bytes are `size` from `data`; `kind` is the type flag, `link` what it points to.

    `other_size` is what the header says where an extended one before it says something else.
    """

    name: str
    data: int
    size: int
    kind: bytes
    link: str
    sparse: bool
    other_size: int | None = None


@dataclass(slots=True)
class Headers:
    """Walks the headers of a source.

    `ended` is where the first end mark stands, None until then; `at` where the walk has come to.
    """

    source: Source
    at: int = 0
    ended: int | None = None
    _all: dict[bytes, bytes] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Member]:
        """The members. Raises UnreadableError for a header that is none, and for a tar that is cut off."""
        own: dict[bytes, bytes] = {}
        for _ in range(_MOST_HEADERS):
            block = self._next_block()
            if block is None:
                return
            kind = block[156:157]
            size = number(block[124:136])
            if kind in (_LONG_NAME, _LONG_LINK):
                own[b"path" if kind == _LONG_NAME else b"linkpath"] = self._text(size).split(b"\0", 1)[0]
            elif kind in (_PAX, _PAX_SUN):
                own.update(_records(self._text(size)))
            elif kind == _PAX_ALL:
                self._all.update(_records(self._text(size)))
            else:
                yield self._member(block, kind, size, {**self._all, **own})
                own = {}
        raise UnreadableError(f"it has more than {_MOST_HEADERS:,} headers")

    def _next_block(self) -> bytes | None:
        """The next header, behind any end marks; None at the end of the file or where no header follows."""
        while self.at < self.source.size:
            block = self.source.at(self.at, BLOCK)
            if block.count(0) == len(block):
                self.ended = self.at if self.ended is None else self.ended
                self.at += len(block)
                continue
            if is_header(block):
                self.at += BLOCK
                return block
            if self.ended is None:
                raise UnreadableError(f"its header at byte {self.at:,} is broken")
            return None
        if self.ended is None:
            raise UnreadableError("it is cut off")
        return None

    def _text(self, size: int) -> bytes:
        if size > _LONGEST_RECORDS:
            raise UnreadableError("it has a name that is longer than 1 MiB")
        text = self.source.at(self.at, size)
        self.at += padded(size)
        return text

    def _member(self, block: bytes, kind: bytes, size: int, records: dict[bytes, bytes]) -> Member:
        name = block[:100].split(b"\0", 1)[0]
        if block[257:263] == b"ustar\0" and (prefix := block[345:500].split(b"\0", 1)[0]):
            name = prefix + b"/" + name
        other = None
        if (said := records.get(b"size", b"")).isdigit() and int(said[:20]) != size:
            # Writers leave the header's own field empty where the size does not fit.
            size, other = int(said[:20]), size or None
        more = kind == _SPARSE and block[482]
        while more:
            extension = self.source.at(self.at, BLOCK)
            self.at += BLOCK
            more = len(extension) == BLOCK and extension[_MORE_SPARSE]
        data = self.at
        # Links and devices have no content, whatever their header says; hard links may, in pax.
        if kind in b"23456":
            size, other = 0, None
        if kind == b"1" and not is_header(self.source.at(data + padded(size), BLOCK)):
            size = 0
        self.at += padded(size)
        sparse = kind == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in records)
        name = records.get(b"GNU.sparse.name", records.get(b"path", name))
        link = records.get(b"linkpath", block[157:257].split(b"\0", 1)[0])
        return Member(_decoded(name), data, size, kind, _decoded(link), sparse, other)


def is_header(block: bytes) -> bool:
    """Whether a block is a header: its checksum says so, over signed or unsigned bytes."""
    if len(block) < BLOCK:
        return False
    try:
        said = number(block[148:156])
    except UnreadableError:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    high = sum(byte >= 128 for byte in rest)
    return said in (sum(rest), sum(rest) - 256 * high)


def number(text: bytes) -> int:
    """A number of a header: octal, or binary where the first bit is set (GNU). Raises UnreadableError."""
    if text[0] & _FULL_NUMBER:
        if text[0] != _FULL_NUMBER:
            raise UnreadableError("a header has a number below zero")
        return int.from_bytes(text[1:], "big")
    match = _OCTAL.match(text)
    if match is None or (match.end() < len(text) and text[match.end() - 1] not in b" \0"):
        raise UnreadableError("a header has a number that is none")
    return int(match[1] or b"0", 8)


def padded(size: int) -> int:
    """A size in whole blocks."""
    return -(-size // BLOCK) * BLOCK


def _records(text: bytes) -> dict[bytes, bytes]:
    """Records of pax: `length key=value` and a line end. Raises UnreadableError."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(text) and text[at]:
        match = _PAX_LENGTH.match(text, at)
        end = at + int(match[1]) if match else 0
        key, found, value = text[match.end() : end - 1].partition(b"=") if match else (b"", b"", b"")
        if not found or not at < end <= len(text):
            raise UnreadableError("its extended header is broken")
        if key.startswith(_RECORDS):
            records[key] = value
        at = end
    return records


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
