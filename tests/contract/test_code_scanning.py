from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from mlsecops.github.client import Client
from mlsecops.github.code_scanning import Decision, decide
from mlsecops.github.event_model import Event, PullRequest
from support.github_api import TOKEN, GitHubServer

PULL = PullRequest(
    number=12,
    head_sha="b" * 40,
    head_ref="topic",
    base_sha="c" * 40,
    base_ref="main",
    fork=False,
    author="ada",
)
EVENT = Event(
    name="pull_request",
    repository="octo/service",
    sha="a" * 40,
    ref="refs/pull/12/merge",
    default_branch="main",
    server="https://github.com",
    run_id=77,
    run_attempt=1,
    actor="ada",
    pull=PULL,
)
FORK = replace(EVENT, pull=replace(PULL, fork=True))


def decided(github: GitHubServer, event: Event = EVENT, token: str = TOKEN) -> Decision:
    return decide(Client(github.url, token, sleep=lambda _: None), event, "auto")


@pytest.mark.parametrize(("state", "upload"), [("on", True), ("empty", True), ("off", False)])
@pytest.mark.parametrize("event", [EVENT, FORK])
def test_uploads_unless_code_scanning_is_off(
    github: GitHubServer, state: Literal["on", "empty", "off"], upload: bool, event: Event
) -> None:
    github.state.code_scanning = state

    assert decided(github, event).upload is upload
    assert [call.query for call in github.asked("GET", "/code-scanning/alerts$")] == [{"per_page": "1"}]


@pytest.mark.parametrize(("event", "upload"), [(EVENT, False), (FORK, True)])
def test_without_the_permission_only_a_fork_is_tried(
    github: GitHubServer, event: Event, upload: bool
) -> None:
    github.state.tokens["weak"] = {"contents": "read"}

    decision = decided(github, event, "weak")

    assert decision.upload is upload
    assert ("grant `security-events: write`" in decision.reason) is not upload


def test_an_unknown_token_uploads_nothing(github: GitHubServer) -> None:
    decision = decided(github, FORK, "unknown")

    assert not decision.upload
    assert "Bad credentials" in decision.reason


@pytest.mark.parametrize(
    ("status", "headers"), [(502, {}), (403, {"X-RateLimit-Remaining": "0"}), (429, {"Retry-After": "1"})]
)
def test_tries_where_github_cannot_say(github: GitHubServer, status: int, headers: dict[str, str]) -> None:
    github.fail("GET", "/code-scanning/alerts$", status, headers=headers, times=100)

    decision = decided(github)

    assert decision.upload
    assert "without knowing" in decision.reason


def test_a_passing_failure_is_no_answer(github: GitHubServer) -> None:
    github.state.code_scanning = "off"
    github.drop("GET", "/code-scanning/alerts$")

    assert not decided(github).upload
