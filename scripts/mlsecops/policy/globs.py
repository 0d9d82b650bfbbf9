"""The path patterns of the policy: `*` and `?` stay within a folder, `**` crosses folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache


def matches(pattern: str, uri: str) -> bool:
    """Whether a repository-relative path is what a pattern names, or lies in a folder that it names.

    `**` stands for any number of folders, none included. Nothing else is special, so that names with brackets
    mean themselves. The whole path must match from the repository's root.
    """
    segments = _segments(pattern)
    return _walk(segments, uri.split("/"))


_Segment = Callable[[str], object] | None  # None is `**`


@lru_cache(maxsize=1024)
def _segments(pattern: str) -> tuple[_Segment, ...]:
    names = [name for name in pattern.split("/") if name not in {"", "."}]
    return tuple(None if name == "**" else _compile(name) for name in names)


def _compile(name: str) -> Callable[[str], object]:
    """One name with wildcards; no `*` is tried twice, so that no pattern takes more than linear time."""
    first, *rest = re.split(r"\*+", name)
    if not rest:
        return re.compile(_literal(first) + r"\Z", re.DOTALL).match
    *middle, last = rest
    atoms = "".join(f"(?>.*?{_literal(part)})" for part in middle)
    return re.compile(f"{_literal(first)}{atoms}.*{_literal(last)}\\Z", re.DOTALL).match


def _literal(text: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in text)


def _walk(segments: Sequence[_Segment], parts: Sequence[str]) -> bool:
    """Advance the set of places in the pattern that the path so far can have reached."""
    if not segments:
        return False
    reached = _skip_folders(segments, {0})
    for part in parts:
        forward: set[int] = set()
        for place in reached:
            if place == len(segments):
                return True
            segment = segments[place]
            if segment is None:
                forward.add(place)
            elif segment(part):
                forward.add(place + 1)
        reached = _skip_folders(segments, forward)
    return len(segments) in reached


def _skip_folders(segments: Sequence[_Segment], places: set[int]) -> set[int]:
    """`**` may stand for no folder at all, so the place after it is reached with it."""
    every = set(places)
    for place in sorted(places):
        after = place
        while after < len(segments) and segments[after] is None:
            after += 1
            every.add(after)
    return every
