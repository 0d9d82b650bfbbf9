"""UBJSON of XGBoost (https://ubjson.org/type-reference/): names, numbers and arrays, checked to the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlsecops.models.cursor import Cursor
from mlsecops.models.embedded import add_text
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_WIDTHS: Mapping[bytes, int] = {
    b"i": 1,
    b"U": 1,
    b"I": 2,
    b"l": 4,
    b"L": 8,
    b"d": 4,
    b"D": 8,
    b"C": 1,
    b"Z": 0,
    b"N": 0,
    b"T": 0,
    b"F": 0,
}
_INTEGERS = frozenset(b"iUIlL")
_DEEPEST, _MOST_VALUES, _LONGEST_NAME = 100, 50_000_000, 1 << 16
_UNSOUND = "it is not sound UBJSON"


@dataclass(slots=True)
class _Open:
    """A container that has not ended; `left` is how many values it still has, None where a mark ends it."""

    mapping: bool
    left: int | None
    kind: bytes | None


@dataclass(frozen=True, slots=True)
class UbjsonReader:
    """Files that XGBoost writes by default."""

    format: str = "XGBoost (UBJSON)"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By an object whose first name is XGBoost's."""
        del source
        return head.startswith((b"{L", b"{#L", b"{i")) and (
            b"learner" in head[:64] or b"version" in head[:64]
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Walk all values; rows of numbers are skipped."""
        _Values(Cursor(source, order="big"), walk).read()
        walk.found.producer = walk.found.producer or "xgboost"


@dataclass(slots=True)
class _Values:
    cursor: Cursor
    walk: Walk
    stack: list[_Open] = field(default_factory=list)

    def read(self) -> None:
        self._value(self.cursor.take(1))
        for _ in range(_MOST_VALUES):
            if not self.stack:
                break
            self._next()
        if self.stack:
            raise UnreadableError("it has more values than any real model")
        if self.cursor.left:
            raise UnreadableError("something lies behind its last value")

    def _next(self) -> None:
        top = self.stack[-1]
        if top.left == 0:
            self.stack.pop()
            return
        mark = b"" if top.left is not None and (top.mapping or top.kind) else self.cursor.take(1)
        if top.left is None and mark == (b"}" if top.mapping else b"]"):
            self.stack.pop()
            return
        if top.left is not None:
            top.left -= 1
        if top.mapping:
            self.cursor.skip(self._size(mark or self.cursor.take(1), _LONGEST_NAME))
            mark = b""
        self._value(top.kind or mark or self.cursor.take(1))

    def _value(self, mark: bytes) -> None:
        if mark in _WIDTHS:
            self.cursor.skip(_WIDTHS[mark])
        elif mark in (b"S", b"H"):
            length = self._size(self.cursor.take(1), self.cursor.left)
            start = self.cursor.position
            self.cursor.skip(length)
            text = self.cursor.source.at(start, min(length, 1 << 16)).decode("utf-8", "replace")
            add_text(text, self.cursor.source, self.walk)
        elif mark in (b"{", b"["):
            self._open(mark == b"{")
        else:
            raise UnreadableError(_UNSOUND)

    def _open(self, mapping: bool) -> None:
        kind = left = None
        if self._peek() == b"$":
            self.cursor.skip(1)
            kind = self.cursor.take(1)
            if self._peek() != b"#":
                raise UnreadableError(_UNSOUND)
        if self._peek() == b"#":
            self.cursor.skip(1)
            left = self._size(self.cursor.take(1), self.cursor.left)
        if kind is not None and kind in _WIDTHS and left is not None and not mapping:
            self.cursor.skip(left * _WIDTHS[kind])
            return
        self.stack.append(_Open(mapping, left, kind))
        if len(self.stack) > _DEEPEST:
            raise UnreadableError("its values are nested too deeply")

    def _peek(self) -> bytes:
        return self.cursor.source.at(self.cursor.position, 1)

    def _size(self, mark: bytes, most: int) -> int:
        if len(mark) != 1 or mark[0] not in _INTEGERS:
            raise UnreadableError(_UNSOUND)
        size = self.cursor.number(_WIDTHS[mark])
        if size > most:
            raise UnreadableError("it is cut off" if most == self.cursor.left else _UNSOUND)
        return size
