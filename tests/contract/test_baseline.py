"""The baseline is the newest readable report of the base branch; without one the verdict goes on."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from mlsecops.github.baseline import Baseline, newest
from mlsecops.github.client import Client
from mlsecops.github.event_model import Event, PullRequest
from mlsecops.report.history import read_history
from mlsecops.report.machine import machine
from mlsecops.sarif.files import read
from support.github_api import TOKEN, GitHubServer, Run
from support.reports import passed, report
from support.sarif_logs import log, result, run

PULL = PullRequest(
    number=12,
    head_sha="a" * 40,
    head_ref="topic",
    base_sha="b" * 40,
    base_ref="main",
    fork=False,
    author="ada",
)
EVENT = Event(
    name="pull_request",
    repository="octo/service",
    sha="c" * 40,
    ref="refs/pull/12/merge",
    default_branch="main",
    server="https://github.com",
    run_id=77,
    run_attempt=1,
    actor="ada",
    pull=PULL,
)


def zipped(name: str = "report.sarif", content: bytes | None = None, tool: str = "bandit") -> bytes:
    """A report artifact with the findings of a tool."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", "<html>")
        archive.writestr(
            name, orjson.dumps(log(run("sast", tool, [result("R1")]))) if content is None else content
        )
    return stream.getvalue()


def left(
    github: GitHubServer,
    number: int,
    content: bytes | None = None,
    *,
    name: str = "mlsecops-report",
    expired: bool = False,
    event: str = "push",
    head_branch: str = "main",
    head_repository: str = "octo/service",
) -> None:
    """Leave the report of a run, which is a push to main unless said otherwise."""
    sha = f"{number:07x}" + "0" * 33
    github.state.add_run(
        Run(number, event=event, head_branch=head_branch, head_sha=sha, head_repository=head_repository)
    )
    tool = f"tool-{number}"
    github.state.add_artifact(
        name, zipped(tool=tool) if content is None else content, number, expired=expired
    )


def found(
    github: GitHubServer, folder: Path, event: Event = EVENT, identifier: str = "default", token: str = TOKEN
) -> Baseline:
    return newest(Client(github.url, token, sleep=lambda _: None), event, identifier, folder / "baseline")


def tool_of(baseline: Baseline) -> str:
    assert baseline.path is not None
    name: str = read(baseline.path)["runs"][0]["tool"]["driver"]["name"]
    return name


def test_the_newest_report_of_the_base_branch_is_unpacked_and_named(
    github: GitHubServer, tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        left(github, number)

    baseline = found(github, tmp_path)

    assert tool_of(baseline) == "tool-3"
    assert (baseline.source, baseline.notices) == ("main@0000003", ())
    assert [call.query["name"] for call in github.asked("GET", "/artifacts$")] == ["mlsecops-report"]
    assert len(github.requests) == 4, "the list, the run, the artifact, its storage"


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_runs_of_the_branch_as_it_is_count(github: GitHubServer, tmp_path: Path, event: str) -> None:
    left(github, 1, event=event)

    assert tool_of(found(github, tmp_path)) == "tool-1"


@pytest.mark.parametrize(
    ("event", "branch", "repository"),
    [
        ("pull_request", "main", "octo/service"),
        ("pull_request_target", "main", "octo/service"),
        ("workflow_run", "main", "octo/service"),
        ("push", "topic", "octo/service"),
        ("push", "Main", "octo/service"),
        ("push", "main", "stranger/service"),
    ],
)
def test_what_a_change_could_have_left_does_not_count(
    github: GitHubServer, tmp_path: Path, event: str, branch: str, repository: str
) -> None:
    left(github, 2, event=event, head_branch=branch, head_repository=repository)
    assert found(github, tmp_path) == Baseline()

    left(github, 1)
    left(github, 3, event=event, head_branch=branch, head_repository=repository)
    assert tool_of(found(github, tmp_path)) == "tool-1"


def test_a_run_of_a_fork_does_not_count_whatever_the_list_says(github: GitHubServer, tmp_path: Path) -> None:
    left(github, 1)
    of_a_fork = Run(1, head_repository="stranger/service")
    github.meanwhile("GET", "/actions/artifacts$", lambda: github.state.add_run(of_a_fork))

    assert found(github, tmp_path) == Baseline()
    assert github.asked("GET", "/zip$") == []


def test_expired_reports_and_those_of_this_run_or_of_another_project_do_not_count(
    github: GitHubServer, tmp_path: Path
) -> None:
    left(github, 1, name="mlsecops-api-report")
    left(github, 2, expired=True)
    left(github, EVENT.run_id)
    left(github, 78, name="mlsecops-sast")

    assert found(github, tmp_path) == Baseline()
    baseline = found(github, tmp_path, identifier="api")
    assert (tool_of(baseline), baseline.source) == ("tool-1", "main@0000001")


def test_a_push_is_compared_with_the_report_before(github: GitHubServer, tmp_path: Path) -> None:
    push = replace(EVENT, name="push", ref="refs/heads/main", pull=None)
    for number in (76, EVENT.run_id):
        left(github, number)

    assert tool_of(found(github, tmp_path, push)) == "tool-76"


def test_without_a_known_base_branch_nothing_is_asked(github: GitHubServer, tmp_path: Path) -> None:
    lost = replace(EVENT, name="push", ref="refs/tags/v1", pull=None, default_branch="")

    assert found(github, tmp_path, lost) == Baseline()
    assert github.requests == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no zip", "no zip that can be unpacked"),
        (zipped("other.sarif"), "holds no report.sarif"),
        (zipped(content=b"{"), "is not whole JSON"),
        (zipped(content=b'{"version": "2.1.0", "runs": 7}'), "is not a SARIF 2.1.0 log"),
    ],
)
def test_a_report_that_cannot_be_used_is_passed_over_with_a_notice(
    github: GitHubServer, tmp_path: Path, content: bytes, why: str
) -> None:
    left(github, 1)
    left(github, 2, content)

    baseline = found(github, tmp_path)

    assert (tool_of(baseline), baseline.source) == ("tool-1", "main@0000001")
    (notice,) = baseline.notices
    assert notice.startswith("the report of main@0000002 is passed over: ")
    assert why in notice
    assert str(tmp_path) not in notice


@pytest.mark.parametrize("unpacked", [True, False])
def test_a_report_that_is_too_large_is_passed_over(
    github: GitHubServer, tmp_path: Path, unpacked: bool
) -> None:
    large = bytes((256 << 20) + 1) if unpacked else bytes((64 << 20) + 1)
    left(github, 1)
    left(github, 2, zipped(content=large) if unpacked else large)

    baseline = found(github, tmp_path)

    assert tool_of(baseline) == "tool-1"
    assert ("has more than 268,435,456 bytes" if unpacked else "more than 64 MiB") in baseline.notices[0]
    assert len(github.asked("GET", "/zip$")) == (2 if unpacked else 1)


def test_a_report_that_goes_away_meanwhile_is_passed_over(github: GitHubServer, tmp_path: Path) -> None:
    left(github, 1)
    left(github, 2)
    github.fail("GET", "/zip$", 410)

    baseline = found(github, tmp_path)

    assert tool_of(baseline) == "tool-1"
    assert len(baseline.notices) == 1


def test_no_more_than_ten_are_tried(github: GitHubServer, tmp_path: Path) -> None:
    left(github, 1)
    for number in range(2, 12):
        left(github, number, b"no zip")

    baseline = found(github, tmp_path)

    assert baseline.path is None
    assert baseline.source is None
    assert len(baseline.notices) == len(github.asked("GET", "/zip$")) == 10


def test_it_is_found_behind_many_reports_of_other_branches(github: GitHubServer, tmp_path: Path) -> None:
    left(github, 1)
    for number in range(2, 250):
        left(github, number, b"", head_branch="topic")

    assert tool_of(found(github, tmp_path)) == "tool-1"
    assert len(github.asked("GET", "/artifacts$")) == 3


@pytest.mark.parametrize("where", ["/actions/artifacts$", "/actions/runs/", "/zip$"])
def test_a_missing_permission_is_a_notice_that_names_it(
    github: GitHubServer, tmp_path: Path, where: str
) -> None:
    left(github, 1)
    github.fail("GET", where, 403, body={"message": "Resource not accessible by integration"}, times=9)

    baseline = found(github, tmp_path)

    assert baseline.path is None
    (notice,) = baseline.notices
    assert notice.startswith(
        "there is no baseline: reports of earlier runs need the permission actions: read ("
    )


def test_a_token_without_the_permission_gets_the_same_notice(github: GitHubServer, tmp_path: Path) -> None:
    left(github, 1)
    github.state.tokens["weak"] = {"contents": "read"}

    baseline = found(github, tmp_path, token="weak")

    assert baseline.path is None
    assert "actions: read" in baseline.notices[0]


@pytest.mark.parametrize("status", [500, 429])
@pytest.mark.parametrize("where", ["/actions/artifacts$", "/actions/runs/", "/zip$", "/_storage/"])
def test_what_does_not_pass_is_a_notice(
    github: GitHubServer, tmp_path: Path, where: str, status: int
) -> None:
    left(github, 1)
    github.fail("GET", where, status, headers={"Retry-After": "600"}, times=99)

    baseline = found(github, tmp_path)

    assert baseline.path is None
    (notice,) = baseline.notices
    assert notice.startswith("there is no baseline: ")
    assert notice.isprintable()


@pytest.mark.parametrize("where", ["/actions/artifacts$", "/actions/runs/", "/zip$", "/_storage/"])
def test_what_passes_is_tried_again(github: GitHubServer, tmp_path: Path, where: str) -> None:
    left(github, 1)
    github.fail("GET", where, 502)
    github.cut("GET", where)

    baseline = found(github, tmp_path)

    assert (tool_of(baseline), baseline.notices) == ("tool-1", ())


@pytest.mark.parametrize(
    "artifact",
    [
        {},
        {"id": 1, "expired": False, "workflow_run": None},
        {"id": "1", "expired": False, "workflow_run": {"id": 1, "head_branch": "main"}},
        {
            "id": 1,
            "expired": None,
            "workflow_run": {"id": 1, "head_branch": "main", "repository_id": 5, "head_repository_id": 5},
        },
        {
            "id": 1,
            "expired": False,
            "workflow_run": {
                "id": 1,
                "head_branch": "main",
                "repository_id": None,
                "head_repository_id": None,
            },
        },
    ],
)
def test_what_github_does_not_say_of_an_artifact_counts_against_it(
    github: GitHubServer, tmp_path: Path, artifact: dict[str, object]
) -> None:
    github.fail("GET", "/actions/artifacts$", 200, body={"total_count": 1, "artifacts": [artifact]})

    assert found(github, tmp_path) == Baseline()


def test_the_same_runs_report_json_is_history_where_it_can_be_read(
    github: GitHubServer, tmp_path: Path
) -> None:
    def both(summary: str) -> bytes:
        stream = io.BytesIO(zipped())
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr("report.json", summary)
        return stream.getvalue()

    left(github, 1, both(machine(report(), passed())))
    (path,) = found(github, tmp_path).history
    assert read_history([path])[0].project == "forecast-api"
    left(github, 2, both("no report"))
    assert found(github, tmp_path).source == "main@0000002"
    assert found(github, tmp_path).history == ()
    # Nor is that of a report which is passed over the next one's.
    left(github, 3)
    left(github, 4, both(machine(report(), passed())).replace(b"report.sarif", b"report.sarix"))
    assert found(github, tmp_path).source == "main@0000003"
    assert found(github, tmp_path).history == ()
