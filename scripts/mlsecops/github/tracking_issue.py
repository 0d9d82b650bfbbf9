"""The one issue that is open as long as the scheduled scan does not pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from mlsecops.github import comments, paths, sticky
from mlsecops.github.client import Client, InvalidError, NotFoundError
from mlsecops.github.sticky import BOT, Outcome
from mlsecops.report.comment import MOST_BYTES, MOST_CHARACTERS, is_identifier
from mlsecops.report.escape import shorten
from mlsecops.sarif.build import Json
from mlsecops.verdict import Word

LABEL = "mlsecops"
_LONGEST_TITLE = 250
_PASSED = "The scheduled scan passes again, so this is closed."
_CUT = "_The report is longer than an issue may be: only its beginning is here, all of it is in the run._"
_SWITCHED_OFF = (
    "issues are switched off in this repository, so none can tell of the scheduled scan: turn them on "
    "under Settings, General, Features, or leave out the action tracking-issue"
)


def track(
    client: Client,
    repository: str,
    *,
    identifier: str,
    word: Word,
    title: str,
    body: str,
    author: str = BOT,
) -> Outcome:
    """Open or update the issue of a project when the verdict is blocked or incomplete; close it when passed.

    `body` is what the open issue says, or what the closing comment does, without a marker; what is too long
    is cut. An issue that somebody closed stays closed, and the next bad verdict opens a new one. Ours are
    the open ones that begin with our marker and are by the bot `author`; of several the oldest stays.
    Raises ValueError for an identifier that is none, and GitHubError: NotFoundError with a sentence that
    says so where issues are switched off.
    """
    issues = _Issues(client, repository, identifier, shorten(title, _LONGEST_TITLE), body, author)
    with _where_issues_are_on():
        if word == "passed":
            return _close(issues)
        change, issue = sticky.keep_one(issues)
    return Outcome(change, sticky.url_of(issue), issues.text != issues.whole)


def marker(identifier: str, what: str = "rescan") -> str:
    """The first line of the issue of a project. Raises ValueError for an identifier that is none."""
    if not is_identifier(identifier):
        raise ValueError(f"an identifier has only letters, digits, '.', '_' and '-': {identifier!r}")
    return f"<!-- mlsecops:{what} id={identifier} -->"


class _Issues:
    """The open issues with our marker, and what the one that stays is to say."""

    def __init__(
        self, client: Client, repository: str, identifier: str, title: str, body: str, author: str
    ) -> None:
        self.client = client
        self.repository = repository
        self.identifier = identifier
        self.title = title
        self.author = author
        self.marker = marker(identifier)
        self.body = body
        self.whole = f"{self.marker}\n{body}"
        self.text = _fitted(self.marker, body)

    def ours(self) -> list[Json]:
        path = paths.of_repository(self.repository, "issues")
        labelled = self.client.pages(path, state="open", creator=self.author, labels=LABEL)
        if found := self._ours_of(labelled):
            return found
        # One whose label could not be set, or was taken away, is ours all the same.
        return self._ours_of(self.client.pages(path, state="open", creator=self.author))

    def create(self) -> Json:
        path = paths.of_repository(self.repository, "issues")
        content = {"title": self.title, "body": self.text}
        try:
            return sticky.answered(self.client.post(path, {**content, "labels": [LABEL]}))
        except InvalidError:
            return sticky.answered(self.client.post(path, content))

    def write(self, issue: Json) -> bool | None:
        if issue.get("title") == self.title and sticky.same_text(sticky.text_of(issue), self.text):
            return False
        try:
            answer = self.client.patch(self._path(issue), {"title": self.title, "body": self.text})
        except NotFoundError:
            return None
        # Somebody may have closed it since it was listed, and then it stays closed.
        return None if sticky.answered(answer).get("state") == "closed" else True

    def remove(self, issue: Json) -> None:
        self.close(issue, "not_planned")

    def close(self, issue: Json, reason: str) -> None:
        self.client.patch(self._path(issue), {"state": "closed", "state_reason": reason})

    def _ours_of(self, listed: Iterable[Json]) -> list[Json]:
        return sticky.oldest_first([each for each in listed if self._is_ours(each)])

    def _is_ours(self, issue: Json) -> bool:
        # The list of issues holds the pull requests too.
        return "pull_request" not in issue and sticky.is_ours(issue, self.marker, self.author)

    def _path(self, issue: Json) -> str:
        return paths.of_repository(self.repository, "issues", _number(issue))


def _close(issues: _Issues) -> Outcome:
    found = issues.ours()
    if not found:
        return Outcome("unchanged")
    oldest, *younger = found
    for each in younger:
        with suppress(NotFoundError):
            issues.remove(each)
    first = marker(issues.identifier, "rescan-passed")
    text = f"{_PASSED}\n\n{issues.body}"
    said = _fitted(first, text)
    with suppress(NotFoundError):  # somebody deleted it, so there is nothing to close
        issues.close(oldest, "completed")
        comments.upsert(issues.client, issues.repository, _number(oldest), said, author=issues.author)
    return Outcome("closed", sticky.url_of(oldest), said != f"{first}\n{text}")


@contextmanager
def _where_issues_are_on() -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        if error.status != HTTPStatus.GONE:
            raise
        raise NotFoundError(_SWITCHED_OFF, status=error.status, message=error.message) from error


def _number(issue: Json) -> int:
    number = issue.get("number")
    return number if isinstance(number, int) else 0


def _fitted(first: str, text: str) -> str:
    """The marker and the text, cut between two of its blocks when it is too long."""
    whole = f"{first}\n{text}"
    if len(whole) <= MOST_CHARACTERS and len(whole.encode()) <= MOST_BYTES:
        return whole
    # At the top, because a cut may leave a part open that hides what follows.
    head = f"{first}\n{_CUT}\n\n"
    room = text[: MOST_CHARACTERS - len(head)].encode()[: MOST_BYTES - len(head.encode())]
    return head + room.decode(errors="ignore").rpartition("\n\n")[0]
