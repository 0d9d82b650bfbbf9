"""The path patterns of the policy, which count from the root of the repository."""

from __future__ import annotations

from functools import lru_cache

from mlsecops.globs import Parts, compiled, covers


def matches(pattern: str, uri: str) -> bool:
    """Whether a repository-relative path is what a pattern names, or lies in a folder that it names.

    `**` stands for any number of folders, none included. Nothing else is special, so that names with brackets
    mean themselves. The whole path must match from the repository's root.
    """
    parts = _parts(pattern)
    return bool(parts) and covers(parts, uri)


@lru_cache(maxsize=1024)
def _parts(pattern: str) -> Parts:
    return compiled(name for name in pattern.split("/") if name not in {"", "."})
