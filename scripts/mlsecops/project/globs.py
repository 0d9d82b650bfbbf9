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

from collections.abc import Iterable
from dataclasses import dataclass

from mlsecops import globs
from mlsecops.project.inventory import ProjectError


@dataclass(frozen=True, slots=True)
class Glob:
    """One compiled pattern."""

    pattern: str
    parts: globs.Parts
    folders_only: bool

    def match(self, uri: str) -> bool:
        """Whether a path is what the pattern names."""
        return globs.names(self.parts, uri)


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
    return Glob(pattern, globs.compiled(names), folders_only)
