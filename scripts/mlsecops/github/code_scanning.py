"""Whether the results of a run go to GitHub's code scanning, and if not, why and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from mlsecops.github.errors import ForbiddenError, GitHubError, NotFoundError
from mlsecops.github.event_model import Event
from mlsecops.github.inputs import Upload

# "Code Security must be enabled for this repository to use code scanning.", "Advanced Security must be
# enabled for this repository to use code scanning.", "Code scanning is not enabled for this repository."
_OFF = re.compile(
    r"(?:code scanning|code security|advanced security)\b.*\b(?:must be enabled|not enabled|disabled)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to upload; `reason` says why not, or what is odd about it, and is "" otherwise."""

    upload: bool
    reason: str = ""


class Api(Protocol):
    """What asks GitHub; raises GitHubError."""

    def get(self, path: str, **params: str | int) -> Any: ...


def decide(client: Api, event: Event, mode: Upload) -> Decision:
    """Decide for a run. Asks GitHub for one alert, where the event and the caller leave it open.

    What code scanning takes from which event: https://docs.github.com/en/code-security/code-scanning and, for
    a merge queue, https://github.com/github/codeql-action/issues/4125
    """
    against = _against(event, mode)
    if against:
        return Decision(upload=False, reason=against)
    try:
        client.get(f"repos/{event.repository}/code-scanning/alerts", per_page=1)
    except NotFoundError:  # no analysis yet
        return Decision(upload=True)
    except ForbiddenError as error:
        return _refused(error, event)
    except GitHubError as error:
        return Decision(upload=True, reason=f"tried without knowing whether code scanning is on: {error}")
    return Decision(upload=True)


def _against(event: Event, mode: Upload) -> str:
    """What rules it out before anybody is asked."""
    if mode == "never":
        return "the input 'upload' is never"
    if event.uploads:
        return ""
    if event.queued:
        return "code scanning takes no results of a merge queue, whose branch is gone soon after"
    if event.deleted:
        return "the push deleted its branch"
    return "GitHub lets a push of Dependabot only read; the pull request uploads"


def _refused(error: ForbiddenError, event: Event) -> Decision:
    if _OFF.search(error.message):
        return Decision(
            upload=False, reason="code scanning is off for this repository; the SARIF is in the artifact"
        )
    if error.status == HTTPStatus.UNAUTHORIZED:
        return Decision(upload=False, reason=f"the token does not count: {error}")
    if event.pull is not None and event.read_only:
        # GitHub says that it takes these uploads from pull requests whose token may only read.
        return Decision(upload=True, reason="tried with a token that may only read, as GitHub says it can")
    return Decision(
        upload=False, reason="this workflow may not see code scanning; grant `security-events: write`"
    )
