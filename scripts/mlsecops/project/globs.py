"""The policy's exclude patterns.

A pattern is matched against the path relative to the root, much as in a .gitignore file:

- `*` and `?` stand for characters other than `/`, `[abc]`, `[a-z]` and `[!abc]` for one of them;
- `**` as a whole part stands for any number of folders: `**/raw`, `data/**/raw`, `data/**` (all below data);
- a pattern without `/` (one at its end does not count) matches a name in any folder: `*.md`, `data`;
- one with `/` counts from the root, and so does one with `/` in front: `docs/*.md`, `/data`;
- a pattern that matches a folder leaves out all that is in it; with `/` at its end it matches folders only.

There is no negation: a pattern that begins with `!` is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsecops.project.inventory import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLASS = re.compile(r"\[(!?)(\]?[^\]]*)\]")


@dataclass(frozen=True, slots=True)
class _Glob:
    pattern: str
    regex: re.Pattern[str]
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Excludes:
    """Compiled exclude patterns; made by `compile_excludes`."""

    globs: tuple[_Glob, ...]

    def match(self, uri: str, *, folder: bool) -> str | None:
        """The first pattern that matches the path itself (the folders above it are the caller's to ask)."""
        for glob in self.globs:
            if (folder or not glob.folders_only) and glob.regex.fullmatch(uri):
                return glob.pattern
        return None


def compile_excludes(patterns: Iterable[str]) -> Excludes:
    """Compile exclude patterns; raises ProjectError with the pattern in it when one cannot mean anything."""
    return Excludes(tuple(_compile(pattern) for pattern in patterns if pattern.strip()))


def _compile(pattern: str) -> _Glob:
    body = pattern.strip()
    if body.startswith("!"):
        raise ProjectError(f"exclude {pattern!r}: negation with ! is not supported")
    folders_only = body.endswith("/")
    anchored = "/" in body.rstrip("/")
    parts = [part for part in body.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ProjectError(f"exclude {pattern!r}: .. would leave the project")
    if len(parts) > 1 and parts[-1] == "**":
        folders_only = True
        parts = parts[:-1]
    if not parts:
        raise ProjectError(f"exclude {pattern!r}: names nothing")
    regex = "".join([*(_part(part) for part in parts[:-1]), _last(parts[-1])])
    try:
        compiled = re.compile(regex if anchored else f"(?:.*/)?{regex}", re.DOTALL)
    except re.error as error:
        raise ProjectError(f"exclude {pattern!r}: {error.msg}") from error
    return _Glob(pattern, compiled, folders_only)


def _part(part: str) -> str:
    return "(?:.*/)?" if part == "**" else f"{_name(part)}/"


def _last(part: str) -> str:
    return ".*" if part == "**" else _name(part)


def _name(part: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(part):
        char = part[at]
        at += 1
        if char == "*":
            if out[-1:] != ["[^/]*"]:
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and (match := _CLASS.match(part, at - 1)) and match[2]:
            out.append(_character_class(match[1], match[2]))
            at = match.end()
        else:
            out.append(re.escape(char))
    return "".join(out)


def _character_class(negation: str, members: str) -> str:
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
    return f"(?!/)[{'^' if negation else ''}{escaped}]"
