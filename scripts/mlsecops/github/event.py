"""What happened on GitHub that started this run: the variables of the runner and the payload -> one Event."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

from mlsecops.github import payload
from mlsecops.github.payload import EventError
from mlsecops.report.escape import path_url
from mlsecops.report.parts import Links
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of

__all__ = ["Event", "EventError", "PullRequest", "WorkflowRun", "read"]

DEPENDABOT = "dependabot[bot]"
_HEADS = "refs/heads/"
_QUEUE = "refs/heads/gh-readonly-queue/"
# All of these run on the merge commit of a pull request, so its own policy must not count.
_PULL_EVENTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_ALL_COUNT = frozenset({"push", "schedule", "workflow_dispatch"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as it stood at the event; whoever opened it chose `head_ref`."""

    number: int
    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str
    fork: bool
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """The run that a `workflow_run` event is about; `repository` has its commit and is "" when deleted."""

    id: int
    event: str
    conclusion: str
    head_sha: str
    head_branch: str
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What started this run.

    `merge_base` is the commit below a merge group, `base_branch` the branch that a merge queue leads to,
    else "". `default_branch` is "" and `private` None where GitHub does not say. `deleted`: a push that
    deleted its branch, for which GitHub starts the run on the default branch.
    """

    name: str
    repository: str
    sha: str
    ref: str
    default_branch: str
    server: str
    run_id: int
    run_attempt: int
    actor: str
    private: bool | None = None
    pull: PullRequest | None = None
    workflow_run: WorkflowRun | None = None
    merge_base: str | None = None
    base_branch: str = ""
    deleted: bool = False

    @property
    def branch(self) -> str | None:
        """The branch that this run is for; None for tags and pull requests."""
        return self.ref.removeprefix(_HEADS) if self.ref.startswith(_HEADS) else None

    @property
    def queued(self) -> bool:
        """Whether this run is for a commit of a merge queue."""
        return self.name == "merge_group" or self.ref.startswith(_QUEUE)

    @property
    def dependabot(self) -> bool:
        """Whether Dependabot started this run."""
        return self.actor == DEPENDABOT

    @property
    def read_only(self) -> bool:
        """Whether GitHub gives the token of this run no right to write, whatever the workflow grants."""
        return self.dependabot or (self.pull is not None and self.pull.fork)

    @property
    def policy_commit(self) -> str:
        """Where the policy counts: a commit, or for a push to a merge queue the branch it leads to."""
        if self.pull is not None:
            return self.pull.base_sha
        return self.merge_base or self.base_branch or self.sha

    @property
    def baseline_branch(self) -> str | None:
        """The branch whose newest report is the baseline, if it is known."""
        if self.pull is not None:
            return self.pull.base_ref
        return self.base_branch or self.default_branch or None

    @property
    def counts_all(self) -> bool:
        """Whether all open findings count, and not only new ones: the default branch looks at itself.

        Holds for every push while nobody says which branch is the default.
        """
        if self.name not in _ALL_COUNT or self.queued:
            return False
        return not self.default_branch or self.branch == self.default_branch

    @property
    def head(self) -> str:
        """The commit that people mean: the head of the pull request and not its merge commit."""
        return self.pull.head_sha if self.pull is not None else self.sha

    @property
    def uploads(self) -> bool:
        """Whether code scanning takes results: not from a merge queue, not from a push of Dependabot."""
        return not self.queued and not self.deleted and not (self.dependabot and self.name == "push")

    def links(self, project: str) -> Links:
        """Where the reports of a project (a folder of the repository, "." for all of it) point to."""
        home = f"{self.server}/{self.repository}"
        run = f"{home}/actions/runs/{self.run_id}"
        folder = "" if project == "." else f"/{path_url(project)}"
        target = f"./{project}" if project.startswith("-") else project
        return Links(
            run=run,
            page=f"{run}#artifacts",
            security=f"{home}/security/code-scanning?query={self._query()}" if self.uploads else "",
            blob=f"{home}/blob/{self.head}{folder}",
            head=self.head[:7],
            base=self._base(),
            rerun=f"mlsecops run {shlex.quote(target)}",
        )

    def _query(self) -> str:
        if self.pull is not None:
            return quote_plus(f"pr:{self.pull.number} is:open")
        return quote_plus(f"is:open branch:{self.branch}" if self.branch else "is:open")

    def _base(self) -> str:
        if self.pull is not None:
            return f"{self.pull.base_ref}@{self.pull.base_sha[:7]}"
        return f"{self.base_branch}@{self.merge_base[:7]}" if self.merge_base else ""


def read(environ: Mapping[str, str]) -> Event:
    """The event from the variables of the runner and from the payload file that they name.

    Raises EventError for what cannot be trusted or understood, with one sentence.
    """
    name = environ.get("GITHUB_EVENT_NAME", "")
    if not name:
        raise EventError("GITHUB_EVENT_NAME is missing; this command runs within GitHub Actions")
    if name == "pull_request_target":
        raise EventError(
            "the event pull_request_target runs a stranger's change with the rights of this repository, so "
            "nothing is scanned; use pull_request, and the fork-comment workflow for the comment"
        )
    data = payload.load(Path(environ.get("GITHUB_EVENT_PATH", "")))
    repository = payload.repository(environ.get("GITHUB_REPOSITORY"), "GITHUB_REPOSITORY")
    default = _default_branch(name, data, environ)
    ref = payload.ref(environ.get("GITHUB_REF"), "GITHUB_REF")
    pull = _pull(data) if name in _PULL_EVENTS else None
    if pull is None and ref.startswith("refs/pull/"):
        raise EventError(f"the event {name} on a pull request is not known; use pull_request")
    deleted = name == "push" and data.get("deleted") is True
    merge_base, base_branch = _queue(name, data, ref)
    private = object_of(data, "repository").get("private")
    return Event(
        name=name,
        repository=repository,
        sha=_commit(environ, deleted),
        ref=f"{_HEADS}{default}" if deleted and default else ref,
        default_branch=default,
        server=_server(environ.get("GITHUB_SERVER_URL", "https://github.com")),
        run_id=payload.number(environ.get("GITHUB_RUN_ID"), "GITHUB_RUN_ID"),
        run_attempt=payload.number(environ.get("GITHUB_RUN_ATTEMPT", "1"), "GITHUB_RUN_ATTEMPT"),
        actor=environ.get("GITHUB_ACTOR", ""),
        private=private if isinstance(private, bool) else None,
        pull=pull,
        workflow_run=_workflow_run(data) if name == "workflow_run" else None,
        merge_base=merge_base,
        base_branch=base_branch,
        deleted=deleted,
    )


def _commit(environ: Mapping[str, str], deleted: bool) -> str:
    sha = payload.sha(environ.get("GITHUB_SHA"), "GITHUB_SHA")
    if not sha.strip("0"):
        why = "the push deleted its branch" if deleted else "GITHUB_SHA names no commit"
        raise EventError(f"{why}, so there is nothing to scan")
    return sha


def _default_branch(name: str, data: Json, environ: Mapping[str, str]) -> str:
    """The default branch; a schedule runs on nothing else, other payloads name it."""
    said = object_of(data, "repository").get("default_branch")
    if said is None and name == "schedule":
        said = environ.get("GITHUB_REF_NAME")
    return payload.branch(said, "the default branch") if said else ""


def _pull(data: Json) -> PullRequest:
    pull = object_of(data, "pull_request")
    head, base = object_of(pull, "head"), object_of(pull, "base")
    return PullRequest(
        number=payload.number(pull.get("number"), "the pull request's number"),
        head_sha=payload.sha(head.get("sha"), "the pull request's head.sha"),
        head_ref=payload.branch(head.get("ref"), "the pull request's head.ref"),
        base_sha=payload.sha(base.get("sha"), "the pull request's base.sha"),
        base_ref=payload.branch(base.get("ref"), "the pull request's base.ref"),
        fork=_fork(object_of(head, "repo"), object_of(base, "repo")),
        author=payload.text(object_of(pull, "user").get("login")),
    )


def _fork(head: Json, base: Json) -> bool:
    """Whether two repositories differ, or one of them is gone."""
    ours, theirs = payload.text(base.get("full_name")), payload.text(head.get("full_name"))
    return not theirs or theirs.casefold() != ours.casefold() or head.get("id") != base.get("id")


def _queue(name: str, data: Json, ref: str) -> tuple[str | None, str]:
    """The commit below a merge group and the branch that its queue leads to."""
    if name == "merge_group":
        group = object_of(data, "merge_group")
        base = payload.ref(group.get("base_ref"), "the merge group's base_ref")
        return payload.sha(group.get("base_sha"), "the merge group's base_sha"), base.removeprefix(_HEADS)
    # gh-readonly-queue/BRANCH/pr-NUMBER-COMMIT, where a branch may hold slashes.
    return None, ref.removeprefix(_QUEUE).rpartition("/")[0] if ref.startswith(_QUEUE) else ""


def _workflow_run(data: Json) -> WorkflowRun:
    run = object_of(data, "workflow_run")
    repository = object_of(run, "head_repository").get("full_name")
    branch = run.get("head_branch")
    return WorkflowRun(
        id=payload.number(run.get("id"), "the workflow run's id"),
        event=payload.text(run.get("event")),
        conclusion=payload.text(run.get("conclusion")),
        head_sha=payload.sha(run.get("head_sha"), "the workflow run's head_sha"),
        head_branch=payload.branch(branch, "the workflow run's head_branch") if branch else "",
        repository=payload.repository(repository, "the workflow run's repository") if repository else "",
    )


def _server(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or not safe or parts.username or parts.query or parts.fragment or not address.isprintable():
        raise payload.wrong(address, "GITHUB_SERVER_URL", "an https address")
    return address.rstrip("/")
