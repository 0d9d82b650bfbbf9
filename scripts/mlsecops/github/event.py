"""What happened on GitHub that started this run: the variables of the runner and the payload -> one Event."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mlsecops.github import payload
from mlsecops.github.event_model import HEADS, QUEUE, Event, PullRequest, WorkflowRun
from mlsecops.github.payload import EventError
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of

__all__ = ["Event", "EventError", "PullRequest", "WorkflowRun", "read"]

# All of these run on the merge commit of a pull request, so its own policy must not count.
_PULL_EVENTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


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
        ref=f"{HEADS}{default}" if deleted and default else ref,
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
        return payload.sha(group.get("base_sha"), "the merge group's base_sha"), base.removeprefix(HEADS)
    # gh-readonly-queue/BRANCH/pr-NUMBER-COMMIT, where a branch may hold slashes.
    return None, ref.removeprefix(QUEUE).rpartition("/")[0] if ref.startswith(QUEUE) else ""


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
