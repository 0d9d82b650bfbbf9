"""The comment on a pull request that stays one, however often it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mlsecops.github import paths, sticky
from mlsecops.github.client import Client, InvalidError, NotFoundError
from mlsecops.github.sticky import BOT, Outcome
from mlsecops.report.comment import is_identifier
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of

__all__ = ["Outcome", "is_current", "upsert"]

_MARKER = re.compile(r"<!-- mlsecops:[a-z0-9-]+ id=(\S+) -->")
# GitHub: "Body is too long (maximum is 65536 characters)".
_TOO_LONG = re.compile(r"too.long|maximum is|too large", re.IGNORECASE)
_SHORT = (
    "_GitHub did not take the whole report as a comment, because of its length; "
    "it is in the summary of the run._"
)
_LONGEST_LINE = 4_000


def upsert(client: Client, repository: str, number: int, body: str, *, author: str = BOT) -> Outcome:
    """Make the one comment of ours on a pull request or an issue say `body`.

    The first line of the body must be a marker, such as `report.comment.marker` makes. Ours are the comments
    that begin with it and are by the bot `author`, the login that the token writes as: of several the
    oldest stays. A body that is too long for GitHub is replaced by its first lines.
    Raises ValueError for a body without marker and GitHubError: ForbiddenError also where the token may
    only read or the conversation is locked.
    """
    first = sticky.first_line(body)
    match = _MARKER.fullmatch(first)
    if match is None or not is_identifier(match[1]):
        raise ValueError("a comment must begin with the line by which it is found again")
    comments = _Comments(client, repository, number, body, first, author)
    change, comment = sticky.keep_one(comments)
    return Outcome(change, sticky.url_of(comment), comments.shortened)


def is_current(client: Client, repository: str, number: int, head_sha: str) -> bool:
    """Whether a commit is still the head of a pull request; the run of an older one leaves the comment.

    Raises GitHubError.
    """
    pull = client.get(paths.of_repository(repository, "pulls", number))
    return isinstance(pull, dict) and object_of(pull, "head").get("sha") == head_sha


@dataclass(slots=True)
class _Comments:
    """The comments with our marker on one pull request, and what the one that stays is to say."""

    client: Client
    repository: str
    number: int
    body: str
    marker: str
    author: str
    shortened: bool = field(default=False, init=False)

    def ours(self) -> list[Json]:
        comments = self.client.pages(paths.of_repository(self.repository, "issues", self.number, "comments"))
        return sticky.oldest_first([each for each in comments if self._is_ours(each)])

    def create(self) -> Json:
        path = paths.of_repository(self.repository, "issues", self.number, "comments")
        try:
            return sticky.answered(self.client.post(path, {"body": self.body}))
        except InvalidError as error:
            self._shorten(error)
        return sticky.answered(self.client.post(path, {"body": self.body}))

    def write(self, comment: Json) -> bool | None:
        if sticky.same_text(sticky.text_of(comment), self.body):
            return False
        try:
            self.client.patch(self._path(comment), {"body": self.body})
        except NotFoundError:
            return None
        except InvalidError as error:
            self._shorten(error)
            return self.write(comment)
        return True

    def remove(self, comment: Json) -> None:
        self.client.delete(self._path(comment))

    def _is_ours(self, comment: Json) -> bool:
        return sticky.is_ours(comment, self.marker, self.author)

    def _path(self, comment: Json) -> str:
        return paths.of_repository(self.repository, "issues", "comments", sticky.number_of(comment))

    def _shorten(self, error: InvalidError) -> None:
        """Go on with the first lines, when length is what GitHub refused. Raises the error otherwise."""
        if self.shortened or not _TOO_LONG.search(error.message):
            raise error
        self.shortened = True
        self.body = _short(self.body)


def _short(body: str) -> str:
    """Marker, title and context of a report, and where the rest is."""
    marker, *lines = body.split("\n")[:3]
    kept = [line for line in lines if line.strip() and len(line) <= _LONGEST_LINE]
    return "\n".join([marker, *kept, "", _SHORT, ""])
