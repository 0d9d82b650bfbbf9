"""What a fork's run left and which pull request it is for, as GitHub says and not as the fork does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mlsecops.github.client import Client, ForbiddenError, GitHubError, NotFoundError, Patience
from mlsecops.github.event_model import PullRequest, WorkflowRun
from mlsecops.github.forks import (
    MOST_ARTIFACTS,
    ReportArtifact,
    changes_workflows,
    doubt,
    gate_conclusions,
    pull_requests,
    report_artifacts,
)
from mlsecops.verdict import Word
from support.advisory_service import Answer, service
from support.github_api import TOKEN, GitHubServer, Job, Pull, Run

REPOSITORY = "octo/service"
FORK = "stranger/service"
HEAD, BASE = "a" * 40, "b" * 40
RUN = WorkflowRun(
    id=5,
    event="pull_request",
    conclusion="failure",
    head_sha=HEAD,
    head_branch="feature",
    repository=FORK,
)
GATES = {"mlsecops (a) / report / gate": "success", "mlsecops (b) / report / gate": "success"}


@pytest.fixture
def client(github: GitHubServer) -> Client:
    github.state.add_run(
        Run(5, event="pull_request", head_branch="feature", head_sha=HEAD, head_repository=FORK)
    )
    return _client(github)


def test_the_pull_request_of_a_fork_is_found_by_its_commit(github: GitHubServer, client: Client) -> None:
    github.state.add_pull(_of_fork(7, login="stranger"))

    assert pull_requests(client, REPOSITORY, RUN) == (
        PullRequest(
            number=7,
            head_sha=HEAD,
            head_ref="feature",
            base_sha=BASE,
            base_ref="main",
            fork=True,
            author="stranger",
        ),
    )
    (asked,) = github.asked("GET", "/pulls$")
    assert (asked.query["head"], asked.query["state"]) == ("stranger:feature", "open")


def test_a_pull_request_of_this_repository_is_found_too(github: GitHubServer, client: Client) -> None:
    github.state.add_pull(Pull(7, head_sha=HEAD))

    (pull,) = pull_requests(client, REPOSITORY, replace(RUN, repository=REPOSITORY))

    assert (pull.number, pull.fork) == (7, False)


def test_it_is_found_behind_250_others_of_the_same_branch(github: GitHubServer, client: Client) -> None:
    github.state.add_pull(_of_fork(1))
    for number in range(2, 252):
        github.state.add_pull(_of_fork(number, head_sha="c" * 40))

    assert _numbers(client, RUN) == [1]


def test_one_branch_proposed_to_several_branches_gives_several(github: GitHubServer, client: Client) -> None:
    for number, base in ((9, "main"), (7, "release")):
        github.state.add_pull(_of_fork(number, base_ref=base))

    assert [(pull.number, pull.base_ref) for pull in pull_requests(client, REPOSITORY, RUN)] == [
        (7, "release"),
        (9, "main"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"head_sha": "c" * 40},
        {"head_ref": "another"},
        {"head_repository": "stranger/another-service"},
        {"head_repository": "somebody/service"},
        {"head_repository": None},
        {"state": "closed"},
    ],
    ids=["newer commit", "other branch", "other repository", "other owner", "deleted fork", "closed"],
)
def test_a_pull_request_that_differs_in_one_thing_is_another(
    github: GitHubServer, client: Client, changes: dict[str, Any]
) -> None:
    github.state.add_pull(_of_fork(7, **changes))

    assert pull_requests(client, REPOSITORY, RUN) == ()


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("state", "closed"),
        ("head.sha", "c" * 40),
        ("head.ref", "another"),
        ("head.repo", {"full_name": "stranger/another"}),
        ("head.repo", None),
        ("base.repo", {"full_name": "elsewhere/service"}),
    ],
)
def test_an_answer_that_is_wider_than_the_question_is_not_believed(at: str, value: object) -> None:
    listed = _listed()
    holder, _, key = at.rpartition(".")
    (listed[holder] if holder else listed)[key] = value
    with service(lambda path, _: Answer([listed])) as github:
        assert pull_requests(Client(github.url, TOKEN), REPOSITORY, RUN) == ()


def test_the_case_of_names_does_not_matter() -> None:
    with service(lambda path, _: Answer([_listed()])) as github:
        (pull,) = pull_requests(
            Client(github.url, TOKEN), "Octo/Service", replace(RUN, repository="Stranger/SERVICE")
        )

    assert pull.number == 7


def test_a_pull_request_that_github_does_not_describe_whole_is_said() -> None:
    listed = _listed() | {"number": "seven"}
    with (
        service(lambda path, _: Answer([listed])) as github,
        pytest.raises(GitHubError, match="its number is 'seven'"),
    ):
        pull_requests(Client(github.url, TOKEN), REPOSITORY, RUN)


@pytest.mark.parametrize(
    "run",
    [
        replace(RUN, event="push"),
        replace(RUN, event="pull_request_target"),
        replace(RUN, event="workflow_dispatch"),
        replace(RUN, repository=""),
        replace(RUN, head_branch=""),
    ],
)
def test_a_run_that_is_for_no_pull_request_has_none(
    github: GitHubServer, client: Client, run: WorkflowRun
) -> None:
    github.state.add_pull(_of_fork(7))

    assert pull_requests(client, REPOSITORY, run) == ()
    assert github.requests == []


@pytest.mark.parametrize("branch", ["a/b", "fix#1&state=all;+x", "feature%2F%2e", "grün"])
def test_any_name_of_a_branch_is_asked_for_as_it_is(
    github: GitHubServer, client: Client, branch: str
) -> None:
    github.state.add_pull(_of_fork(7, head_ref=branch))

    assert _numbers(client, replace(RUN, head_branch=branch)) == [7]


def test_a_token_that_may_not_list_pull_requests_is_forbidden(github: GitHubServer, client: Client) -> None:
    github.state.tokens["weak"] = {"actions": "read"}

    with pytest.raises(ForbiddenError, match="pull-requests: read"):
        pull_requests(_client(github, "weak"), REPOSITORY, RUN)


def test_the_gates_are_the_jobs_whose_name_ends_so(github: GitHubServer, client: Client) -> None:
    names = {
        "mlsecops / report / gate": "success",
        "mlsecops (a) / gate": "failure",
        "gate": "cancelled",
        "mlsecops / test / scan": "success",
        "gate / scan": "success",
        "tollgate": "success",
        "mlsecops /gate": "success",
        "Gate": "success",
    }
    _jobs(github, *names.items())

    assert gate_conclusions(client, REPOSITORY, 5) == {
        "mlsecops / report / gate": "success",
        "mlsecops (a) / gate": "failure",
        "gate": "cancelled",
    }
    assert {call.query["filter"] for call in github.asked("GET", "/jobs$")} == {"latest"}


def test_gates_are_found_among_250_jobs(github: GitHubServer, client: Client) -> None:
    for number in range(125):
        _jobs(github, (f"build ({number})", "success"), (f"mlsecops ({number}) / report / gate", "success"))

    assert len(gate_conclusions(client, REPOSITORY, 5)) == 125


def test_of_two_gates_with_one_name_the_worse_counts(github: GitHubServer, client: Client) -> None:
    _jobs(github, ("gate", "success"), ("gate", "failure"), ("gate", "success"))

    assert gate_conclusions(client, REPOSITORY, 5) == {"gate": "failure"}


def test_a_gate_that_has_not_ended_has_not_passed(github: GitHubServer, client: Client) -> None:
    github.state.runs[5].jobs.append(Job(1, "gate", status="in_progress", conclusion=None))

    assert gate_conclusions(client, REPOSITORY, 5) == {"gate": "in_progress"}


def test_a_run_that_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(NotFoundError):
        gate_conclusions(client, REPOSITORY, 6)


@pytest.mark.parametrize("conclusions", [GATES, {"gate": "success"}])
def test_a_report_that_passed_with_all_gates_is_believed(conclusions: dict[str, str]) -> None:
    assert doubt("passed", conclusions) is None


@pytest.mark.parametrize(
    "conclusion",
    ["failure", "cancelled", "skipped", "neutral", "timed_out", "action_required", "in_progress", "SUCCESS"],
)
def test_a_report_that_passed_is_doubted_when_its_gate_did_not(conclusion: str) -> None:
    told = doubt("passed", {"gate": conclusion})

    assert told == "the gate of this run did not pass, although this report says so; see the run"


def test_a_report_that_passed_needs_all_gates_that_could_be_its_own() -> None:
    told = doubt("passed", GATES | {"mlsecops (c) / report / gate": "failure"})

    assert told == "1 of 3 gates of this run did not pass, although this report says so; see the run"


def test_a_report_that_passed_is_doubted_without_any_gate() -> None:
    assert doubt("passed", {}) == "the run has no job 'gate' that confirms this report; see the run"


@pytest.mark.parametrize("word", ["blocked", "incomplete"])
def test_a_worse_report_is_doubted_only_when_all_gates_passed(word: Word) -> None:
    assert doubt(word, {}) is None
    assert doubt(word, {"gate": "failure"}) is None
    assert doubt(word, GATES | {"gate": "failure"}) is None
    assert doubt(word, GATES) == "the gate of this run passed, although this report does not; see the run"


@pytest.mark.parametrize("word", ["passed", "blocked"])
@pytest.mark.parametrize("conclusion", ["success", "failure"])
def test_no_words_of_the_fork_get_into_a_doubt(word: Word, conclusion: str) -> None:
    hostile = "@everyone ![x](https://evil.example) / gate"

    assert "everyone" not in (doubt(word, {hostile: conclusion}) or "")


def test_the_reports_of_a_run_are_listed_by_identifier(github: GitHubServer, client: Client) -> None:
    names = ("mlsecops-report", "mlsecops-sast", "mlsecops-web-report", "mlsecops-a.b_c-report", "report")
    for name in names:
        github.state.add_artifact(name, b"four", 5)

    assert report_artifacts(client, REPOSITORY, 5) == [
        ReportArtifact("a.b_c", 9004, 4),
        ReportArtifact("default", 9001, 4),
        ReportArtifact("web", 9003, 4),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "mlsecops-default-report",
        "mlsecops--report",
        "mlsecops--a-report",
        "mlsecops-a b-report",
        "mlsecops-a/../b-report",
        "mlsecops-a-->-report",
        f"mlsecops-{'x' * 65}-report",
        "mlsecops-report\n",
        "mlsecops-report-",
        "x-mlsecops-report",
        "MLSECOPS-REPORT",
    ],
)
def test_names_that_we_do_not_give_are_left_out(github: GitHubServer, client: Client, name: str) -> None:
    github.state.add_artifact(name, b"zip", 5)

    assert report_artifacts(client, REPOSITORY, 5) == []


def test_of_one_name_the_newest_counts_and_no_expired_one(github: GitHubServer, client: Client) -> None:
    for content, expired in ((b"1", False), (b"22", False), (b"333", True)):
        github.state.add_artifact("mlsecops-report", content, 5, expired=expired)
    github.state.add_artifact("mlsecops-gone-report", b"zip", 5, expired=True)

    assert report_artifacts(client, REPOSITORY, 5) == [ReportArtifact("default", 9002, 2)]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_the_newest_counts_in_whichever_order_they_are_listed(numbers: tuple[int, int]) -> None:
    listed = [
        {"id": number, "name": "mlsecops-report", "size_in_bytes": 4, "expired": False} for number in numbers
    ]
    with service(lambda path, _: Answer({"artifacts": listed})) as github:
        assert report_artifacts(Client(github.url, TOKEN), REPOSITORY, 5) == [ReportArtifact("default", 2, 4)]


def test_artifacts_of_another_run_are_not_listed(github: GitHubServer, client: Client) -> None:
    github.state.add_run(Run(6))
    github.state.add_artifact("mlsecops-report", b"zip", 6)

    assert report_artifacts(client, REPOSITORY, 5) == []


def test_reports_are_found_among_250_artifacts_and_are_bounded(github: GitHubServer, client: Client) -> None:
    github.state.add_artifact("mlsecops-0-report", b"zip", 5)
    for number in range(190):
        github.state.add_artifact(f"model-{number}", b"zip", 5)
    for number in range(60):
        github.state.add_artifact(f"mlsecops-p{number:02}-report", b"zip", 5)

    found = [report.identifier for report in report_artifacts(client, REPOSITORY, 5)]

    assert found == ["0", *(f"p{number:02}" for number in range(MOST_ARTIFACTS - 1))]


def test_a_token_that_may_not_see_runs_is_forbidden(github: GitHubServer, client: Client) -> None:
    github.state.tokens["weak"] = {"pull-requests": "write"}

    with pytest.raises(ForbiddenError, match="actions: read"):
        report_artifacts(_client(github, "weak"), REPOSITORY, 5)


@pytest.mark.parametrize(
    ("files", "changes"),
    [
        (["app.py"], False),
        (["docs/.github/workflows/x.yml", ".github/mlsecops.yml"], False),
        ([*(f"{number}.py" for number in range(250)), ".github/workflows/ci.yml"], True),
    ],
)
def test_a_change_of_a_workflow_is_noticed(
    github: GitHubServer, client: Client, files: list[str], changes: bool
) -> None:
    github.state.add_pull(_of_fork(7, files=files))

    assert changes_workflows(client, REPOSITORY, 7) is changes


def test_a_workflow_that_is_moved_away_is_noticed() -> None:
    moved = {"filename": "old.yml", "previous_filename": ".github/workflows/ci.yml"}
    with service(lambda path, _: Answer([moved])) as github:
        assert changes_workflows(Client(github.url, TOKEN), REPOSITORY, 7)


def test_more_files_than_github_lists_may_hide_a_workflow() -> None:
    def script(path: str, _: object) -> Answer:
        page = int(path.rpartition("=")[2]) if "&page=" in path else 1
        files = [{"filename": f"{page}/{number}"} for number in range(100)]
        following = f"/repos/octo/service/pulls/7/files?per_page=100&page={page + 1}"
        return Answer(files, headers={"Link": f'<{following}>; rel="next"'} if page < 30 else {})

    with service(script) as github:
        assert changes_workflows(Client(github.url, TOKEN), REPOSITORY, 7)

    assert len(github.asked) == 30


def _client(github: GitHubServer, token: str = TOKEN) -> Client:
    return Client(github.url, token, patience=Patience(tries=2), sleep=lambda _: None)


def _numbers(client: Client, run: WorkflowRun) -> list[int]:
    return [pull.number for pull in pull_requests(client, REPOSITORY, run)]


def _of_fork(number: int, **changes: Any) -> Pull:
    usual: dict[str, Any] = {"head_sha": HEAD, "head_repository": FORK, "base_sha": BASE}
    return Pull(number, **(usual | changes))


def _listed() -> dict[str, Any]:
    """A pull request of the fork in a list, with only what is read of it."""
    return {
        "number": 7,
        "state": "open",
        "user": {"login": "stranger"},
        "head": {"sha": HEAD, "ref": "feature", "repo": {"full_name": FORK}},
        "base": {"sha": BASE, "ref": "main", "repo": {"full_name": REPOSITORY}},
    }


def _jobs(github: GitHubServer, *jobs: tuple[str, str]) -> None:
    for name, conclusion in jobs:
        number = len(github.state.runs[5].jobs) + 1
        github.state.runs[5].jobs.append(Job(number, name, conclusion=conclusion))
