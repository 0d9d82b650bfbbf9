"""The one issue of the scheduled scan, against GitHub as its own description says it answers."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from mlsecops.github.client import (
    Client,
    ForbiddenError,
    GitHubError,
    InvalidError,
    NotFoundError,
    Patience,
    RateLimitError,
)
from mlsecops.github.sticky import Outcome
from mlsecops.github.tracking_issue import LABEL, marker, track
from mlsecops.report.comment import MOST_BYTES, MOST_CHARACTERS
from mlsecops.verdict import Word
from support.github_api import BOT, TOKEN, GitHubServer, Issue, Pull
from support.github_api.wire import Call

REPOSITORY = "octo/service"
MARKER = marker("default")
TITLE = "mlsecops: the scheduled scan is blocked"
TEXT = "### ❌ mlsecops blocked\n\n3 findings\n"
BODY = f"{MARKER}\n{TEXT}"
OLD = f"{MARKER}\n### ⚠️ mlsecops incomplete\n"
LIST = "/issues$"
ONE = r"/issues/\d+$"
PASSED_MARKER = "<!-- mlsecops:rescan-passed id=default -->"


@pytest.fixture
def client(github: GitHubServer) -> Client:
    return _client(github)


@pytest.mark.parametrize("word", ["blocked", "incomplete"])
def test_a_bad_verdict_opens_an_issue(github: GitHubServer, client: Client, word: Word) -> None:
    outcome = _track(client, word)

    assert outcome == Outcome("created", "https://github.com/octo/service/issues/1")
    assert list(github.state.issues.values()) == [Issue(1, TITLE, BODY, labels=[LABEL])]


def test_the_issue_is_found_again_among_250_others(github: GitHubServer, client: Client) -> None:
    issue = github.state.add_issue("old title", OLD, labels=["urgent", LABEL])
    for number in range(250):
        github.state.add_issue(f"other {number}", "a report of another tool", labels=[LABEL])

    outcome = _track(client)

    assert outcome == Outcome("updated", "https://github.com/octo/service/issues/1")
    assert (issue.title, issue.body, issue.labels) == (TITLE, BODY, ["urgent", LABEL])
    assert github.asked("POST") == []
    assert {call.query["labels"] for call in github.asked("GET")} == {LABEL}


def test_the_issue_is_found_without_its_label(github: GitHubServer, client: Client) -> None:
    issue = github.state.add_issue(TITLE, OLD)
    for number in range(120):
        github.state.add_issue(f"other {number}")

    assert _track(client).change == "updated"

    assert issue.body == BODY
    assert github.asked("POST") == []


@pytest.mark.parametrize("there", [BODY, BODY.replace("\n", "\r\n"), BODY.rstrip()])
def test_an_issue_that_says_the_same_is_not_written(github: GitHubServer, client: Client, there: str) -> None:
    github.state.add_issue(TITLE, there, labels=[LABEL])

    assert _track(client) == Outcome("unchanged", "https://github.com/octo/service/issues/1")

    assert _writes(github) == []


def test_the_same_body_with_another_title_is_written(github: GitHubServer, client: Client) -> None:
    issue = github.state.add_issue("mlsecops: the scheduled scan is incomplete", BODY, labels=[LABEL])

    assert _track(client).change == "updated"

    assert issue.title == TITLE


def test_weeks_of_bad_verdicts_make_no_comments(github: GitHubServer, client: Client) -> None:
    changes = [_track(client, body=f"week {week}").change for week in (1, 2, 2, 3)]

    assert changes == ["created", "updated", "unchanged", "updated"]
    assert (len(github.state.issues), github.state.comments) == (1, {})


@pytest.mark.parametrize(
    "issue",
    [
        {"login": "octocat"},
        {"login": "other-app[bot]"},
        {"body": OLD.replace("id=default", "id=web")},
        {"body": f"> {OLD}"},
        {"body": None},
        {"state": "closed"},
    ],
    ids=["a person's", "another bot's", "another project's", "quoted", "empty", "closed"],
)
@pytest.mark.parametrize("word", ["blocked", "passed"])
def test_an_issue_that_is_not_ours_is_not_touched(
    github: GitHubServer, client: Client, issue: dict[str, Any], word: Word
) -> None:
    other = github.state.add_issue("other", **({"body": OLD, "labels": [LABEL]} | issue))
    before = Issue(**vars(other))

    assert _track(client, word).change == ("unchanged" if word == "passed" else "created")

    assert other == before
    assert github.state.comments == {}


def test_a_pull_request_is_no_issue(github: GitHubServer, client: Client) -> None:
    """GitHub lists the pull requests among the issues, also one that a bot opened with our marker."""
    pull = github.state.add_pull(Pull(1, head_sha="a" * 40, login=BOT))
    user = {"login": BOT, "type": "Bot"}
    listed = {"id": 1, "number": 1, "state": "open", "user": user, "body": OLD, "pull_request": {}}
    github.fail("GET", LIST, 200, body=[listed], times=9)

    assert _track(client) == Outcome("created", "https://github.com/octo/service/issues/2")

    assert (pull.state, github.asked("PATCH")) == ("open", [])


def test_an_issue_that_somebody_closed_stays_closed_and_a_new_one_opens(
    github: GitHubServer, client: Client
) -> None:
    _track(client)
    github.state.issues[1].state = "closed"

    assert _track(client, body="next week").url.endswith("/issues/2")

    assert (github.state.issues[1].state, github.state.issues[1].body) == ("closed", BODY)


def test_one_that_is_closed_while_it_is_written_stays_closed_and_a_new_one_opens(
    github: GitHubServer, client: Client
) -> None:
    issue = github.state.add_issue(TITLE, OLD, labels=[LABEL])
    github.meanwhile("GET", LIST, lambda: setattr(issue, "state", "closed"))

    assert _track(client) == Outcome("created", "https://github.com/octo/service/issues/2")

    assert [each.state for each in github.state.issues.values()] == ["closed", "open"]


@pytest.mark.parametrize("status", [404, 410])
def test_one_that_is_deleted_before_it_is_written_is_opened_anew(
    github: GitHubServer, client: Client, status: int
) -> None:
    github.state.add_issue(TITLE, OLD, labels=[LABEL])
    github.fail("PATCH", ONE, status)
    github.meanwhile("PATCH", ONE, github.state.issues.clear)

    assert _track(client).change == "created"

    assert [each.body for each in github.state.issues.values()] == [BODY]


def test_of_several_the_oldest_stays_and_the_younger_are_closed_as_not_planned(
    github: GitHubServer, client: Client
) -> None:
    for _ in range(3):
        github.state.add_issue(TITLE, OLD, labels=[LABEL])

    assert _track(client) == Outcome("updated", "https://github.com/octo/service/issues/1")

    assert _states(github) == [("open", None), ("closed", "not_planned"), ("closed", "not_planned")]
    assert github.state.issues[1].body == BODY


def test_of_two_runs_that_open_at_the_same_time_one_issue_stays_open(
    github: GitHubServer, client: Client
) -> None:
    """The other run has opened one before us, and after we looked twice."""
    github.meanwhile("GET", LIST, lambda: None)
    github.meanwhile("GET", LIST, lambda: github.state.add_issue(TITLE, OLD, labels=[LABEL]))

    assert _track(client) == Outcome("updated", "https://github.com/octo/service/issues/1")

    assert _states(github) == [("open", None), ("closed", "not_planned")]
    assert github.state.issues[1].body == BODY


def test_many_runs_at_once_leave_one_open_issue(github: GitHubServer) -> None:
    together, failures = Barrier(4), list[GitHubError]()

    def run() -> None:
        own = _client(github)
        together.wait()
        try:
            _track(own)
        except GitHubError as error:
            failures.append(error)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [state for state, _ in _states(github)].count("open") == 1
    assert github.state.issues[1].state == "open"


def test_an_opening_whose_answer_is_lost_leaves_one_open_issue(github: GitHubServer, client: Client) -> None:
    github.drop("POST", LIST, times=4)

    assert _track(client).change == "created"

    assert [state for state, _ in _states(github)].count("open") == 1


def test_an_opening_that_only_fails_is_a_failure(github: GitHubServer, client: Client) -> None:
    github.fail("POST", LIST, 502, times=4)

    with pytest.raises(GitHubError, match="HTTP 502"):
        _track(client)


def test_an_issue_opens_without_a_label_where_it_cannot_be_set(github: GitHubServer, client: Client) -> None:
    github.fail("POST", LIST, 422, body={"message": "Validation Failed", "errors": [{"field": "labels"}]})

    assert _track(client).change == "created"

    assert [(each.body, each.labels) for each in github.state.issues.values()] == [(BODY, [])]


def test_a_label_that_is_dropped_without_a_word_makes_no_second_issue(
    github: GitHubServer, client: Client
) -> None:
    github.meanwhile("POST", LIST, lambda: setattr(github.state.issues[1], "labels", []))

    changes = [_track(client).change for _ in range(2)]

    assert changes == ["created", "unchanged"]


def test_passing_closes_the_issue_with_a_comment(github: GitHubServer, client: Client) -> None:
    issue = github.state.add_issue(TITLE, OLD, labels=[LABEL])

    outcome = _track(client, "passed", body="### ✅ mlsecops passed\n")

    assert outcome == Outcome("closed", "https://github.com/octo/service/issues/1")
    assert (issue.state, issue.state_reason, issue.body) == ("closed", "completed", OLD)
    assert [each.body for each in github.state.on(1)] == [
        f"{PASSED_MARKER}\nThe scheduled scan passes again, so this is closed.\n\n### ✅ mlsecops passed\n"
    ]


def test_passing_again_says_nothing(github: GitHubServer, client: Client) -> None:
    github.state.add_issue(TITLE, OLD, labels=[LABEL])

    outcomes = [_track(client, "passed") for _ in range(2)]

    assert outcomes[1] == Outcome("unchanged")
    assert len(github.state.comments) == 1


def test_passing_from_the_start_opens_nothing(github: GitHubServer, client: Client) -> None:
    assert _track(client, "passed") == Outcome("unchanged")

    assert (github.state.issues, _writes(github)) == ({}, [])


def test_passing_closes_duplicates_as_not_planned(github: GitHubServer, client: Client) -> None:
    for _ in range(3):
        github.state.add_issue(TITLE, OLD, labels=[LABEL])

    _track(client, "passed")

    assert _states(github) == [("closed", "completed"), ("closed", "not_planned"), ("closed", "not_planned")]
    assert [each.issue for each in github.state.comments.values()] == [1]


def test_an_issue_that_is_gone_needs_no_closing(github: GitHubServer, client: Client) -> None:
    for _ in range(2):
        github.state.add_issue(TITLE, OLD, labels=[LABEL])
    github.meanwhile("GET", LIST, github.state.issues.clear)

    assert _track(client, "passed").change == "closed"

    assert github.state.comments == {}


def test_a_closing_comment_whose_answer_is_lost_is_there_once(github: GitHubServer, client: Client) -> None:
    github.state.add_issue(TITLE, OLD, labels=[LABEL])
    github.drop("POST", "/comments$", times=4)

    _track(client, "passed")

    assert len(github.state.on(1)) == 1


def test_projects_have_issues_of_their_own(github: GitHubServer, client: Client) -> None:
    for identifier in ("default", "web", "web"):
        _track(client, identifier=identifier)
    _track(client, "passed", identifier="web")

    assert [(each.body, each.state) for each in github.state.issues.values()] == [
        (BODY, "open"),
        (f"{marker('web')}\n{TEXT}", "closed"),
    ]


@pytest.mark.parametrize("letter", ["x", "é", "⚠", "😀"])
@pytest.mark.parametrize("word", ["blocked", "passed"])
def test_a_body_that_is_too_long_is_cut_between_two_blocks(
    github: GitHubServer, client: Client, letter: str, word: Word
) -> None:
    if word == "passed":
        github.state.add_issue(TITLE, OLD, labels=[LABEL])
    block = f"{letter * 90}\n{letter * 8}"
    blocks = "\n\n".join([block] * 700)

    outcome = _track(client, word, body=f"### blocked\n\n{blocks}\n")

    body = github.state.on(1)[0].body if word == "passed" else github.state.issues[1].body
    assert body is not None
    assert outcome.shortened
    assert len(body) <= MOST_CHARACTERS
    assert len(body.encode()) <= MOST_BYTES
    first, note, *rest = body.split("\n\n")
    assert first.startswith(PASSED_MARKER if word == "passed" else MARKER)
    assert "only its beginning is here" in f"{first}{note}"
    assert rest[-1] == block
    assert len(body) + len(block) + 200 > MOST_CHARACTERS or len(body.encode()) + 500 > MOST_BYTES


@pytest.mark.parametrize(("letter", "number"), [("x", MOST_CHARACTERS), ("⚠", MOST_BYTES // 3)])
def test_characters_and_bytes_are_limited_each(
    github: GitHubServer, client: Client, letter: str, number: int
) -> None:
    assert _track(client, body=letter * number).shortened
    assert not _track(client, body=letter * (number - 60)).shortened


def test_a_long_title_is_cut(github: GitHubServer, client: Client) -> None:
    track(client, REPOSITORY, identifier="default", word="blocked", title="x" * 300, body=TEXT)

    assert len(github.state.issues[1].title) <= 256


def test_a_cut_body_is_not_written_again(github: GitHubServer, client: Client) -> None:
    outcomes = [_track(client, body="block\n\n" * 20_000) for _ in range(2)]

    assert [(each.change, each.shortened) for each in outcomes] == [("created", True), ("unchanged", True)]


@pytest.mark.parametrize("word", ["blocked", "passed"])
def test_switched_off_issues_are_said_so(github: GitHubServer, client: Client, word: Word) -> None:
    github.fail("GET", LIST, 410, body={"message": "Issues has been disabled in this repository."})

    with pytest.raises(NotFoundError, match="issues are switched off in this repository") as caught:
        _track(client, word)

    assert (caught.value.status, caught.value.message) == (
        410,
        "Issues has been disabled in this repository.",
    )


def test_issues_that_are_switched_off_for_writing_only_are_said_so(
    github: GitHubServer, client: Client
) -> None:
    github.fail("POST", LIST, 410, body={"message": "Issues are disabled for this repo"})

    with pytest.raises(NotFoundError, match="issues are switched off in this repository"):
        _track(client)


def test_a_repository_that_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(NotFoundError, match="HTTP 404"):
        track(client, "octo/other", identifier="default", word="blocked", title=TITLE, body=TEXT)


def test_a_token_that_may_only_read_is_forbidden(github: GitHubServer) -> None:
    github.state.tokens["weak"] = {"issues": "read"}

    with pytest.raises(ForbiddenError, match="issues: write"):
        _track(_client(github, "weak"))


def test_a_rate_limit_that_does_not_pass_is_said(github: GitHubServer, client: Client) -> None:
    github.fail("POST", LIST, 429, headers={"Retry-After": "1"}, times=9)

    with pytest.raises(RateLimitError):
        _track(client)


def test_an_issue_that_github_does_not_accept_is_a_failure(github: GitHubServer, client: Client) -> None:
    github.fail("POST", LIST, 422, times=2)

    with pytest.raises(InvalidError):
        _track(client)


@pytest.mark.parametrize("identifier", ["", "a b", "a-->", "../a", "x" * 65])
def test_an_identifier_that_is_none_is_refused_before_github_is_asked(
    github: GitHubServer, client: Client, identifier: str
) -> None:
    with pytest.raises(ValueError, match="an identifier"):
        _track(client, identifier=identifier)

    assert github.requests == []


def _track(
    client: Client, word: Word = "blocked", *, body: str = TEXT, identifier: str = "default"
) -> Outcome:
    return track(client, REPOSITORY, identifier=identifier, word=word, title=TITLE, body=body)


def _client(github: GitHubServer, token: str = TOKEN) -> Client:
    return Client(github.url, token, patience=Patience(tries=4), sleep=lambda _: None)


def _writes(github: GitHubServer) -> list[Call]:
    return [call for call in github.requests if call.method != "GET"]


def _states(github: GitHubServer) -> list[tuple[str, str | None]]:
    return [(each.state, each.state_reason) for _, each in sorted(github.state.issues.items())]
