"""The policy's exclude patterns.

A pattern is matched against the path relative to the root, much as in a .gitignore file:

- `*` and `?` stand for characters other than `/`; nothing else is special in a name;
- `**` as a whole part stands for any number of folders: `**/raw`, `data/**/raw`, `data/**` (all below data);
- a pattern without `/` (one at its end does not count) matches a name in any folder: `*.md`, `data`;
- one with `/` counts from the root, and so does one with `/` in front: `docs/*.md`, `/data`;
- a pattern that matches a folder leaves out all that is in it; with `/` at its end it matches folders only.

There is no negation: a pattern that begins with `!` is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mlsecops.project.inventory import ProjectError

_Part = Callable[[str], object] | None  # None is `**`


@dataclass(frozen=True, slots=True)
class Glob:
    """One compiled pattern."""

    pattern: str
    parts: tuple[_Part, ...]
    folders_only: bool

    def match(self, uri: str) -> bool:
        """Whether a path is what the pattern names; no pattern takes more than linear time."""
        if len(self.parts) == 2 and self.parts[0] is None and self.parts[1] is not None:
            return bool(self.parts[1](uri.rpartition("/")[2]))  # a name in any folder, the usual pattern
        places = set(self._from(0))
        for name in uri.split("/"):
            reached: set[int] = set()
            for place in places:
                if place < len(self.parts):
                    part = self.parts[place]
                    if part is None:
                        reached.update(self._from(place))
                    elif part(name):
                        reached.update(self._from(place + 1))
            places = reached
        return len(self.parts) in places

    def _from(self, place: int) -> Iterator[int]:
        """A place in the pattern, and those after it as long as `**` may stand for no folder at all."""
        yield place
        while place < len(self.parts) and self.parts[place] is None:
            place += 1
            yield place


@dataclass(frozen=True, slots=True)
class Excludes:
    """Compiled exclude patterns."""

    globs: tuple[Glob, ...]

    def match(self, uri: str, *, folder: bool) -> str | None:
        """The first pattern that matches the path itself (the folders above it are the caller's to ask)."""
        for glob in self.globs:
            if (folder or not glob.folders_only) and glob.match(uri):
                return glob.pattern
        return None


def compile_excludes(patterns: Iterable[str]) -> Excludes:
    """Compile exclude patterns; raises ProjectError with the pattern in it when one cannot mean anything."""
    return Excludes(tuple(compile_glob(pattern) for pattern in patterns if pattern.strip()))


def compile_glob(pattern: str) -> Glob:
    """Compile one pattern; raises ProjectError when it cannot mean anything."""
    body = pattern.strip()
    if body.startswith("!"):
        raise ProjectError(f"exclude {pattern!r}: negation with ! is not supported")
    names = [name for name in body.split("/") if name not in ("", ".")]
    if ".." in names:
        raise ProjectError(f"exclude {pattern!r}: .. would leave the project")
    if not names:
        raise ProjectError(f"exclude {pattern!r}: names nothing")
    folders_only = body.endswith("/")
    if "/" not in body.rstrip("/"):
        names.insert(0, "**")
    if names[-1] == "**" and set(names) != {"**"}:
        folders_only = True  # all below a folder is the folder
        names.pop()
    return Glob(pattern, tuple(None if name == "**" else _name(name) for name in names), folders_only)


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
