"""Patterns of paths: `*` and `?` stay within a folder, `**` crosses folders, nothing else is special."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Part = Callable[[str], object] | None  # None is `**`
Parts = tuple[Part, ...]


def compiled(names: Iterable[str]) -> Parts:
    """The names of a pattern, one for each folder; no path takes more than linear time."""
    return tuple(None if name == "**" else _name(name) for name in names)


def names(parts: Parts, uri: str) -> bool:
    """Whether a path is what a pattern names."""
    if len(parts) == 2 and parts[0] is None and parts[1] is not None:
        return bool(parts[1](uri.rpartition("/")[2]))  # a name in any folder, the usual pattern
    return list(_ends(parts, uri))[-1]


def covers(parts: Parts, uri: str) -> bool:
    """Whether a path is what a pattern names, or lies in a folder that it names."""
    return any(_ends(parts, uri))


def _ends(parts: Parts, uri: str) -> Iterator[bool]:
    """Whether the pattern ends with each folder of a path, and with the path itself."""
    places = set(_from(parts, 0))
    for name in uri.split("/"):
        reached: set[int] = set()
        for place in places:
            if place < len(parts):
                part = parts[place]
                if part is None:
                    reached.update(_from(parts, place))
                elif part(name):
                    reached.update(_from(parts, place + 1))
        places = reached
        yield len(parts) in places


def _from(parts: Parts, place: int) -> Iterator[int]:
    """A place in the pattern, and those after it as long as `**` may stand for no folder at all."""
    yield place
    while place < len(parts) and parts[place] is None:
        place += 1
        yield place


def _name(name: str) -> Callable[[str], object]:
    """One name with wildcards; what a `*` has taken is never tried again."""
    first, *rest = re.split(r"\*+", name)
    if not rest:
        return re.compile(_literal(first) + r"\Z", re.DOTALL).match
    *middle, last = rest
    atoms = "".join(f"(?>.*?{_literal(part)})" for part in middle)
    return re.compile(f"{_literal(first)}{atoms}.*{_literal(last)}\\Z", re.DOTALL).match


def _literal(text: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in text)
