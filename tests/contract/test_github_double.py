"""The guard itself: the double notes what GitHub's description does not allow, and stays honest."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from mlsecops.github.client import Client, GitHubError
from support.github_api import TOKEN, GitHubServer, Issue, Job, Pull, Run
from support.github_api import description as described
from support.github_api.description import OPERATIONS, DescriptionUnavailableError, description

REPOSITORY = "/repos/octo/service"
HEADERS = {
    "Accept": "application/vnd.github+json",
    "Authorization": f"Bearer {TOKEN}",
    "User-Agent": "test",
    "X-GitHub-Api-Version": "2022-11-28",
}


def ask(server: GitHubServer, method: str, path: str, **more: Any) -> requests.Response:
    """A request that no client of ours would send."""
    headers = {**HEADERS, **more.pop("headers", {})}
    proxies = {"no_proxy": "127.0.0.1"}
    return requests.request(
        method,
        f"{server.url}{path}",
        headers=headers,
        timeout=20,
        allow_redirects=False,
        proxies=proxies,
        **more,
    )


@pytest.mark.parametrize(
    ("method", "path", "more", "problem"),
    [
        ("GET", "/user", {}, "no operation"),
        ("PUT", f"{REPOSITORY}/issues/7", {"json": {}}, "no operation"),
        ("GET", f"{REPOSITORY}/pulls", {"params": {"sha": "a"}}, "'sha', which is not described"),
        ("GET", f"{REPOSITORY}/pulls", {"params": {"per_page": 101}}, "it takes 1 to 100"),
        ("GET", f"{REPOSITORY}/pulls", {"params": {"state": ["all", "open"]}}, "more than once"),
        ("GET", f"{REPOSITORY}/pulls", {"params": {"state": "merged"}}, "'merged' is not one of"),
        ("GET", f"{REPOSITORY}/pulls/seven", {}, "seven"),
        ("GET", f"{REPOSITORY}/pulls", {"headers": {"User-Agent": ""}}, "User-Agent"),
        ("GET", f"{REPOSITORY}/pulls", {"headers": {"X-GitHub-Api-Version": "2021-01-01"}}, "Api-Version"),
        ("GET", f"{REPOSITORY}/pulls", {"headers": {"Accept": "*/*"}}, "Accept"),
        ("GET", f"{REPOSITORY}/pulls", {"headers": {"Authorization": "Basic x"}}, "Bearer"),
        ("GET", f"{REPOSITORY}/pulls", {"json": {}}, "a body"),
        ("POST", f"{REPOSITORY}/issues/7/comments", {"json": {}}, "'body' is a required property"),
        ("POST", f"{REPOSITORY}/issues/7/comments", {"json": {"body": 7}}, "is not of type 'string'"),
        ("POST", f"{REPOSITORY}/issues/7/comments", {"json": {"body": "x", "text": ""}}, "'text'"),
        ("POST", f"{REPOSITORY}/issues/7/comments", {}, "body"),
        ("POST", f"{REPOSITORY}/issues/7/comments", {"data": "body=x"}, "ontent"),
        ("PATCH", f"{REPOSITORY}/issues/7", {"json": {"state": "done"}}, "'done' is not one of"),
    ],
)
def test_a_request_that_is_not_as_described_is_a_violation(
    method: str, path: str, more: dict[str, Any], problem: str, guarded: GitHubServer
) -> None:
    guarded.state.add_pull(Pull(7, head_sha="a" * 40))
    assert ask(guarded, method, path, **more).status_code in {400, 404}
    assert any(problem in violation for violation in guarded.violations), guarded.violations
    assert all(violation.startswith(f"{method} {path}: ") for violation in guarded.violations)


def test_an_answer_of_the_double_that_is_not_as_described_is_a_violation(guarded: GitHubServer) -> None:
    guarded.state.issues[1] = Issue(1, "title", state="closed", state_reason="whatever")
    ask(guarded, "GET", f"{REPOSITORY}/issues/1")
    (violation,) = guarded.violations
    assert "the double's answer: $.state_reason 'whatever' is not one of" in violation


def test_a_defect_of_the_double_is_a_violation(guarded: GitHubServer) -> None:
    guarded.state.code_scanning = "on"
    guarded.state.alerts = [{"number": {1}}]
    with pytest.raises(requests.ConnectionError):
        ask(guarded, "GET", f"{REPOSITORY}/code-scanning/alerts")
    (violation,) = guarded.violations
    assert violation.startswith("the double broke: TypeError")


def test_a_token_sent_to_the_storage_is_a_violation(guarded: GitHubServer) -> None:
    artifact = guarded.state.add_artifact("report", b"zip", guarded.state.add_run(Run(1)).id)
    address = ask(guarded, "GET", f"{REPOSITORY}/actions/artifacts/{artifact.id}/zip").headers["Location"]
    assert ask(guarded, "GET", address.removeprefix(guarded.url)).status_code == 400
    assert guarded.violations == [
        f"GET /_storage/{artifact.id}: the storage was sent an Authorization header"
    ]


def test_every_operation_of_the_description_is_served_as_described(github: GitHubServer) -> None:
    state = github.state
    state.add_pull(Pull(7, head_sha="a" * 40))
    state.add_pull(Pull(8, head_sha="c" * 40, head_repository="fork/service"))
    state.add_pull(Pull(9, head_sha="d" * 40, head_repository=None, state="closed"))
    issue, comment = state.add_issue("Rescan", labels=["mlsecops"]), state.add_comment(7, "text")
    run = state.add_run(Run(1, jobs=[Job(3, "gate")]))
    state.add_run(Run(2, event="pull_request", head_repository="fork/service", conclusion=None))
    artifact = state.add_artifact("report", b"zip", run.id)
    state.files["a/b.yml", "main"], state.refs["main"] = b"text", "b" * 40
    values = {
        "artifact_id": artifact.id,
        "archive_format": "zip",
        "run_id": run.id,
        "commit_sha": "c" * 40,
        "path": "a/b.yml",
        "ref": "heads/main",
        "issue_number": issue.number,
        "comment_id": comment.id,
        "pull_number": 9,
    }
    bodies = {"POST /issues": {"title": "T"}, "PATCH /issues/{issue_number}": {"state": "closed"}}
    last = [operation for operation in OPERATIONS if operation.startswith("DELETE")]
    for operation in [*(entry for entry in OPERATIONS if entry not in last), *last]:
        method, path = operation.split(" ")
        body = None if method in {"GET", "DELETE"} else bodies.get(operation, {"body": "text"})
        answer = ask(github, method, f"{REPOSITORY}{path.format(**values)}", json=body)
        assert answer.status_code in {200, 201, 204, 302}, operation


def test_what_happens_meanwhile_happens_between_the_deed_and_its_answer(github: GitHubServer) -> None:
    github.state.add_pull(Pull(7, head_sha="a" * 40))
    github.meanwhile("GET", "/comments$", lambda: github.state.add_comment(7, "theirs"))
    client = Client(github.url, TOKEN)
    path = f"{REPOSITORY}/issues/7/comments"
    assert list(client.pages(path)) == []
    assert [comment["body"] for comment in client.pages(path)] == ["theirs"]


def test_permissions_count_as_those_of_a_job(github: GitHubServer) -> None:
    github.state.add_pull(Pull(7, head_sha="a" * 40))
    issue = github.state.add_issue("Rescan")
    github.state.tokens["reads"] = {"pull-requests": "read"}
    github.state.tokens["writes"] = {"pull-requests": "write"}
    comment = {"json": {"body": "text"}}
    outcomes = [
        (
            token,
            number,
            ask(github, "POST", f"{REPOSITORY}/issues/{number}/comments", headers=headers, **comment),
        )
        for token in ("reads", "writes", "unknown")
        for number in (7, issue.number)
        for headers in [{"Authorization": f"Bearer {token}"}]
    ]
    assert [(token, number, answer.status_code) for token, number, answer in outcomes] == [
        ("reads", 7, 403),
        ("reads", issue.number, 403),
        ("writes", 7, 201),
        ("writes", issue.number, 403),
        ("unknown", 7, 401),
        ("unknown", issue.number, 401),
    ]


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("off", 403, "Code Security must be enabled for this repository to use code scanning."),
        ("empty", 404, "no analysis found"),
    ],
)
def test_code_scanning_that_is_off_or_empty_answers_in_githubs_words(
    state: Any, status: int, words: str, github: GitHubServer
) -> None:
    github.state.code_scanning = state
    with pytest.raises(GitHubError) as caught:
        Client(github.url, TOKEN).get(f"{REPOSITORY}/code-scanning/alerts", per_page=1)
    assert (caught.value.status, caught.value.message) == (status, words)


def test_another_process_can_ask(github: GitHubServer) -> None:
    program = f"""if True:
        from urllib.request import Request, urlopen
        with urlopen(Request({github.url + REPOSITORY!r}, headers={HEADERS!r})) as answer:
            print(answer.status)
    """
    command = [sys.executable, "-I", "-c", program]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert finished.stdout == "200\n"


def fake_npm(folder: Path, script: str) -> None:
    """An `npm` in a folder."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)


def test_without_npm_the_description_is_said_to_be_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DescriptionUnavailableError, match="npm is not on PATH"):
        description.__wrapped__()
    fake_npm(tmp_path, "echo ENOTFOUND >&2; exit 1")
    with pytest.raises(DescriptionUnavailableError, match=r"npm could not fetch .*: ENOTFOUND"):
        description.__wrapped__()


def test_a_description_other_than_the_pinned_one_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_npm(tmp_path, 'echo other > "$5/octokit-openapi.tgz"')
    with pytest.raises(AssertionError, match="another description than the one that is pinned"):
        description.__wrapped__()
    assert len(base64.b64decode(described.INTEGRITY.removeprefix("sha512-"))) == 64
