"""One thing of ours that stays one, a comment or an issue: known by its first line and its author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from mlsecops.github.client import GitHubError, NotFoundError
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of

BOT = "github-actions[bot]"
"""The login of what a job's own token writes."""

Change = Literal["created", "updated", "unchanged", "closed"]
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the comment or issue, and its page ("" when there is none).

    `shortened`: GitHub, or our own limit, did not take the whole text.
    """

    change: Change
    url: str = ""
    shortened: bool = False


class Things(Protocol):
    """How to reach the things of one kind that carry our marker."""

    def ours(self) -> list[Json]:
        """Those that are there now, the oldest first."""

    def create(self) -> Json:
        """Make one with the text that it should have."""

    def write(self, thing: Json) -> bool | None:
        """Give one the text: whether that changed it, or None when it is no longer there."""

    def remove(self, thing: Json) -> None:
        """Take one away. Raises NotFoundError when it is gone already."""


def is_ours(thing: Json, marker: str, author: str) -> bool:
    """Whether a comment or issue begins with the marker and was written by this bot.

    Anybody may write a text that begins with our marker; only the author that GitHub names tells them apart.
    """
    user = object_of(thing, "user")
    return user.get("login") == author and user.get("type") == "Bot" and first_line(text_of(thing)) == marker


def answered(answer: object) -> Json:
    """The comment or issue that answers, or an empty one."""
    return answer if isinstance(answer, dict) else {}


def oldest_first(things: list[Json]) -> list[Json]:
    """By their numbers, which GitHub counts up."""
    return sorted(things, key=number_of)


def number_of(thing: Json) -> int:
    """The id of a comment or issue, or 0."""
    number = thing.get("id")
    return number if isinstance(number, int) else 0


def url_of(thing: Json) -> str:
    """The page of a comment or issue, or ""."""
    url = thing.get("html_url")
    return url if isinstance(url, str) else ""


def text_of(thing: Json) -> str:
    """The body of a comment or issue, which is null when it is empty."""
    body = thing.get("body")
    return body if isinstance(body, str) else ""


def first_line(text: str) -> str:
    """The first line without its end, of whichever kind."""
    return text.partition("\n")[0].removesuffix("\r")


def same_text(one: str, other: str) -> bool:
    """Whether two bodies say the same: GitHub may keep other line ends, and none at the end."""
    return _plain(one) == _plain(other)


def keep_one(things: Things) -> tuple[Change, Json]:
    """Create or update, and leave exactly one: of several the oldest stays, whoever made the others.

    Two runs may create at the same time, and a creation that was answered with an error may have happened
    all the same; so what is there is read again after each creation.
    Raises GitHubError as the things do, and when each of a few tries finds its thing deleted.
    """
    for _ in range(_ROUNDS):
        found = things.ours()
        created = not found
        if created:
            found = _create(things)
        oldest, *younger = found
        changed = things.write(oldest)
        if changed is None:
            continue
        for each in younger:
            _remove(things, each)
        if changed:
            return "updated", oldest
        return "created" if created else "unchanged", oldest
    raise GitHubError("what mlsecops wrote on GitHub is deleted as often as it writes it")


def _create(things: Things) -> list[Json]:
    """What is there after a creation: at least one."""
    failure: GitHubError | None = None
    made: list[Json] = []
    try:
        made.append(things.create())
    except GitHubError as error:
        if error.status is not None and 400 <= error.status < 500:
            raise
        failure = error
    found = things.ours()
    known = {number_of(each) for each in found}
    found = oldest_first([*found, *(each for each in made if number_of(each) not in known)])
    if failure and not found:
        raise failure
    return found


def _remove(things: Things, thing: Json) -> None:
    try:
        things.remove(thing)
    except NotFoundError:
        return  # another run was quicker


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
