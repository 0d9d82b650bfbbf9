"""The bytes of a pickle, taken one argument after another; long ones are skipped, not read."""

from __future__ import annotations

from mlsecops.models.source import Source

_AHEAD = 1 << 16
_ENDS = "it ends in the middle of an instruction"


class BrokenError(Exception):
    """Unpicklers stop here; the text is the reason as a person reads it."""


class Window:
    """Bytes of a source from some offset on, of which a piece is held; `at` is the place within the piece."""

    __slots__ = ("at", "base", "data", "source")

    def __init__(self, source: Source, offset: int) -> None:
        self.source = source
        self.base = offset
        self.data = b""
        self.at = 0

    @property
    def position(self) -> int:
        """Offset in the source of the next byte."""
        return self.base + self.at

    def fill(self, need: int = 1) -> bool:
        """Hold the next bytes; return whether at least `need` of them are there."""
        self.base += self.at
        self.at = 0
        self.data = self.source.at(self.base, max(need, _AHEAD))
        return len(self.data) >= need

    def seek(self, position: int) -> None:
        """Go on at an offset of the source."""
        within = position - self.base
        if 0 <= within <= len(self.data):
            self.at = within
        else:
            self.base, self.at, self.data = position, 0, b""

    def take(self, count: int) -> bytes:
        """The next bytes, all of them: for arguments of fixed, small size. Raises BrokenError."""
        at = self.at
        end = at + count
        if end > len(self.data):
            if not self.fill(count):
                raise BrokenError(_ENDS)
            at, end = 0, count
        self.at = end
        return self.data[at:end]

    def number(self, width: int) -> int:
        """An unsigned number, least byte first. Raises BrokenError."""
        return int.from_bytes(self.take(width), "little")

    def counted(self, length: int, keep: int) -> bytes:
        """Pass `length` bytes and return the first `keep` of them. Raises BrokenError."""
        if length <= keep:
            return self.take(length)
        start = self.position
        if length > self.source.size - start:
            raise BrokenError(_ENDS)
        head = self.source.at(start, keep)
        self.seek(start + length)
        return head

    def line(self, keep: int) -> tuple[bytes, int]:
        """Pass what stands before the next newline; return the beginning of it and its whole length.

        Where the file ends first, the last byte is lost, as it is to unpicklers.
        """
        end = self.data.find(b"\n", self.at)
        if end >= 0:
            at, self.at = self.at, end + 1
            return self.data[at : min(end, at + keep)], end - at
        start = self.position
        end = self._newline(start)
        self.seek(min(end + 1, self.source.size))
        return self.source.at(start, min(keep, end - start)), end - start

    def _newline(self, start: int) -> int:
        offset = start
        for piece in self.source.chunks(start):
            found = piece.find(b"\n")
            if found >= 0:
                return offset + found
            offset += len(piece)
        if offset == start:
            raise BrokenError(_ENDS)
        return offset - 1
