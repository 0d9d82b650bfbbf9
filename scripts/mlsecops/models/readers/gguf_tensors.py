"""The list of tensors of a GGUF file: whether each lies where the others leave off, and within the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from mlsecops.models.cursor import Cursor
from mlsecops.models.inspection import Fact
from mlsecops.models.rules.gguf import TENSORS
from mlsecops.models.walk import UnreadableError, Walk

# Values and bytes of a block of each type (ggml_type_traits in ggml.c).
_BLOCKS: Mapping[int, tuple[int, int]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}
_MOST_DIMENSIONS, _LONGEST_NAME = 4, 4096
_OVERFLOWS = 1 << 63


def read_tensors(cursor: Cursor, walk: Walk, count: int, *, width: int, alignment: int) -> None:
    """Read the descriptions and compare them with what is left of the file."""
    tensors = _Tensors(cursor, walk, width, alignment)
    for _ in range(count):
        tensors.take()
    tensors.end()


@dataclass(slots=True)
class _Tensors:
    """`expected` is where the next one has to lie, None behind a type that is newer than we are."""

    cursor: Cursor
    walk: Walk
    width: int
    alignment: int
    names: set[bytes] = field(default_factory=set)
    expected: int | None = 0
    ends: int = 0

    def take(self) -> None:
        """Read one description."""
        shown, shape = self._named()
        kind, offset = self.cursor.number(4), self.cursor.number(8)
        values, size = _BLOCKS.get(kind, (1, 0))
        if prod(shape) * max(size, 1) >= _OVERFLOWS:
            raise self._broken(shown, f"The size of tensor `{shown}` overflows.")
        if offset % self.alignment or offset >= _OVERFLOWS:
            raise self._broken(shown, f"Tensor `{shown}` lies at an offset that no writer gives.")
        if size == 0:
            self.expected, self.ends = None, max(self.ends, offset + 1)
            return
        if shape and shape[0] % values:
            raise self._broken(shown, f"Tensor `{shown}` has rows that its type cannot fill.")
        if self.expected not in (None, offset):
            raise self._broken(shown, f"Tensor `{shown}` does not lie behind the one before it.")
        end = offset + prod(shape) // values * size
        self.ends = max(self.ends, end)
        self.expected = None if self.expected is None else _padded(end, self.alignment)

    def end(self) -> None:
        """Compare where the last one ends with the end of the file."""
        if not self.ends:
            return
        start = _padded(self.cursor.position, self.alignment)
        size = self.cursor.source.size
        if start + self.ends > size:
            raise UnreadableError(f"it is cut off: {start + self.ends - size:,} bytes are missing")
        rest = size - start - _padded(self.ends, self.alignment)
        if self.expected is not None and rest > 0:
            self._fact("rest", f"{rest:,} bytes behind the last tensor belong to nothing.", 5.0)
            self.walk.read(self.cursor.source.part(size - rest, rest, ""))

    def _named(self) -> tuple[str, list[int]]:
        length = self.cursor.number(self.width)
        if length > _LONGEST_NAME:
            raise self._broken("name", f"It says that the name of a tensor has {length:,} bytes.")
        name = self.cursor.take(length)
        shown = name.decode("utf-8", "replace")[:200]
        dimensions = self.cursor.number(4)
        if dimensions > _MOST_DIMENSIONS:
            raise self._broken(shown, f"Tensor `{shown}` has {dimensions:,} dimensions; readers keep four.")
        if name in self.names:
            raise self._broken(f"{shown} twice", f"There are two tensors with the name `{shown}`.")
        self.names.add(name)
        return shown, [self.cursor.number(self.width) for _ in range(dimensions)]

    def _broken(self, subject: str, message: str) -> UnreadableError:
        self._fact(subject, message)
        return UnreadableError("its list of tensors cannot be followed any further")

    def _fact(self, subject: str, message: str, severity: float | None = None) -> None:
        self.walk.found.add(
            Fact(
                rule=TENSORS.id,
                subject=subject,
                message=message,
                part=self.cursor.source.name,
                offset=self.cursor.position,
                severity=severity,
            )
        )


def _padded(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
