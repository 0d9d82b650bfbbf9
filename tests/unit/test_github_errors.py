"""What GitHub's refusals mean, and how long it asks to wait."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
from mlsecops.github.errors import ForbiddenError, GitHubError, RateLimitError, refusal
from mlsecops.web.asking import PassingError

NOW = 1_800_000_000.0


def refused(status: int, message: str = "Words", **headers: str) -> GitHubError | PassingError:
    """The exception for a refusal with these headers, their names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal("GET /x", status, named, json.dumps({"message": message}).encode(), NOW)


def pause(status: int, message: str = "Words", **headers: str) -> float:
    """How long such a refusal asks to wait."""
    error = refused(status, message, **headers)
    assert isinstance(error, PassingError)
    return error.pause


def test_a_date_to_wait_for_is_understood_and_one_gone_by_is_now() -> None:
    assert pause(429, retry_after=formatdate(NOW + 45, usegmt=True)) == 45.0
    assert pause(503, retry_after=formatdate(NOW - 45, usegmt=True)) == 0.0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "²", "Wed, 99 Foo 2026"])
def test_a_wait_that_is_no_time_counts_as_none(value: str) -> None:
    assert pause(429, retry_after=value) == 60.0
    assert pause(503, retry_after=value) == 0.0


@pytest.mark.parametrize(("reset", "expected"), [(30, 31.0), (0, 1.0), (-500, 1.0)])
def test_a_spent_limit_is_waited_for_until_a_second_after_it_begins_anew(reset: int, expected: float) -> None:
    spent = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + reset)}
    assert pause(403, **spent) == expected


@pytest.mark.parametrize("reset", ["", "soon", "²"])
def test_a_spent_limit_without_an_end_is_waited_for_a_minute(reset: str) -> None:
    assert pause(403, x_ratelimit_remaining="0", x_ratelimit_reset=reset) == 60.0


def test_a_reset_counts_only_when_the_limit_is_spent() -> None:
    assert pause(429, x_ratelimit_remaining="5", x_ratelimit_reset=str(int(NOW) + 5)) == 60.0


def test_the_last_request_of_a_limit_can_be_one_that_is_not_allowed() -> None:
    error = refused(403, "Resource not accessible by integration", x_ratelimit_remaining="0")
    assert isinstance(error, ForbiddenError)


@pytest.mark.parametrize(
    "words",
    [
        "You have exceeded a secondary rate limit.",
        "API rate limit exceeded for installation ID 1.",
        "You have triggered an abuse detection mechanism.",
    ],
)
def test_a_limit_is_known_by_its_words(words: str) -> None:
    error = refused(403, words)
    assert isinstance(error, PassingError)
    assert isinstance(error.final, RateLimitError)


def test_a_wait_beyond_all_times_has_no_time_of_day() -> None:
    error = refused(429, retry_after="9" * 30)
    assert isinstance(error, PassingError)
    assert "run this again much later" in str(error.final)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("contents=read", "; the job needs contents: read"),
        ("pull_requests=write; issues=write", "; the job needs pull-requests: write or issues: write"),
        ("contents=read,issues=read", "; the job needs contents: read and issues: read"),
        ("", ""),
        ("::error::hello", ""),
        ("allows everything\n", ""),
    ],
)
def test_a_missing_permission_is_named_as_a_workflow_writes_it(header: str, said: str) -> None:
    error = refused(403, x_accepted_github_permissions=header)
    assert str(error) == f"GitHub does not let this token GET /x (HTTP 403: Words){said}"


def test_a_refusal_of_something_else_names_no_permission() -> None:
    assert "contents" not in str(refused(422, x_accepted_github_permissions="contents=read"))


def test_words_without_end_are_cut() -> None:
    error = refused(404, "x" * 100_000)
    assert isinstance(error, GitHubError)
    assert error.message == "x" * 300
