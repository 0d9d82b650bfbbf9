"""What GitHub's refusals mean: an answer's status, headers and body -> one exception with one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

from mlsecops.web.asking import PassingError, retry_after

# GitHub says of its secondary limits: without `retry-after`, wait at least one minute.
_SECONDARY_PAUSE = 60.0
_MOST_WORDS = 300
_LIMITED = re.compile(r"secondary rate limit|rate limit exceeded|abuse detection", re.IGNORECASE)
_PERMISSIONS = re.compile(r"[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class GitHubError(Exception):
    """GitHub cannot be asked or says no. `str()` is one sentence, `message` GitHub's own words or empty."""

    def __init__(self, sentence: str, *, status: int | None = None, message: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.message = message


class ForbiddenError(GitHubError):
    """The token is not accepted or may not do this."""


class NotFoundError(GitHubError):
    """It is not there, not there any more, or hidden from this token."""


class ConflictError(GitHubError):
    """It was changed by somebody else meanwhile."""


class InvalidError(GitHubError):
    """GitHub understands the request and does not accept what is in it."""


class RateLimitError(GitHubError):
    """Too many requests, and waiting did not help; the sentence says when to try again."""


_KINDS: dict[int, type[GitHubError]] = {
    HTTPStatus.BAD_REQUEST: InvalidError,
    HTTPStatus.UNAUTHORIZED: ForbiddenError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.GONE: NotFoundError,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidError,
}


def refusal(
    what: str, status: int, headers: Mapping[str, str], content: bytes, now: float
) -> GitHubError | PassingError:
    """The exception for an answer that is no success: PassingError where another try may help.

    `what` is the request as people read it, `headers` answers to lower-case names, `now` is in seconds since
    1970. Rate limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    words = _words(content)
    said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if _is_limit(status, headers, words):
        pause = _pause(headers, now)
        sentence = f"GitHub limits how often it may be asked ({said}): run this again {_moment(now + pause)}"
        return PassingError(RateLimitError(sentence, status=status, message=words), pause)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        sentence = f"GitHub fails at {what} ({said}): run this again later"
        return PassingError(GitHubError(sentence, status=status, message=words), _asked(headers, now) or 0.0)
    kind = _KINDS.get(status, GitHubError)
    return kind(f"{_sentence(kind, what, said)}{_needed(status, headers)}", status=status, message=words)


def _sentence(kind: type[GitHubError], what: str, said: str) -> str:
    if kind is NotFoundError:
        return f"GitHub has nothing for {what}, or hides it from this token ({said})"
    if kind is ForbiddenError:
        return f"GitHub does not let this token {what} ({said})"
    return f"GitHub refuses {what} ({said})"


def _needed(status: int, headers: Mapping[str, str]) -> str:
    """What GitHub says that the token would need: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api"""
    needed = headers.get("x-accepted-github-permissions", "")
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} or not _PERMISSIONS.fullmatch(needed):
        return ""
    permissions = needed.replace(" ", "").replace("_", "-").replace("=", ": ")
    return f"; the job needs {permissions.replace(',', ' and ').replace(';', ' or ')}"


def _is_limit(status: int, headers: Mapping[str, str], words: str) -> bool:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if status != HTTPStatus.FORBIDDEN:
        return False
    # The last request that the limit allows may be one that the token is not allowed.
    spent = headers.get("x-ratelimit-remaining") == "0" and "not accessible" not in words
    return spent or "retry-after" in headers or _LIMITED.search(words) is not None


def _moment(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("after %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "much later"


def _pause(headers: Mapping[str, str], now: float) -> float:
    asked = _asked(headers, now)
    if asked is not None:
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, int(reset) - now) + 1.0
    return _SECONDARY_PAUSE


def _asked(headers: Mapping[str, str], now: float) -> float | None:
    return retry_after(headers.get("retry-after", ""), now)


def _words(content: bytes) -> str:
    """GitHub's message and what it says of single fields, on one line."""
    try:
        body: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    details = [_detail(error) for error in errors] if isinstance(errors, list) else [errors]
    parts = [part for part in [body.get("message"), *details] if isinstance(part, str) and part]
    return _UNPRINTABLE.sub(" ", ": ".join(parts))[:_MOST_WORDS].strip()


def _detail(error: object) -> object:
    if not isinstance(error, dict):
        return error
    return error.get("message") or " ".join(str(error[key]) for key in ("field", "code") if error.get(key))
