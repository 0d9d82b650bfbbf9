"""A file and everything in it: each part goes to the readers that know it, by content and not by name."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from mlsecops.models.inspection import Inspection
from mlsecops.models.source import Source

HEAD = 4096
_MOST_MENDED = 20
_FEW_PARTS, _PART = 3_000, 200  # as many at least, and one more for so many bytes
# By levels and by loaders; bytes that parts share more often are there to take our time.
_READ_AGAIN = 10
_SEARCHED = 0.3  # opcodes for each byte
# What a defect of a reader can raise on bytes that nobody thought of: the part is then not read, and says so.
DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


class UnreadableError(Exception):
    """A part cannot be read, or not to its end; the text is the reason as a person reads it."""


class GrowthError(UnreadableError):
    """More comes out of a compression than the bounds allow; what came out until then was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far one file may make us go: levels of nesting, parts, and bytes unpacked.

    A part may grow to `always` bytes, and beyond that to `growth` times its packed size; all parts of a file
    together to four times `always`, and beyond that to `growth` times the file's size. Parts may share
    `shared` bytes, more in large files; `searched` opcodes, more there, are interpreted in search of pickles.
    """

    depth: int = 8
    parts: int = 20_000
    unpacked: int = 16 << 30
    growth: int = 200
    always: int = 256 << 20
    shared: int = 4 << 20
    searched: int = 300_000


class Reader(Protocol):
    """One format: whether a part is in it, and what is in the part."""

    @property
    def format(self) -> str:
        """Name of the format, as people know it."""

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether to read the part, by its first `HEAD` bytes and, where they do not tell, by more of it."""

    def read(self, source: Source, walk: Walk) -> None:
        """Add what is in the part to `walk.found`, and hand its parts to `walk.read`.

        Raises UnreadableError where it cannot go on: facts found until then stay, and the file is not clean.
        """


class LastResort(ABC):
    """A reader that is asked only about what no other knows, or what others know and fail on."""

    __slots__ = ()

    def recognises(self, head: bytes, source: Source) -> bool:
        """Nothing by how it begins."""
        del head, source
        return False

    @abstractmethod
    def finds(self, source: Source, walk: Walk) -> bool:
        """Whether to read the part. Raises UnreadableError where nobody can tell with bearable effort."""


class Endless:
    """A reader of a format in which nothing says where a file ends: the last resort is asked as well."""

    __slots__ = ()


@dataclass(slots=True)
class Spent:
    """What a file of `size` bytes has used up of its bounds."""

    parts: int = 0
    unpacked: int = 0
    size: int = 0
    mended: int = 0
    handed_on: int = 0
    searched: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One file being read; `scratch` is a folder for what has to be unpacked.

    `formats` are all those of the part that is being read, without that of a last resort.
    """

    readers: Sequence[Reader]
    found: Inspection
    scratch: Path
    bounds: Bounds = Bounds()
    depth: int = 0
    formats: frozenset[str] = frozenset()
    spent: Spent = field(default_factory=Spent)

    def read(self, source: Source) -> bool:
        """Give a part to every reader that recognises it, for a file may be in two formats at once.

        Return whether there was one; what is to be said of a part that nobody knows is the caller's.
        """
        if self.depth > self.bounds.depth:
            self.found.not_read(source.name, f"it is nested more than {self.bounds.depth} levels deep")
            return True
        if self.depth == 0:
            self.spent.size = source.size
        self.spent.parts += 1
        # Each part costs time, and a solid archive of a few bytes can hold very many.
        most = min(self.bounds.parts, _FEW_PARTS + self.spent.size // _PART)
        if self.spent.parts > most:
            raise UnreadableError(f"it has more than {most:,} parts")
        self.spent.handed_on += source.size
        if self.spent.handed_on > self.bounds.shared + _READ_AGAIN * (self.spent.size + self.spent.unpacked):
            raise UnreadableError("its parts share their bytes too often")
        before = len(self.found.unread)
        head = source.at(0, HEAD)
        known = [reader for reader in self.readers if self._recognises(reader, head, source)]
        inside = replace(self, depth=self.depth + 1, formats=frozenset(reader.format for reader in known))
        for reader in known:
            self._read(reader, source, inside)
        failed = any(each.part == source.name for each in self.found.unread[before:])
        if not known or failed or any(isinstance(reader, Endless) for reader in known):
            last = [reader for reader in self.readers if self._finds(reader, source, inside)]
            for reader in last:
                self._read(reader, source, inside)
            known += last
        return bool(known)

    def _read(self, reader: Reader, source: Source, inside: Walk) -> None:
        self.found.formats.append(reader.format)
        try:
            reader.read(source, inside)
        except UnreadableError as error:
            self.found.not_read(source.name, str(error))
        except DEFECTS as defect:
            self._broken(reader, source, defect)

    def _recognises(self, reader: Reader, head: bytes, source: Source) -> bool:
        try:
            return reader.recognises(head, source)
        except (UnreadableError, *DEFECTS) as defect:
            self._broken(reader, source, defect)
            return False

    def _finds(self, reader: Reader, source: Source, inside: Walk) -> bool:
        try:
            return isinstance(reader, LastResort) and reader.finds(source, inside)
        except UnreadableError as error:
            self.found.not_read(source.name, str(error))
        except DEFECTS as defect:
            self._broken(reader, source, defect)
        return False

    def _broken(self, reader: Reader, source: Source, defect: Exception) -> None:
        self.found.not_read(
            source.name, f"mlsecops itself failed to read it as {reader.format} ({type(defect).__name__})"
        )

    def search(self, opcodes: int) -> bool:
        """Count opcodes that may be no pickle's; return whether the file may have more of them."""
        self.spent.searched += opcodes
        most = self.bounds.searched + _SEARCHED * (self.spent.size + self.spent.unpacked)
        return self.spent.searched <= most

    def mend(self) -> bool:
        """Whether to make an effort for the last bytes before damage: for the first parts that have it."""
        self.spent.mended += 1
        return self.spent.mended <= _MOST_MENDED

    @contextmanager
    def unpacked(self, pieces: Iterable[bytes], name: str, packed: int) -> Iterator[Source]:
        """Bytes that come out of a compression, as a source; `packed` is how many they were before.

        Raises GrowthError for more than the bounds allow, which no weights need, but only at the end: what
        came out until then is there to be read.
        """
        most = max(self.bounds.always, packed * self.bounds.growth)
        most_in_all = max(self.bounds.always * 4, self.spent.size * self.bounds.growth)
        most_in_all = min(most_in_all, self.bounds.unpacked)
        written, beyond = 0, ""
        with TemporaryFile(dir=self.scratch, buffering=0) as stream:
            for piece in pieces:
                written += len(piece)
                self.spent.unpacked += len(piece)
                if written > most:
                    beyond = f"it grows beyond {most >> 20:,} MiB when unpacked"
                elif self.spent.unpacked > most_in_all:
                    beyond = f"all that is packed in the file grows beyond {most_in_all >> 20:,} MiB"
                if beyond:
                    break
                stream.write(piece)
            yield Source.of(stream, name)
        if beyond:
            raise GrowthError(beyond)
