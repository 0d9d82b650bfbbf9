"""The policy as it stands at a commit that the change under test has no part in, over GitHub's interface."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from mlsecops.github.client import Client, NotFoundError
from mlsecops.github.paths import of_repository
from mlsecops.policy import PolicyError
from mlsecops.policy.committed import find_committed
from mlsecops.policy.document import MAX_BYTES


@dataclass(frozen=True, slots=True)
class BasePolicy:
    """A policy file: its bytes, and its path in the repository."""

    content: bytes
    path: str


def fetch(client: Client, repository: str, commit: str, project: str) -> BasePolicy | None:
    """The policy of a project at a commit (or branch): its own file, else that of the whole repository.

    None when the commit is there and has neither. Raises PolicyError for what is no readable file, or has a
    name that would be overlooked, and GitHubError when GitHub cannot be asked or does not show the commit.
    """
    found = find_committed(project, lambda path: _contents(client, repository, commit, path))
    if found is not None:
        path, there = found
        return BasePolicy(_content(there, path), path)
    # What a token may not see looks like what is not there, and would leave the defaults in force.
    client.get(of_repository(repository, "commits", commit), per_page=1)
    return None


def _contents(client: Client, repository: str, commit: str, path: str) -> Any:
    """What is at a path, None for nothing; GitHub follows links to files of the same commit."""
    try:
        return client.get(of_repository(repository, "contents", *path.split("/")), ref=commit)
    except NotFoundError:
        return None


def _content(found: Any, path: str) -> bytes:
    """The bytes of a file as https://docs.github.com/en/rest/repos/contents describes it."""
    kind = found.get("type") if isinstance(found, dict) else "folder"
    if kind != "file":
        raise PolicyError(f"{path}:1: not a file but a {kind}")
    size = found.get("size")
    if not isinstance(size, int) or size > MAX_BYTES:
        raise PolicyError(f"{path}:1: larger than the {MAX_BYTES:,} bytes that are read")
    try:
        content = base64.b64decode(str(found.get("content")))
    except binascii.Error:
        content = b""
    if len(content) != size:
        raise PolicyError(f"{path}:1: GitHub did not send all of it")
    return content
