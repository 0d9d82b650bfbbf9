"""Numbers, bits and checksums as the headers of a 7z write them (7zFormat.txt of the LZMA SDK).

https://github.com/ip7z/7zip/blob/main/DOC/7zFormat.txt
"""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models.seven_zip.records import MAX_ENTRIES
from mlsecops.models.walk import UnreadableError


@dataclass(slots=True)
class Fields:
    """A place in a header that moves on as it is read; each method raises UnreadableError behind the end."""

    data: bytes
    at: int = 0

    @property
    def left(self) -> int:
        """How many bytes there are from here."""
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if length > self.left:
            raise UnreadableError("its header says more than there is")
        self.at += length
        return self.data[self.at - length : self.at]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """A number whose first byte tells, by its leading ones, how many bytes follow."""
        first = self.byte()
        longer = 8 - (~first & 0xFF).bit_length()
        low = int.from_bytes(self.take(longer), "little")
        return (first & (0x7F >> longer)) << 8 * longer | low

    def count(self) -> int:
        """How many things there are. Raises UnreadableError for more than anybody packs into one archive."""
        number = self.number()
        if number > MAX_ENTRIES:
            raise UnreadableError(f"it has more than {MAX_ENTRIES:,} entries")
        return number

    def numbers(self, count: int) -> list[int]:
        """So many numbers."""
        return [self.number() for _ in range(count)]

    def bits(self, count: int) -> list[bool]:
        """So many yes and no, the first in the highest bit."""
        data = self.take((count + 7) // 8)
        return [bool(data[at >> 3] & 0x80 >> (at & 7)) for at in range(count)]

    def defined(self, count: int) -> list[bool]:
        """For which of so many things there is a value."""
        return self.bits(count) if self.byte() == 0 else [True] * count

    def words(self, count: int) -> list[int | None]:
        """A value of 32 bits for each of so many things, None where there is none."""
        return [int.from_bytes(self.take(4), "little") if there else None for there in self.defined(count)]

    def within(self) -> None:
        """Make sure that what follows stands here. Raises UnreadableError where it is somewhere else."""
        if self.byte():
            raise UnreadableError("a part of its header lies somewhere else")

    def expect(self, kind: int, *others: int) -> int:
        """The next kind of record, which has to be one of these."""
        found = self.number()
        if found not in (kind, *others):
            raise UnreadableError(f"its header has a record that is not known here ({found:#x})")
        return found
