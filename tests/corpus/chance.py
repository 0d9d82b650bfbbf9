"""Choices that a seed repeats: the same on every version of Python."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chance:
    """Numbers out of the digests of a text."""

    seed: str
    counter: count[int] = field(default_factory=count)

    def below(self, bound: int) -> int:
        """A number from 0 up to but not including the bound."""
        digest = hashlib.sha256(f"{self.seed}:{next(self.counter)}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def share(self) -> float:
        """A number from 0 up to 1."""
        return self.below(1 << 30) / (1 << 30)

    def choice(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[T], number: int) -> list[T]:
        """So many different ones of several."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(min(number, len(left)))]

    def word(self, length: int) -> str:
        """Letters that mean nothing."""
        return "".join(self.choice(string.ascii_lowercase) for _ in range(length))

    def bytes(self, length: int) -> bytes:
        """Bytes that mean nothing."""
        pieces = (
            hashlib.sha256(f"{self.seed}:{next(self.counter)}".encode()).digest()
            for _ in range(length // 32 + 1)
        )
        return b"".join(pieces)[:length]
