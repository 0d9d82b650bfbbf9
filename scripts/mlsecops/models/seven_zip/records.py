"""What the header of a 7z says: how bytes are packed, and which files come out of them."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace

MAX_ENTRIES = 50_000
_HAS_MODE, _REPARSE_POINT = 0x8000, 0x400


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of unpacking: its method, what that needs to know, and from how many streams it makes one."""

    method: bytes
    properties: bytes = b""
    ins: int = 1


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one file: how many, and their checksum where there is one."""

    size: int
    crc: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Files that are packed as one: `packs` are places and lengths in the archive.

    `sizes` are those of what comes out of each coder; `bonds` say which coder's stream (value) goes into
    which of the streams (key) that all of them take, so that one coder's is left: what the files are in.
    """

    coders: tuple[Coder, ...]
    bonds: dict[int, int]
    packs: tuple[tuple[int, int], ...] = ()
    sizes: tuple[int, ...] = ()
    contents: tuple[Content, ...] = ()

    @property
    def last(self) -> int:
        """The coder that the files come out of."""
        return next(at for at in range(len(self.coders)) if at not in self.bonds.values())

    @property
    def size(self) -> int:
        """How many bytes the files are said to have together."""
        return self.sizes[self.last]

    def moved(self, by: int) -> Folder:
        """The folder with other places in the archive."""
        return replace(self, packs=tuple((at + by, size) for at, size in self.packs))

    @property
    def packed(self) -> int:
        """How many bytes it takes."""
        return sum(size for _, size in self.packs)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A name in the archive; without `holds` it has no bytes, and unless `empty` it is a folder."""

    name: str
    holds: bool = True
    empty: bool = False
    deletes: bool = False
    attributes: int = 0

    @property
    def is_link(self) -> bool:
        """Whether its content is the target of a link."""
        mode = self.attributes >> 16 if self.attributes & _HAS_MODE else 0
        return stat.S_ISLNK(mode) or bool(self.attributes & _REPARSE_POINT)
