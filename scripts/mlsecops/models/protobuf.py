"""Messages of protocol buffers, read by field number without their schema and without holding their payloads.

The encoding is described at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WINDOW, _PIECE = 1 << 16, 1 << 12
_MOST_FIELDS = 5_000_000
_MOST_BYTES = 1 << 20
_LONGEST_VARINT = 10
_END_OF_KEYS = 1 << 32
_HEADER = 2 * _LONGEST_VARINT
_NO_MESSAGE = "it is not a sound protobuf message"
_CUT_OFF = "its protobuf message is cut off"


class Span(NamedTuple):
    """Where the bytes of a field lie in the source: text, data, or a message of its own."""

    start: int
    size: int


@dataclass(slots=True)
class Wire:
    """One source read as messages; `left` is how many more fields it may make us look at, over all messages.

    A field that stands in a message several times is given as often: which one counts is the loader's to
    decide, so a caller looks at all.
    """

    source: Source
    left: int = _MOST_FIELDS
    _window: bytes = b""
    _window_start: int = 0

    @property
    def whole(self) -> Span:
        """All of the source."""
        return Span(0, self.source.size)

    def fields(self, message: Span | None = None) -> Iterator[tuple[int, int | Span]]:
        """The fields of a message, in order: number and unsigned integer, or where the bytes lie.

        Numbers of fixed width come as the integer of their little-endian bytes. Raises UnreadableError for
        what is no message or beyond the bounds; groups, which nothing writes any more, are none.
        """
        start, size = self.whole if message is None else message
        end = start + size
        piece, at = b"", 0  # bytes from `start` on, and the place in them
        while start + at < end:
            if len(piece) - at < _HEADER and start + len(piece) < end:
                start, at = start + at, 0
                piece = self._at(start, min(_PIECE, end - start))
            key, at = varint(piece, at)
            number, kind = key >> 3, key & 7
            self.left -= 1
            if number == 0 or key >= _END_OF_KEYS:
                raise UnreadableError(_NO_MESSAGE)
            if self.left < 0:
                raise UnreadableError("it has more protobuf fields than any real model")
            value: int | Span
            if kind == VARINT:
                value, at = varint(piece, at)
            elif kind == BYTES:
                length, at = varint(piece, at)
                value = Span(start + at, length)
                at += length
            elif kind in (FIXED32, FIXED64):
                width = 4 if kind == FIXED32 else 8
                value = int.from_bytes(piece[at : at + width], "little")
                at += width
            else:
                raise UnreadableError(_NO_MESSAGE)
            if start + at > end:
                raise UnreadableError(_CUT_OFF)
            yield number, value

    def parts(self, message: Span | None, number: int) -> Iterator[Span]:
        """The bytes fields of that number."""
        for found, value in self.fields(message):
            if found == number and isinstance(value, Span):
                yield value

    def data(self, span: Span, most: int = _MOST_BYTES) -> bytes:
        """The bytes of a field, at most so many of them."""
        return self._at(span.start, min(span.size, most))

    def text(self, span: Span, most: int = 4096) -> str:
        """The text of a field, cut off after so many bytes; bytes that are no UTF-8 are replaced."""
        return self.data(span, most).decode("utf-8", "replace")

    def _at(self, start: int, length: int) -> bytes:
        """Bytes from the window that was read last, or from a new one; big pieces pass it by."""
        if length > _WINDOW // 4:
            return self.source.at(start, length)
        within = start - self._window_start
        if within < 0 or within + length > len(self._window):
            self._window, self._window_start, within = self.source.at(start, _WINDOW), start, 0
        return self._window[within : within + length]


def outline(source: Source, most: int = 64) -> tuple[tuple[int, int | Span], ...] | None:
    """The first fields of a source taken as a message, to tell what it is by; None for what is no message.

    Files that break off behind them count as messages: their reader says so.
    """
    fields: list[tuple[int, int | Span]] = []
    try:
        for item in Wire(source, left=most).fields():
            fields.append(item)
            if len(fields) == most:
                break
    except UnreadableError as error:
        if str(error) != _CUT_OFF or not fields:
            return None
    return tuple(fields) or None


def varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of variable length at a place, and the place behind it."""
    if position < len(data) and data[position] < 0x80:
        return data[position], position + 1
    value = shift = 0
    for index in range(position, min(position + _LONGEST_VARINT, len(data))):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, index + 1
        shift += 7
    raise UnreadableError(_NO_MESSAGE if len(data) - position >= _LONGEST_VARINT else _CUT_OFF)
