"""The comment that stays one, against GitHub as its own description says it answers."""

from __future__ import annotations

from threading import Barrier, Thread

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
from mlsecops.github.comments import Outcome, is_current, upsert
from mlsecops.report.comment import marker
from support.github_api import BOT, TOKEN, GitHubServer, Pull
from support.github_api.wire import Call

REPOSITORY = "octo/service"
HEAD = "a" * 40
MARKER = marker("default")
BODY = f"{MARKER}\n### ✅ mlsecops passed\n`.` · 5 stages · [run](https://github.com/octo/service/actions/runs/1)\n"
OLD = f"{MARKER}\n### ❌ mlsecops blocked\n`.` · 5 stages\n"
SHORT = (
    "_GitHub did not take the whole report as a comment, because of its length; "
    "it is in the summary of the run._"
)
COMMENTS = "/issues/7/comments$"
ONE = r"/issues/comments/\d+$"


@pytest.fixture
def client(github: GitHubServer) -> Client:
    github.state.add_pull(Pull(7, head_sha=HEAD))
    return _client(github)


def test_the_first_run_creates_the_comment(github: GitHubServer, client: Client) -> None:
    outcome = upsert(client, REPOSITORY, 7, BODY)

    (comment,) = github.state.on(7)
    assert comment.body == BODY
    assert outcome == Outcome("created", f"https://github.com/octo/service/pull/7#issuecomment-{comment.id}")


def test_the_comment_is_found_again_behind_250_others(github: GitHubServer, client: Client) -> None:
    _chatter(github, 120)
    ours = github.state.add_comment(7, OLD)
    _chatter(github, 130)

    assert upsert(client, REPOSITORY, 7, BODY).change == "updated"

    assert ours.body == BODY
    assert len(github.state.on(7)) == 251
    assert github.asked("POST") == []


def test_one_on_the_last_of_many_pages_is_found_again(github: GitHubServer, client: Client) -> None:
    _chatter(github, 250)
    ours = github.state.add_comment(7, OLD)

    upsert(client, REPOSITORY, 7, BODY)

    assert ours.body == BODY
    assert github.asked("POST") == []


@pytest.mark.parametrize("there", [BODY, BODY.replace("\n", "\r\n"), BODY.rstrip("\n")])
def test_a_comment_that_says_the_same_is_not_written(
    github: GitHubServer, client: Client, there: str
) -> None:
    ours = github.state.add_comment(7, there)

    outcome = upsert(client, REPOSITORY, 7, BODY)

    assert outcome == Outcome("unchanged", f"https://github.com/octo/service/pull/7#issuecomment-{ours.id}")
    assert _writes(github) == []


@pytest.mark.parametrize("login", ["octocat", "other-app[bot]", "github-actions"])
def test_a_comment_of_somebody_else_that_begins_with_the_marker_is_not_touched(
    github: GitHubServer, client: Client, login: str
) -> None:
    theirs = github.state.add_comment(7, OLD, login)

    assert upsert(client, REPOSITORY, 7, BODY).change == "created"

    assert theirs.body == OLD
    assert github.state.comments[theirs.id] is theirs
    assert [each.body for each in github.state.on(7)] == [OLD, BODY]


def test_a_person_with_the_login_of_the_bot_is_no_bot(github: GitHubServer, client: Client) -> None:
    theirs = github.state.add_comment(7, OLD, "octocat")

    assert upsert(client, REPOSITORY, 7, BODY, author="octocat").change == "created"

    assert theirs.body == OLD


def test_another_bot_keeps_its_own_comment(github: GitHubServer, client: Client) -> None:
    github.state.logins[TOKEN] = "scanner[bot]"
    theirs = github.state.add_comment(7, OLD)

    changes = [upsert(client, REPOSITORY, 7, text, author="scanner[bot]").change for text in (OLD, BODY)]

    assert changes == ["created", "updated"]
    assert [(each.login, each.body) for each in github.state.on(7)] == [(BOT, OLD), ("scanner[bot]", BODY)]
    assert theirs.body == OLD


@pytest.mark.parametrize(
    "body",
    [
        OLD.replace("id=default", "id=forecast"),
        OLD.replace("id=default", "id=default2"),
        f" {OLD}",
        f"> quoted\n{OLD}",
        f"{MARKER} and more\n",
        "",
    ],
)
def test_a_comment_of_ours_with_another_first_line_is_not_touched(
    github: GitHubServer, client: Client, body: str
) -> None:
    other = github.state.add_comment(7, body)

    upsert(client, REPOSITORY, 7, BODY)

    assert other.body == body
    assert len(github.state.on(7)) == 2


def test_each_identifier_has_a_comment_of_its_own(github: GitHubServer, client: Client) -> None:
    for identifier in ("default", "a", "b", "a"):
        upsert(client, REPOSITORY, 7, f"{marker(identifier)}\n### passed\n")

    assert [each.body.splitlines()[0] for each in github.state.on(7)] == [
        marker("default"),
        marker("a"),
        marker("b"),
    ]


def test_of_several_the_oldest_stays(github: GitHubServer, client: Client) -> None:
    oldest = github.state.add_comment(7, OLD)
    theirs = github.state.add_comment(7, OLD, "octocat")
    for _ in range(2):
        _chatter(github, 100)
        github.state.add_comment(7, OLD)

    outcome = upsert(client, REPOSITORY, 7, BODY)

    assert outcome.change == "updated"
    assert outcome.url.endswith(f"#issuecomment-{oldest.id}")
    assert _marked(github) == [oldest.id, theirs.id]
    assert (oldest.body, theirs.body) == (BODY, OLD)


def test_of_two_runs_that_create_at_the_same_time_one_comment_stays(
    github: GitHubServer, client: Client
) -> None:
    """The other run has created before us, and after we looked."""
    github.meanwhile("GET", COMMENTS, lambda: github.state.add_comment(7, OLD))

    outcome = upsert(client, REPOSITORY, 7, BODY)

    (comment,) = github.state.on(7)
    assert comment.body == BODY
    assert outcome == Outcome("updated", f"https://github.com/octo/service/pull/7#issuecomment-{comment.id}")


def test_a_younger_comment_of_another_run_goes(github: GitHubServer, client: Client) -> None:
    """The other run has created after us, and does not look any more."""
    github.meanwhile("POST", COMMENTS, lambda: github.state.add_comment(7, OLD))

    outcome = upsert(client, REPOSITORY, 7, BODY)

    (comment,) = github.state.on(7)
    assert comment.body == BODY
    assert outcome.change == "created"


def test_many_runs_at_once_leave_one_comment(github: GitHubServer, client: Client) -> None:
    bodies = [f"{MARKER}\n### run {number}\n" for number in range(4)]
    together, failures = Barrier(len(bodies)), list[GitHubError]()

    def run(body: str) -> None:
        own = _client(github)
        together.wait()
        try:
            upsert(own, REPOSITORY, 7, body)
        except GitHubError as error:
            failures.append(error)

    threads = [Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    (comment,) = github.state.on(7)
    assert comment.body in bodies


def test_one_that_is_deleted_before_it_is_written_is_created_anew(
    github: GitHubServer, client: Client
) -> None:
    ours = github.state.add_comment(7, OLD)
    github.meanwhile("GET", COMMENTS, lambda: github.state.comments.pop(ours.id))

    assert upsert(client, REPOSITORY, 7, BODY).change == "created"

    assert [each.body for each in github.state.on(7)] == [BODY]


def test_a_duplicate_that_another_run_deletes_first_is_no_failure(
    github: GitHubServer, client: Client
) -> None:
    oldest, younger = github.state.add_comment(7, OLD), github.state.add_comment(7, OLD)
    github.meanwhile("PATCH", ONE, lambda: github.state.comments.pop(younger.id))

    assert upsert(client, REPOSITORY, 7, BODY).change == "updated"

    assert github.state.on(7) == [oldest]


def test_one_that_somebody_deletes_again_and_again_is_given_up(github: GitHubServer, client: Client) -> None:
    github.state.add_comment(7, OLD)
    github.fail("PATCH", ONE, 404, times=10)

    with pytest.raises(GitHubError, match="deleted as often as it writes"):
        upsert(client, REPOSITORY, 7, BODY)

    assert len(github.asked("PATCH")) == 3


@pytest.mark.parametrize("lost", [1, 4])
def test_a_creation_whose_answer_is_lost_leaves_no_duplicate(
    github: GitHubServer, client: Client, lost: int
) -> None:
    """With four answers lost the client gives up, and four comments are there."""
    github.drop("POST", COMMENTS, times=lost)

    assert upsert(client, REPOSITORY, 7, BODY).change == "created"

    assert [each.body for each in github.state.on(7)] == [BODY]
    assert len(github.asked("POST")) == min(lost + 1, 4)


def test_a_creation_that_fails_and_happened_all_the_same_is_taken(
    github: GitHubServer, client: Client
) -> None:
    github.fail("POST", COMMENTS, 502, times=4)
    github.meanwhile("POST", COMMENTS, lambda: github.state.add_comment(7, BODY), times=2)

    assert upsert(client, REPOSITORY, 7, BODY).change == "created"

    assert [each.body for each in github.state.on(7)] == [BODY]


def test_a_creation_that_only_fails_is_a_failure(github: GitHubServer, client: Client) -> None:
    github.fail("POST", COMMENTS, 503, times=4)

    with pytest.raises(GitHubError, match="HTTP 503"):
        upsert(client, REPOSITORY, 7, BODY)

    assert github.state.on(7) == []


def test_one_that_the_list_does_not_show_yet_counts_all_the_same(
    github: GitHubServer, client: Client
) -> None:
    github.fail("GET", COMMENTS, 200, body=[], times=2)

    outcome = upsert(client, REPOSITORY, 7, BODY)

    (comment,) = github.state.on(7)
    assert outcome == Outcome("created", f"https://github.com/octo/service/pull/7#issuecomment-{comment.id}")


@pytest.mark.parametrize("there", [None, OLD])
def test_a_body_that_is_too_long_gives_way_to_its_first_lines(
    github: GitHubServer, client: Client, there: str | None
) -> None:
    if there:
        github.state.add_comment(7, there)

    outcome = upsert(client, REPOSITORY, 7, _long(BODY))

    (comment,) = github.state.on(7)
    assert comment.body.startswith(BODY)
    assert comment.body.removeprefix(BODY).strip() == SHORT
    assert (outcome.change, outcome.shortened) == ("updated" if there else "created", True)


def test_a_shortened_body_that_is_there_already_is_not_written_again(
    github: GitHubServer, client: Client
) -> None:
    upsert(client, REPOSITORY, 7, _long(BODY))

    outcome = upsert(client, REPOSITORY, 7, _long(BODY))

    assert (outcome.change, outcome.shortened) == ("unchanged", True)


def test_lines_of_any_length_do_not_keep_the_short_body_from_fitting(
    github: GitHubServer, client: Client
) -> None:
    upsert(client, REPOSITORY, 7, f"{MARKER}\n### blocked\n{'x' * 70_000}\n")

    (comment,) = github.state.on(7)
    assert comment.body.startswith(f"{MARKER}\n### blocked\n\n_GitHub")


def test_a_refusal_for_another_reason_than_length_is_a_failure(github: GitHubServer, client: Client) -> None:
    github.fail("POST", COMMENTS, 422, body={"message": "Validation Failed"})

    with pytest.raises(InvalidError):
        upsert(client, REPOSITORY, 7, BODY)

    assert len(github.asked("POST")) == 1


@pytest.mark.parametrize(("method", "there"), [("POST", "### other\n"), ("PATCH", OLD)])
def test_a_short_body_that_is_refused_as_well_is_a_failure(
    github: GitHubServer, client: Client, method: str, there: str
) -> None:
    github.state.add_comment(7, there)
    github.fail(method, "comments", 422, body={"message": "Body is too long"}, times=9)

    with pytest.raises(InvalidError):
        upsert(client, REPOSITORY, 7, BODY)

    assert len(github.asked(method)) == 2


def test_a_token_that_may_only_read_is_forbidden(github: GitHubServer, client: Client) -> None:
    github.state.tokens["weak"] = {"contents": "read", "pull-requests": "read"}

    with pytest.raises(ForbiddenError, match="pull-requests: write"):
        upsert(_client(github, "weak"), REPOSITORY, 7, BODY)

    assert github.state.on(7) == []
    assert [call.method for call in github.requests] == ["GET", "POST"]


def test_a_locked_conversation_is_forbidden(github: GitHubServer, client: Client) -> None:
    github.fail("POST", COMMENTS, 403, body={"message": "Unable to create comment because issue is locked."})

    with pytest.raises(ForbiddenError, match="issue is locked"):
        upsert(client, REPOSITORY, 7, BODY)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rate_limit_that_does_not_pass_is_said(github: GitHubServer, client: Client, method: str) -> None:
    github.fail(method, COMMENTS, 429, headers={"Retry-After": "1"}, times=9)

    with pytest.raises(RateLimitError):
        upsert(client, REPOSITORY, 7, BODY)


def test_a_pull_request_that_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(NotFoundError):
        upsert(client, REPOSITORY, 8, BODY)


@pytest.mark.parametrize(
    "body",
    ["", "no marker\n", f"\n{BODY}", "<!-- mlsecops:v1 id=a --> <!-- -->\n", "<!-- mlsecops:v1 id=-a -->"],
)
def test_a_body_without_marker_is_refused_before_github_is_asked(
    github: GitHubServer, client: Client, body: str
) -> None:
    with pytest.raises(ValueError, match="must begin"):
        upsert(client, REPOSITORY, 7, body)

    assert github.requests == []


def test_the_head_of_the_pull_request_is_current(client: Client) -> None:
    assert is_current(client, REPOSITORY, 7, HEAD)


def test_an_older_commit_is_not_current(github: GitHubServer, client: Client) -> None:
    github.state.pulls[7].head_sha = "c" * 40

    assert not is_current(client, REPOSITORY, 7, HEAD)


def test_a_token_that_may_not_see_pull_requests_does_not_know_what_is_current(
    github: GitHubServer, client: Client
) -> None:
    github.state.tokens["weak"] = {"contents": "read"}

    with pytest.raises(ForbiddenError):
        is_current(_client(github, "weak"), REPOSITORY, 7, HEAD)


def _client(github: GitHubServer, token: str = TOKEN) -> Client:
    return Client(github.url, token, patience=Patience(tries=4), sleep=lambda _: None)


def _chatter(github: GitHubServer, number: int) -> None:
    for count in range(number):
        github.state.add_comment(7, f"What about {count}?", "octocat")


def _writes(github: GitHubServer) -> list[Call]:
    return [call for call in github.requests if call.method != "GET"]


def _marked(github: GitHubServer) -> list[int]:
    return [each.id for each in github.state.on(7) if each.body.startswith(MARKER)]


def _long(body: str) -> str:
    rows = "| a finding |\n" * 6_000
    return f"{body}\n{rows}"
