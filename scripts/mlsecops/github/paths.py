"""Paths of GitHub's REST API, with every part percent-encoded."""

from __future__ import annotations

from urllib.parse import quote


def of_repository(repository: str, *parts: str | int) -> str:
    """The path of something in a repository that is named OWNER/NAME.

    `Client` refuses a path that would leave its place.
    """
    owner, _, name = repository.partition("/")
    return "/".join(["repos", *(quote(str(part), safe="") for part in (owner, name, *parts))])
