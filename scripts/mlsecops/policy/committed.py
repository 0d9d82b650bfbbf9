"""Which file of a commit is the policy of a project, however the commit is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TypeVar

from mlsecops.policy import DEFAULT_FILE, PolicyError

T = TypeVar("T")


def find_committed(project: str, look: Callable[[str], T | None]) -> tuple[str, T] | None:
    """The path of a project's own policy file, else of that of the whole repository, and what is there.

    `look` says what is at a path, None for nothing. Raises PolicyError for a name that would be overlooked.
    """
    for folder in dict.fromkeys((project, ".")):
        path = PurePosixPath(folder) / DEFAULT_FILE
        found = look(str(path))
        if found is not None:
            return str(path), found
        other = path.with_suffix(".yaml")
        if look(str(other)) is not None:
            raise PolicyError(f"{other}:1: a policy is named {path.name}; this file would not be read")
    return None
