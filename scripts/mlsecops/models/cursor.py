"""A part read from its beginning to its end, piece by piece, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

_WINDOW = 1 << 16
CUT_OFF = "it is cut off"


@dataclass(slots=True)
class Cursor:
    """A place in a source that moves on as it is read; nothing is read beyond the end."""

    source: Source
    position: int = 0
    order: Literal["little", "big"] = "little"
    _window: bytes = b""
    _start: int = 0

    @property
    def left(self) -> int:
        """How many bytes there are from here."""
        return self.source.size - self.position

    def take(self, length: int) -> bytes:
        """The next bytes, all of them. Raises UnreadableError where there are fewer."""
        if not 0 <= length <= self.left:
            raise UnreadableError(CUT_OFF)
        within = self.position - self._start
        if not 0 <= within <= len(self._window) - length:
            if length > _WINDOW:
                data = self.source.at(self.position, length)
                self.position += length
                return data
            self._window, self._start, within = self.source.at(self.position, _WINDOW), self.position, 0
        self.position += length
        return self._window[within : within + length]

    def skip(self, length: int) -> None:
        """Go on without reading. Raises UnreadableError behind the end."""
        if not 0 <= length <= self.left:
            raise UnreadableError(CUT_OFF)
        self.position += length

    def number(self, width: int) -> int:
        """The next unsigned integer of so many bytes."""
        return int.from_bytes(self.take(width), self.order)
