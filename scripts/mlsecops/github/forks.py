"""What is known of a pull request from a fork after its run: nothing that the fork says of itself counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlsecops.github import paths, payload
from mlsecops.github.client import Client, GitHubError
from mlsecops.github.event_model import PullRequest, WorkflowRun
from mlsecops.github.inputs import DEFAULT_IDENTIFIER
from mlsecops.github.payload import EventError
from mlsecops.report.comment import is_identifier
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import natural, object_of
from mlsecops.verdict import Word

MOST_ARTIFACTS = 50
_GATE = "gate"
_SUCCESS = "success"
_WORKFLOWS = ".github/workflows/"
# GitHub lists no more files of a pull request than this.
_MOST_FILES = 3000
_ARTIFACT = re.compile(r"mlsecops-(?:(?P<identifier>.+)-)?report")


@dataclass(frozen=True, slots=True)
class ReportArtifact:
    """The report of one project that a run left; `size` in bytes, as it is stored."""

    identifier: str
    id: int
    size: int


def pull_requests(client: Client, repository: str, run: WorkflowRun) -> tuple[PullRequest, ...]:
    """The open pull requests whose head is the very commit of a run, by number.

    GitHub says which, for the run's repository, branch and commit; a run names none itself when it is for a
    fork. None when the run was not for a pull request, its repository is gone, or there is a newer commit.
    One branch may be proposed to several base branches. Raises GitHubError.
    """
    owner = run.repository.partition("/")[0]
    if run.event != "pull_request" or not owner or not run.head_branch:
        return ()
    path = paths.of_repository(repository, "pulls")
    listed = client.pages(path, state="open", head=f"{owner}:{run.head_branch}")
    matching = [_pull(each) for each in listed if _is_of(each, repository, run)]
    return tuple(sorted(matching, key=lambda pull: pull.number))


def gate_conclusions(client: Client, repository: str, run_id: int) -> dict[str, str]:
    """How the gates of the latest attempt of a run ended, by the whole names of their jobs.

    A matrix over projects has several gates: `mlsecops (a) / report / gate`. One that has not ended has its
    state instead. The names are the fork's words. Raises GitHubError.
    """
    found: dict[str, str] = {}
    for job in client.pages(_of_run(repository, run_id, "jobs"), "jobs", filter="latest"):
        name = payload.text(job.get("name"))
        if name.rpartition(" / ")[2] != _GATE:
            continue
        conclusion = payload.text(job.get("conclusion")) or payload.text(job.get("status")) or "unknown"
        # Two jobs may have one name: the worse counts.
        found[name] = conclusion if found.get(name, _SUCCESS) == _SUCCESS else found[name]
    return found


def doubt(word: Word, conclusions: Mapping[str, str]) -> str | None:
    """Why a report with this verdict is not to be believed, or None. Pure.

    Which of several gates is a report's own cannot be known, so "passed" needs the success of all of them.
    A worse verdict is doubtful only when no gate at all agrees.
    """
    passed = sum(conclusion == _SUCCESS for conclusion in conclusions.values())
    if not conclusions:
        return (
            "the run has no job 'gate' that confirms this report; see the run" if word == "passed" else None
        )
    if word == "passed" and passed < len(conclusions):
        gates = (
            "the gate"
            if len(conclusions) == 1
            else f"{len(conclusions) - passed} of {len(conclusions)} gates"
        )
        return f"{gates} of this run did not pass, although this report says so; see the run"
    if word != "passed" and passed == len(conclusions):
        return "the gate of this run passed, although this report does not; see the run"
    return None


def changes_workflows(client: Client, repository: str, number: int) -> bool:
    """Whether a pull request changes workflows: then its run, gate included, may be of its own making.

    True as well when it has more files than GitHub lists. Raises GitHubError.
    """
    count = 0
    for file in client.pages(paths.of_repository(repository, "pulls", number, "files"), most=_MOST_FILES):
        count += 1
        names = (payload.text(file.get(key)) for key in ("filename", "previous_filename"))
        if any(name.startswith(_WORKFLOWS) for name in names):
            return True
    return count >= _MOST_FILES


def report_artifacts(client: Client, repository: str, run_id: int) -> list[ReportArtifact]:
    """The reports that a run left, by identifier: the newest of each, not expired, at most `MOST_ARTIFACTS`.

    Raises GitHubError.
    """
    newest: dict[str, ReportArtifact] = {}
    for artifact in client.pages(_of_run(repository, run_id, "artifacts"), "artifacts"):
        identifier = _identifier(payload.text(artifact.get("name")))
        number, size = natural(artifact.get("id")), natural(artifact.get("size_in_bytes"))
        if not identifier or number is None or size is None or artifact.get("expired") is not False:
            continue
        known = newest.get(identifier)
        if known is None or number > known.id:  # GitHub counts them up
            newest[identifier] = ReportArtifact(identifier, number, size)
    return [newest[identifier] for identifier in sorted(newest)][:MOST_ARTIFACTS]


def _is_of(pull: Json, repository: str, run: WorkflowRun) -> bool:
    """Whether a pull request of this repository stands at the commit and branch of a run."""
    head, base = object_of(pull, "head"), object_of(pull, "base")
    return (
        pull.get("state") == "open"
        and head.get("sha") == run.head_sha
        and head.get("ref") == run.head_branch
        and _is_named(head, run.repository)
        and _is_named(base, repository)
    )


def _is_named(side: Json, repository: str) -> bool:
    """Whether the head or base of a pull request is in a repository; GitHub's names know no case."""
    name = payload.text(object_of(side, "repo").get("full_name"))
    return name.casefold() == repository.casefold()


def _pull(pull: Json) -> PullRequest:
    head, base = object_of(pull, "head"), object_of(pull, "base")
    try:
        return PullRequest(
            number=payload.number(pull.get("number"), "its number"),
            head_sha=payload.sha(head.get("sha"), "head.sha"),
            head_ref=payload.branch(head.get("ref"), "head.ref"),
            base_sha=payload.sha(base.get("sha"), "base.sha"),
            base_ref=payload.branch(base.get("ref"), "base.ref"),
            fork=not _is_named(head, payload.text(object_of(base, "repo").get("full_name"))),
            author=payload.text(object_of(pull, "user").get("login")),
        )
    except EventError as error:
        raise GitHubError(f"GitHub describes a pull request that cannot be understood: {error}") from error


def _of_run(repository: str, run_id: int, what: str) -> str:
    return paths.of_repository(repository, "actions", "runs", run_id, what)


def _identifier(name: str) -> str:
    """The identifier in the name of a report's artifact, or ""."""
    match = _ARTIFACT.fullmatch(name)
    if match is None:
        return ""
    named = match["identifier"]
    if named is None:
        return DEFAULT_IDENTIFIER
    # `mlsecops-default-report` is no name that we give.
    return named if is_identifier(named) and named != DEFAULT_IDENTIFIER else ""
