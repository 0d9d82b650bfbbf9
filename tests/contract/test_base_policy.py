"""The policy is that of the base commit; what only looks like none is no reason for the defaults."""

from __future__ import annotations

import pytest
from mlsecops.github.base_policy import BasePolicy, fetch
from mlsecops.github.client import Client, ForbiddenError, GitHubError, RateLimitError
from mlsecops.policy import PolicyError, parse
from mlsecops.policy.document import MAX_BYTES
from support.github_api import TOKEN, GitHubServer

BASE = "b" * 40
FILE = ".github/mlsecops.yml"


def fetched(
    github: GitHubServer, project: str = ".", commit: str = BASE, token: str = TOKEN
) -> BasePolicy | None:
    client = Client(github.url, token, sleep=lambda _: None)
    return fetch(client, github.state.repository, commit, project)


@pytest.fixture(autouse=True)
def _commit(github: GitHubServer) -> None:
    github.state.refs["main"] = BASE


@pytest.mark.parametrize(
    ("files", "project", "path"),
    [
        ([FILE], ".", FILE),
        ([FILE], "services/a", FILE),
        ([FILE, f"services/a/{FILE}"], "services/a", f"services/a/{FILE}"),
        ([FILE, f"services/a/{FILE}"], ".", FILE),
        ([f"services/übung & more?#%41/{FILE}"], "services/übung & more?#%41", None),
    ],
)
def test_a_project_has_its_own_policy_else_that_of_the_repository(
    github: GitHubServer, files: list[str], project: str, path: str | None
) -> None:
    for each in files:
        github.state.files[each, BASE] = each.encode()
    expected = path or files[0]

    assert fetched(github, project) == BasePolicy(expected.encode(), expected)


@pytest.mark.parametrize("commit", ["main", "release/1.x"])
def test_a_branch_will_do_for_a_commit(github: GitHubServer, commit: str) -> None:
    github.state.refs[commit] = BASE

    assert fetched(github, commit=commit) is None
    github.state.files[FILE, BASE] = b"version: 1\n"
    assert fetched(github, commit=commit) == BasePolicy(b"version: 1\n", FILE)


def test_another_commit_has_no_part_in_it(github: GitHubServer) -> None:
    github.state.refs["topic"] = "c" * 40
    github.state.files[FILE, "c" * 40] = b"fail-on: never\n"

    assert fetched(github) is None
    assert fetched(github, "services/a") is None


def test_every_byte_comes_as_it_is(github: GitHubServer) -> None:
    content = bytes(range(256)) * 3_000
    github.state.files[FILE, BASE] = content

    assert fetched(github) == BasePolicy(content, FILE)
    github.state.files[FILE, BASE] = b""
    assert fetched(github) == BasePolicy(b"", FILE)


@pytest.mark.parametrize("folder", ["", "services/a/"])
def test_a_name_that_would_be_overlooked_is_an_error(github: GitHubServer, folder: str) -> None:
    github.state.files[f"{folder}.github/mlsecops.yaml", BASE] = b""

    with pytest.raises(PolicyError) as caught:
        fetched(github, "services/a")
    name = f"{folder}.github/mlsecops.yaml"
    assert str(caught.value) == f"{name}:1: a policy is named mlsecops.yml; this file would not be read"
    github.state.files[f"{folder}{FILE}", BASE] = b"version: 1\n"
    assert fetched(github, "services/a") is not None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ([], "folder"),
        ([{"type": "file", "name": "x"}], "folder"),
        ({"type": "symlink", "target": "/etc/passwd"}, "symlink"),
        ({"type": "submodule", "size": 0}, "submodule"),
    ],
)
def test_what_is_no_file_is_an_error(github: GitHubServer, answer: object, kind: str) -> None:
    github.fail("GET", "/contents/", 200, body=answer)

    with pytest.raises(PolicyError, match=f"^.github/mlsecops.yml:1: not a file but a {kind}$"):
        fetched(github)


def test_a_file_that_is_too_large_is_an_error(github: GitHubServer) -> None:
    github.state.files[FILE, BASE] = b"#" * MAX_BYTES
    assert fetched(github) is not None

    github.state.files[FILE, BASE] = b"#" * (MAX_BYTES + 1)
    with pytest.raises(PolicyError, match="larger than the 1,000,000 bytes that are read"):
        fetched(github)


@pytest.mark.parametrize("content", ["", "!!!", "YWJj", None, 5])
def test_half_a_file_is_an_error(github: GitHubServer, content: object) -> None:
    body = {"type": "file", "encoding": "none", "size": 4, "content": content}
    github.fail("GET", "/contents/", 200, body=body)

    with pytest.raises(PolicyError, match="GitHub did not send all of it"):
        fetched(github)


def test_a_token_that_may_not_read_gives_no_defaults(github: GitHubServer) -> None:
    github.state.tokens["blind"] = {"issues": "write"}

    with pytest.raises(ForbiddenError, match="contents: read"):
        fetched(github, token="blind")


def test_what_is_hidden_from_a_token_is_not_taken_for_absent(github: GitHubServer) -> None:
    github.fail("GET", "/(contents|commits)/", 404, times=9)

    with pytest.raises(GitHubError):
        fetched(github)


def test_a_commit_that_is_not_there_gives_no_defaults(github: GitHubServer) -> None:
    with pytest.raises(GitHubError, match="No commit found"):
        fetched(github, commit="d" * 40)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_what_passes_is_tried_again(github: GitHubServer, status: int) -> None:
    github.state.files[FILE, BASE] = b"version: 1\n"
    github.fail("GET", "/contents/", status, times=2)

    found = fetched(github)

    assert found is not None
    assert parse(found.content, found.path).source == FILE


def test_a_limit_that_does_not_pass_is_said(github: GitHubServer) -> None:
    github.fail("GET", "/contents/", 429, headers={"Retry-After": "3600"}, times=9)

    with pytest.raises(RateLimitError):
        fetched(github)


def test_it_asks_no_more_than_it_has_to(github: GitHubServer) -> None:
    github.state.files[FILE, BASE] = b""
    fetched(github)
    assert len(github.requests) == 1
    fetched(github, "services/a")
    assert len(github.requests) == 4
