"""The steps of the workflows, with real scans, against GitHub's described interface."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from mlsecops.sarif.files import read
from support.acting import events
from support.acting.events import PULL, REPOSITORY
from support.github_api import GitHubServer, Pull, Run
from support.github_api import Job as JobOfRun
from support.github_api.state import Permissions
from support.steps import Job, needs, zipped

BASE, HEAD, MERGE = "b" * 40, "a" * 40, "c" * 40
POLICY = ".github/mlsecops.yml"
GOOD = 'FROM python:3.13.1-slim\nRUN useradd app\nUSER app\nCMD ["python"]\n'
BAD = 'FROM python:3.13.1-slim\nENV API_TOKEN=hunter2hunter2\nCMD ["python"]\n'
WEAK: Permissions = {
    "contents": "read",
    "actions": "read",
    "security-events": "read",
    "pull-requests": "read",
}


@pytest.fixture
def repository(github: GitHubServer) -> GitHubServer:
    """The repository of the events, with the pull request that they are about."""
    github.state.repository = REPOSITORY
    github.state.refs |= {"main": BASE, BASE: BASE, HEAD: HEAD, MERGE: MERGE}
    github.state.add_pull(Pull(PULL, head_sha=HEAD, head_ref=events.BRANCH, base_sha=BASE))
    github.state.add_run(Run(100, event="pull_request", head_branch=events.BRANCH, head_sha=HEAD))
    github.state.tokens["weak"] = dict(WEAK)
    return github


def on_pull_request(tmp_path: Path, github: GitHubServer, dockerfile: str = BAD, **more: str) -> Job:
    """A job of a run for the pull request whose checkout has one Dockerfile."""
    job = Job(tmp_path / "job", github, events.pull_request(BASE, HEAD), MERGE, environ=dict(more))
    (job.checkout / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    return job


def scanned(job: Job, **inputs: str) -> dict[str, str]:
    """The outputs of a scanning job of the stage container, its artifact downloaded by the report's job."""
    policy = job.step("policy")
    assert policy.code == 0, policy.log
    done = job.step("scan", stages="container", gate="false", policy=policy.outputs["path"], **inputs)
    assert done.code == 0, done.log
    outputs = dict(done.outputs)
    looked = job.step("needs", needs=needs(container=outputs | {"artifact-id": "5"}))
    assert looked.code == 0, looked.log
    assert looked.outputs["artifact-ids"] == "5"
    for file in Path(outputs["folder"]).iterdir():
        shutil.copy(file, looked.outputs["folder"])
    return outputs


def test_a_stage_alone_is_its_own_gate(tmp_path: Path, repository: GitHubServer) -> None:
    job = on_pull_request(tmp_path, repository)
    done = job.step("scan", stages="container")
    assert done.code == 0, "the gate is a step of its own, after the upload"
    assert (done.outputs["verdict"], done.outputs["exit-code"]) == ("blocked", "1")
    assert done.outputs["artifact"] == "mlsecops-container"
    result = Path(done.outputs["folder"]) / "container.sarif"
    assert done.outputs["sha256"] == hashlib.sha256(result.read_bytes()).hexdigest()
    assert "blocked" in done.summary
    first, *at_lines = done.annotations("error")
    assert first.startswith("blocked: ")
    assert at_lines
    assert "file=Dockerfile,line=2" in done.log
    assert done.log.index("::stop-commands::") < done.log.index("hadolint") < done.log.index("::error")


def test_the_policy_of_the_checkout_does_not_count(tmp_path: Path, repository: GitHubServer) -> None:
    job = on_pull_request(tmp_path, repository)
    weak = b"version: 1\nfail-on: never\nexclude: ['**']\n"
    (job.checkout / ".github").mkdir()
    (job.checkout / POLICY).write_bytes(weak)
    repository.state.files[POLICY, MERGE] = weak
    outputs = scanned(job)
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "blocked"
    assert (
        "**Policy change, takes effect after the merge (weaker): "
        f"this change introduces the policy** `{POLICY}`\n\n"
        "- weaker: `fail-on` high → never\n- weaker: `exclude` added: `**`\n"
    ) in done.summary
    repository.state.files[POLICY, BASE] = weak
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "passed"
    assert "after the merge" not in done.summary


def test_a_pull_request_is_judged_by_what_is_new_and_gets_one_comment(
    tmp_path: Path, repository: GitHubServer
) -> None:
    push = Job(tmp_path / "push", repository, events.push("d" * 40, BASE), BASE, run_id=50)
    (push.checkout / "Dockerfile").write_text(GOOD.replace(":3.13.1-slim", ""), encoding="utf-8")
    outputs = scanned(push)
    base = push.step("report", stages="container", needs=needs(container=outputs))
    assert base.code == 0, base.log
    assert base.outputs["new"] == ""
    repository.state.add_run(
        Run(50, event="push", head_branch="main", head_sha=BASE, head_repository=REPOSITORY)
    )
    repository.state.add_artifact(
        base.outputs["report-artifact"], zipped(Path(base.outputs["folder"])), run=50
    )

    job = on_pull_request(tmp_path, repository)
    outputs = scanned(job)
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.code == 0, done.log
    assert done.outputs["verdict"] == "blocked"
    assert int(done.outputs["new"]) >= 1
    assert int(done.outputs["fixed"]) >= 1, "the tag of the base image is pinned now"
    assert Path(done.outputs["sarif"]).is_file()
    page = (Path(done.outputs["folder"]) / "index.html").read_text(encoding="utf-8")
    assert "Open findings of the last 2 runs" in page
    assert "sarif-more" not in done.outputs
    assert job.step("publish", uploaded="success skipped").annotations("warning") == []
    for uploaded in ("failure skipped", "success failure"):
        (warning,) = job.step("publish", uploaded=uploaded).annotations("warning")
        assert "code scanning did not take the SARIF file" in warning
    (comment,) = repository.state.on(PULL)
    assert comment.body.startswith("<!-- mlsecops:v1 id=default -->")
    assert f"main@{BASE[:7]}" in comment.body
    assert "code scanning did not take the SARIF file" in comment.body


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        ("failure", "its job failed"),
        ("cancelled", "its job was cancelled"),
        ("skipped", "its job was skipped"),
        ({"sha256": "0" * 64}, "sha-256 differs"),
    ],
)
def test_a_stage_without_a_result_of_its_own_is_incomplete(
    tmp_path: Path, repository: GitHubServer, left: str | dict[str, str], reason: str
) -> None:
    job = on_pull_request(tmp_path, repository, GOOD)
    scanned(job)
    done = job.step("report", stages="container", needs=needs(container=left))
    assert (done.code, done.outputs["exit-code"]) == (0, "3")
    assert reason in done.annotations("error")[0]
    assert "sarif" not in done.outputs, "an upload without the stage would close its alerts"


def test_an_artifact_that_cannot_be_trusted_makes_every_stage_incomplete(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = on_pull_request(tmp_path, repository, GOOD)
    outputs = scanned(job)
    (job.temporary / "downloads" / "more").symlink_to("/etc/passwd")
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "incomplete"
    assert "more" in done.annotations("error")[0]


def test_a_policy_that_cannot_be_had_is_a_doubt_and_no_default(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = on_pull_request(tmp_path, repository, GOOD)
    outputs = scanned(job)
    repository.state.files[POLICY, BASE] = b"version: 1\nfail-on: hihg\n"
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "incomplete"
    assert ".github/mlsecops.yml:2: " in done.annotations("error")[0]


def test_a_policy_that_no_run_could_read_after_the_merge_is_a_doubt(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = on_pull_request(tmp_path, repository, GOOD)
    outputs = scanned(job)
    repository.state.files[POLICY, MERGE] = b"version: 1\nfail-on: hihg\n"
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "incomplete"
    assert "could not be read once this is merged: .github/mlsecops.yml:2: " in done.annotations("error")[0]
    assert "(cannot be read): this change introduces the policy** `.github/mlsecops.yml`" in done.summary


def test_the_input_fail_on_never_weakens_the_policy_file(tmp_path: Path, repository: GitHubServer) -> None:
    job = on_pull_request(tmp_path, repository)
    outputs = needs(container=scanned(job))
    repository.state.files[POLICY, BASE] = repository.state.files[POLICY, MERGE] = b"version: 1\n"
    done = job.step("report", stages="container", needs=outputs, fail_on="never")
    assert done.outputs["verdict"] == "blocked"
    del repository.state.files[POLICY, BASE], repository.state.files[POLICY, MERGE]
    done = job.step("report", stages="container", needs=outputs, fail_on="never")
    assert done.outputs["verdict"] == "passed"


def test_results_of_steps_of_the_same_job_need_no_digest(tmp_path: Path, repository: GitHubServer) -> None:
    job = on_pull_request(tmp_path, repository, GOOD)
    assert job.step("scan", stages="container, model", gate="false").code == 0
    done = job.step("report", stages="container, model", needs="")
    assert done.outputs["verdict"] == "passed", done.log
    assert {path.name for path in (job.temporary / "report" / "stages").iterdir()} == {
        "container.sarif",
        "model.sarif",
    }


def test_a_run_for_a_fork_says_who_comments_and_keeps_its_verdict(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = Job(tmp_path, repository, events.fork(BASE, HEAD), MERGE, token="weak")
    (job.checkout / "Dockerfile").write_text(BAD, encoding="utf-8")
    outputs = scanned(job)
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "blocked"
    published = job.step("publish", uploaded="skipped skipped")
    assert published.code == 0
    assert "mlsecops-fork-comment.yml" in published.annotations("notice")[0]
    assert repository.state.on(PULL) == []


@pytest.mark.parametrize(
    ("verdict", "gate"), [("passed", "success"), ("passed", "failure"), ("blocked", "failure")]
)
def test_the_comment_for_a_fork_is_written_anew_and_believes_only_the_gate(
    tmp_path: Path, repository: GitHubServer, verdict: str, gate: str
) -> None:
    job = Job(tmp_path / "fork", repository, events.fork(BASE, HEAD), MERGE, token="weak")
    (job.checkout / "Dockerfile").write_text(BAD if verdict == "blocked" else GOOD, encoding="utf-8")
    outputs = scanned(job)
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == verdict
    (job.temporary / "report" / "comment.md").write_text("anything", encoding="utf-8")
    fork = "stranger/forecast"
    jobs = [JobOfRun(1, "mlsecops / report / gate", conclusion=gate)]
    repository.state.pulls[PULL].head_repository = fork
    repository.state.runs[100] = Run(
        100, event="pull_request", head_branch=events.BRANCH, head_sha=HEAD, head_repository=fork, jobs=jobs
    )
    repository.state.add_artifact("mlsecops-report", zipped(job.temporary / "report"), run=100)
    later = Job(tmp_path / "later", repository, events.workflow_run(HEAD, 100), BASE, run_id=101)
    commented = later.step("comment")
    assert commented.code == 0, commented.log
    (comment,) = repository.state.on(PULL)
    shown = verdict if (verdict, gate) != ("passed", "failure") else "incomplete"
    assert f"mlsecops {shown}" in comment.body
    assert ("did not pass, although this report says so" in comment.body) == (shown == "incomplete")
    assert "anything" not in comment.body


def test_a_fork_that_pushes_meanwhile_gets_no_comment_on_the_older_commit(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = Job(tmp_path / "fork", repository, events.fork(BASE, HEAD), MERGE, token="weak")
    (job.checkout / "Dockerfile").write_text(GOOD, encoding="utf-8")
    outputs = scanned(job)
    assert job.step("report", stages="container", needs=needs(container=outputs)).code == 0
    fork = "stranger/forecast"
    pull = repository.state.pulls[PULL]
    pull.head_repository = fork
    repository.state.runs[100] = Run(
        100, event="pull_request", head_branch=events.BRANCH, head_sha=HEAD, head_repository=fork
    )
    artifact = repository.state.add_artifact("mlsecops-report", zipped(job.temporary / "report"), run=100)
    repository.meanwhile("GET", f"/artifacts/{artifact.id}/zip", lambda: setattr(pull, "head_sha", "e" * 40))
    later = Job(tmp_path / "later", repository, events.workflow_run(HEAD, 100), BASE, run_id=101)
    commented = later.step("comment")
    assert (commented.code, repository.state.on(PULL)) == (0, [])
    assert commented.annotations("notice") == ["the pull request has a newer commit by now"]


def test_an_older_run_leaves_the_comment_to_the_newer_commit(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = on_pull_request(tmp_path, repository)
    outputs = scanned(job)
    assert job.step("report", stages="container", needs=needs(container=outputs)).code == 0
    repository.state.pulls[PULL].head_sha = "e" * 40
    published = job.step("publish")
    assert (published.code, repository.state.on(PULL)) == (0, [])
    assert "newer commit" in published.annotations("notice")[0]


@pytest.mark.parametrize("status", [409, 422])
def test_a_comment_that_github_does_not_take_is_a_warning(
    tmp_path: Path, repository: GitHubServer, status: int
) -> None:
    job = on_pull_request(tmp_path, repository)
    outputs = scanned(job)
    assert job.step("report", stages="container", needs=needs(container=outputs)).code == 0
    repository.fail("GET", f"/issues/{PULL}/comments", status, times=50)
    published = job.step("publish")
    assert published.code == 0
    assert published.annotations("warning")[0].startswith("no comment was left: ")


@pytest.mark.parametrize(("wanted", "linked"), [("auto", True), ("never", False)])
def test_alerts_are_linked_only_where_there_are_any(
    tmp_path: Path, repository: GitHubServer, wanted: str, linked: bool
) -> None:
    job = on_pull_request(tmp_path, repository)
    outputs = needs(container=scanned(job))
    done = job.step("report", stages="container", needs=outputs, upload=wanted)
    comment = (Path(done.outputs["folder"]) / "comment.md").read_text(encoding="utf-8")
    assert ("/security/code-scanning?query=" in comment) is linked
    assert ("+rule%3Adockerfile-root-user" in comment) is linked


def test_in_a_merge_queue_nothing_is_uploaded_or_said(tmp_path: Path, repository: GitHubServer) -> None:
    job = Job(tmp_path, repository, events.merge_group(BASE, MERGE), MERGE)
    (job.checkout / "Dockerfile").write_text(BAD, encoding="utf-8")
    outputs = scanned(job)
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["verdict"] == "blocked"
    assert "sarif" not in done.outputs
    assert "merge queue" in done.annotations("notice")[0]
    assert job.step("publish").code == 0
    assert repository.state.on(PULL) == []


def test_a_project_of_a_monorepo_has_its_names_paths_and_policy(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = Job(
        tmp_path,
        repository,
        events.pull_request(BASE, HEAD),
        MERGE,
        environ={"MLSECOPS_ID": "api", "MLSECOPS_PROJECT": "services/api"},
    )
    (job.checkout / "services" / "api").mkdir(parents=True)
    (job.checkout / "services" / "api" / "Dockerfile").write_text(BAD, encoding="utf-8")
    outputs = scanned(job)
    assert outputs["artifact"] == "mlsecops-api-container"
    done = job.step("report", stages="container", needs=needs(container=outputs))
    assert done.outputs["report-artifact"] == "mlsecops-api-report"
    assert "file=services/api/Dockerfile,line=2" in done.log
    uploaded = read(Path(done.outputs["sarif"]))
    assert {run["automationDetails"]["id"].split("/")[1] for run in uploaded["runs"]} == {"api"}
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for run in uploaded["runs"]
        for result in run["results"]
    ]
    assert places
    assert set(places) == {"services/api/Dockerfile"}
    assert job.step("publish").code == 0
    assert repository.state.on(PULL)[0].body.startswith("<!-- mlsecops:v1 id=api -->")


def test_the_scheduled_scan_keeps_one_issue_and_closes_it(tmp_path: Path, repository: GitHubServer) -> None:
    job = Job(tmp_path, repository, events.schedule(), BASE)
    report = tmp_path / "temp" / "mlsecops" / "tracking-issue"
    report.mkdir(parents=True)
    (report / "comment.md").write_text(
        "<!-- mlsecops:v1 id=default -->\n### blocked: 1 finding\n", encoding="utf-8"
    )
    for verdict in ("blocked", "blocked"):
        assert job.step("tracking-issue", verdict=verdict).code == 0
    (issue,) = repository.state.issues.values()
    assert [each.state for each in repository.state.issues.values()] == ["open"]
    assert "### blocked: 1 finding" in str(issue.body)
    assert "mlsecops:v1" not in str(issue.body)
    assert job.step("tracking-issue", verdict="passed").code == 0
    assert [each.state for each in repository.state.issues.values()] == ["closed"]
    shutil.rmtree(report)
    assert job.step("tracking-issue", verdict="").code == 0
    fresh = next(each for each in repository.state.issues.values() if each.state == "open")
    assert "incomplete" in fresh.title
    assert "left no report" in str(fresh.body)


def test_a_token_that_may_not_write_issues_is_a_warning(tmp_path: Path, repository: GitHubServer) -> None:
    job = Job(tmp_path, repository, events.schedule(), BASE, token="weak")
    done = job.step("tracking-issue", verdict="blocked")
    assert done.code == 0
    assert done.annotations("warning")[0].startswith("no tracking issue is kept: ")


@pytest.mark.parametrize(
    ("verb", "inputs", "code", "sentence"),
    [
        ("scan", {"stages": "sats"}, 2, "the input 'stages' names 'sats'"),
        ("report", {"fail_on": "hihg"}, 2, "the input 'fail-on' is 'hihg'"),
        ("needs", {"needs": "[]"}, 2, "the input 'needs' must be"),
        ("scan", {"project": "missing"}, 2, "missing"),
        ("comment", {}, 2, "workflow_run"),
    ],
)
def test_a_wrong_input_is_one_annotation(
    tmp_path: Path, repository: GitHubServer, verb: str, inputs: dict[str, str], code: int, sentence: str
) -> None:
    job = on_pull_request(tmp_path, repository)
    done = job.step(verb, **inputs)
    assert done.code == code
    (error,) = done.annotations("error")
    assert sentence in error


def test_an_interface_that_cannot_be_asked_is_one_annotation_and_no_default_policy(
    tmp_path: Path, repository: GitHubServer
) -> None:
    job = on_pull_request(tmp_path, repository)
    job.environ["GITHUB_API_URL"] = "http://github.example"
    done = job.step("policy")
    assert (done.code, dict(done.outputs)) == (3, {})
    assert len(done.annotations("error")) == 1
