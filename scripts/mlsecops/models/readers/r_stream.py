"""The spellings of R's serialized objects: numbers of either byte order, or all of it as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsecops.models.cursor import CUT_OFF, Cursor
from mlsecops.models.walk import UnreadableError

_WORD = re.compile(rb"\s*(\S{1,400})(?=\s)")
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "b": "\b", "a": "\a", "f": "\f"}
_WINDOW, _LONGEST_TEXT = 1 << 16, 1 << 16
_UNSOUND = "it is not a sound R object"
_LARGE, _MISSING = -1, -(1 << 31)


@dataclass(slots=True)
class RStream:
    """Integers, texts and rows of numbers, one after another; with `as_text` each is a word."""

    cursor: Cursor
    as_text: bool

    def integer(self) -> int:
        """The next number of 32 bits; R's missing value is the smallest."""
        if not self.as_text:
            value = self.cursor.number(4)
            return value - (1 << 32) if value >= 1 << 31 else value
        word = self._words(1)
        if word == b"NA":
            return _MISSING
        if not re.fullmatch(rb"-?\d{1,10}", word):
            raise UnreadableError(_UNSOUND)
        return int(word)

    def length(self) -> int:
        """How many values follow; large rows say it in two numbers."""
        length = self.integer()
        if length == _LARGE:
            length = (self.integer() << 32) + self.integer()
        if length < 0:
            raise UnreadableError(_UNSOUND)
        if length > self.cursor.left:
            raise UnreadableError(CUT_OFF)
        return length

    def text(self, length: int) -> str:
        """A text of so many bytes, cut off where it is long; none for R's missing one."""
        if length < 0:
            return ""
        if self.as_text:
            return self._escaped(length)
        start = self.cursor.position
        self.cursor.skip(length)
        return self.cursor.source.at(start, min(length, _LONGEST_TEXT)).decode("utf-8", "replace")

    def skip(self, count: int, width: int) -> None:
        """Leave out so many values of so many bytes; as text a complex one is two words."""
        if self.as_text:
            self._words(count * 2 if width == 16 else count)
        else:
            self.cursor.skip(count * width)

    def ends(self) -> bool:
        """Whether nothing but the end of a line is left."""
        return self.as_text and not self.cursor.source.at(self.cursor.position, _WINDOW).strip()

    def _words(self, count: int) -> bytes:
        """Go on by so many words; the last of them."""
        word = b""
        while count:
            window = self.cursor.source.at(self.cursor.position, _WINDOW)
            end = 0
            while count and (match := _WORD.match(window, end)):
                word, end, count = match[1], match.end(), count - 1
            if not end:
                raise UnreadableError(CUT_OFF if len(window) < _WINDOW else _UNSOUND)
            self.cursor.skip(end)
        return word

    def _escaped(self, length: int) -> str:
        """Bytes that are no visible letters stand as escapes."""
        while length and self._peek().isspace():
            self.cursor.skip(1)
        out: list[bytes] = []
        for _ in range(length):
            piece = self.cursor.take(1)
            if piece == b"\\":
                piece += self.cursor.take(1)
                while piece[1:].isdigit() and len(piece) < 4 and self._peek().isdigit():
                    piece += self.cursor.take(1)
            if len(out) < _LONGEST_TEXT:
                out.append(piece)
        return _ESCAPE.sub(_meant, b"".join(out).decode("latin-1"))

    def _peek(self) -> bytes:
        return self.cursor.source.at(self.cursor.position, 1)


def _meant(match: re.Match[str]) -> str:
    escaped = match[1]
    return chr(int(escaped, 8) & 0xFF) if escaped[0] in "01234567" else _SHORT.get(escaped, escaped)
