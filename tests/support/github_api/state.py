"""What the double remembers: one repository, its people, runs and tokens. Tests fill it and read it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

BOT = "github-actions[bot]"
TOKEN = "token-that-may-do-everything"
Permissions = dict[str, Literal["read", "write"]]
ALL: Permissions = {
    "actions": "write",
    "contents": "write",
    "issues": "write",
    "pull-requests": "write",
    "security-events": "write",
}


@dataclass
class Pull:
    """A pull request; `head_repository` is its repository or a fork, None when that was deleted."""

    number: int
    head_sha: str
    head_ref: str = "feature"
    base_sha: str = "b" * 40
    base_ref: str = "main"
    head_repository: str | None = "octo/service"
    login: str = "octocat"
    title: str = "Change the model"
    state: Literal["open", "closed"] = "open"
    files: list[str] = field(default_factory=lambda: ["app.py"])


@dataclass
class Issue:
    """An issue that is no pull request."""

    number: int
    title: str
    body: str | None = None
    login: str = BOT
    labels: list[str] = field(default_factory=list)
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None


@dataclass
class Comment:
    """A comment on the issue or pull request with the number `issue`."""

    id: int
    issue: int
    body: str
    login: str = BOT


@dataclass
class Job:
    """A job of a run."""

    id: int
    name: str
    status: str = "completed"
    conclusion: str | None = "success"


@dataclass
class Run:
    """A run of a workflow."""

    id: int
    event: str = "push"
    head_branch: str = "main"
    head_sha: str = "b" * 40
    head_repository: str = "octo/service"
    status: str = "completed"
    conclusion: str | None = "success"
    name: str = "secure-ml"
    path: str = ".github/workflows/secure-ml.yml"
    attempt: int = 1
    jobs: list[Job] = field(default_factory=list)


@dataclass
class Artifact:
    """An artifact of the run with the id `run`: `content` is its zip."""

    id: int
    name: str
    content: bytes
    run: int
    expired: bool = False


@dataclass
class State:
    """All of it. `files` are by path and ref (a branch or a commit), `refs` say where branches are.

    `tokens` say what each may do (absent: nothing), `logins` who writes with it (else github-actions[bot]).
    """

    repository: str = "octo/service"
    default_branch: str = "main"
    private: bool = False
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    code_scanning: Literal["on", "off", "empty"] = "on"
    alerts: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, Permissions] = field(default_factory=lambda: {TOKEN: dict(ALL)})
    logins: dict[str, str] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(9001), repr=False)

    def add_pull(self, pull: Pull) -> Pull:
        """Add a pull request."""
        self.pulls[pull.number] = pull
        return pull

    def add_issue(self, title: str, body: str | None = None, **more: Any) -> Issue:
        """Add an issue with the next free number."""
        number = max([0, *self.pulls, *self.issues]) + 1
        self.issues[number] = Issue(number, title, body, **more)
        return self.issues[number]

    def add_comment(self, issue: int, body: str, login: str = BOT) -> Comment:
        """Add a comment with the next free id."""
        comment = Comment(next(self._ids), issue, body, login)
        self.comments[comment.id] = comment
        return comment

    def add_run(self, run: Run) -> Run:
        """Add a run."""
        self.runs[run.id] = run
        return run

    def add_artifact(self, name: str, content: bytes, run: int, *, expired: bool = False) -> Artifact:
        """Add an artifact with the next free id to a run that is there."""
        artifact = Artifact(next(self._ids), name, content, run, expired)
        self.artifacts[artifact.id] = artifact
        return artifact

    def commits(self) -> set[str]:
        """Every commit that something here is of."""
        pulls, runs = self.pulls.values(), self.runs.values()
        known = {sha for pull in pulls for sha in (pull.base_sha, pull.head_sha)}
        known |= {run.head_sha for run in runs} | set(self.refs.values())
        return known | {ref for _, ref in self.files if ref not in self.refs}

    def body(self, identifier: int) -> str:
        """What a comment says now."""
        return self.comments[identifier].body

    def on(self, issue: int) -> list[Comment]:
        """The comments on an issue or a pull request, oldest first."""
        return sorted((c for c in self.comments.values() if c.issue == issue), key=lambda c: c.id)


def moment(number: int) -> str:
    """A time that grows with the number, as GitHub writes it."""
    return (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number % 1_000_000)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
