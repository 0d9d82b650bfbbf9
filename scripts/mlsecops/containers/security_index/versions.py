"""Order of Debian package versions, by Debian Policy 5.6.12."""

from __future__ import annotations

import re
from functools import total_ordering
from itertools import zip_longest

_PARTS = re.compile(r"(\D*)(\d*)")
_VALID = re.compile(r"(?:\d+:[A-Za-z0-9.+~:-]+|[A-Za-z0-9.+~-]+)")


@total_ordering
class Version:
    """`[epoch:]upstream[-revision]`, ordered as dpkg orders it."""

    __slots__ = ("_key", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError for what dpkg would not take."""
        if not _VALID.fullmatch(text):
            raise ValueError("not a version")
        self.text = text
        epoch, colon, rest = text.partition(":")
        upstream, _, revision = (rest if colon else text).rpartition("-")
        if not upstream:
            upstream, revision = revision, ""
        self._key = (int(epoch) if colon else 0, upstream, revision)

    def __eq__(self, other: object) -> bool:
        """Whether dpkg takes both for the same."""
        return isinstance(other, Version) and not self._compared(other)

    def __lt__(self, other: Version) -> bool:
        """Whether dpkg takes this one for the earlier."""
        return self._compared(other) < 0

    def __hash__(self) -> int:
        """A hash of the epoch: versions that are equal can be spelled differently."""
        return hash(self._key[0])

    def _compared(self, other: Version) -> int:
        (epoch, *parts), (other_epoch, *other_parts) = self._key, other._key
        if epoch != other_epoch:
            return epoch - other_epoch
        return next((order for pair in zip(parts, other_parts, strict=True) if (order := _order(*pair))), 0)


def _order(one: str, other: str) -> int:
    """The order of two parts: by turns, texts by their characters and numbers by their value."""
    for (text, number), (other_text, other_number) in zip_longest(
        _PARTS.findall(one), _PARTS.findall(other), fillvalue=("", "")
    ):
        for character, other_character in zip_longest(text, other_text, fillvalue=""):
            if order := _weight(character) - _weight(other_character):
                return order
        if order := int(number or 0) - int(other_number or 0):
            return order
    return 0


def _weight(character: str) -> int:
    """A tilde comes before the end, letters come before all else."""
    if character == "~":
        return -1
    if not character:
        return 0
    return ord(character) if character.isalpha() else ord(character) + 256
