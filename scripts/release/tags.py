"""What a release changes at GitHub besides the release itself: whether it may be made, and the moving tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from mlsecops.github.client import Client, NotFoundError

from release.references import Version, version

# A tag object may lead to another; nobody makes more than a few.
_MOST_OBJECTS = 5


class PublishError(Exception):
    """GitHub holds something that a release must not go on with; the text says what to do."""


def ready(client: Client, repository: str, release: Version, commit: str) -> None:
    """Raise PublishError unless the release can be made: new, of the default branch, its tag where it was.

    Raises GitHubError as well.
    """
    if _peeled(client, repository, release.tag) != commit:
        raise PublishError(f"the tag {release.tag} does not lead to the commit {commit} that was checked")
    for each in client.pages(f"repos/{repository}/releases"):
        if each.get("tag_name") == release.tag:
            word = "a draft of" if each.get("draft") else "a release of"
            raise PublishError(
                f"there is {word} {release.tag} already: delete it if it is a draft, else raise the version"
            )
    branch = client.get(f"repos/{repository}")["default_branch"]
    status = client.get(f"repos/{repository}/compare/{quote(branch, safe='')}...{commit}")["status"]
    if status not in {"identical", "behind"}:
        raise PublishError(
            f"the commit {commit} is not on {branch}: merge it first, then tag the merged commit"
        )
    _moving(client, repository, release)


def move(client: Client, repository: str, release: Version, commit: str) -> str:
    """Let the moving tag lead to the commit, and say in a sentence what was done.

    It stays where it is when a newer release with the same major number is there. Raises PublishError,
    GitHubError.
    """
    newer = [each for each in _released(client, repository) if each.major == release.major and each > release]
    if newer:
        return f"{release.moving_tag} stays where it is: {max(newer).tag} is newer than {release.tag}"
    name, there = f"tags/{release.moving_tag}", _moving(client, repository, release)
    if there == commit:
        return f"{release.moving_tag} leads to {commit} already"
    if there is None:
        client.post(f"repos/{repository}/git/refs", {"ref": f"refs/{name}", "sha": commit})
    else:
        client.patch(f"repos/{repository}/git/refs/{name}", {"sha": commit, "force": True})
    if _moving(client, repository, release) != commit:
        raise PublishError(f"{release.moving_tag} does not lead to {commit}: set it by hand")
    return f"{release.moving_tag} leads to {commit} now"


def _released(client: Client, repository: str) -> Iterator[Version]:
    for each in client.pages(f"repos/{repository}/releases"):
        found = version(str(each.get("tag_name")))
        if found is not None and not each.get("draft"):
            yield found


def _moving(client: Client, repository: str, release: Version) -> str | None:
    """The commit of the moving tag, None where there is none. Raises PublishError for a tag object.

    With one, `job.workflow_sha` would be the id of the object, which is no commit.
    """
    try:
        there = _object(client, f"repos/{repository}/git/ref/tags/{release.moving_tag}")
    except NotFoundError:
        return None
    if there["type"] != "commit":
        raise PublishError(
            f"{release.moving_tag} is an annotated tag: delete it, the next release makes a plain one"
        )
    return str(there["sha"])


def _peeled(client: Client, repository: str, tag: str) -> str | None:
    there = _object(client, f"repos/{repository}/git/ref/tags/{tag}")
    for _ in range(_MOST_OBJECTS):
        if there["type"] == "commit":
            return str(there["sha"])
        there = _object(client, f"repos/{repository}/git/tags/{there['sha']}")
    return None


def _object(client: Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path)["object"]
    return found
