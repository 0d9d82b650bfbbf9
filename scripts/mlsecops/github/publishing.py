"""The step that keeps the comment on the pull request. What it may not do is said, and changes no verdict."""

from __future__ import annotations

from mlsecops.github import comments
from mlsecops.github.client import ForbiddenError, GitHubError
from mlsecops.github.event_model import PullRequest
from mlsecops.github.step import Step

UPLOADED = "MLSECOPS_UPLOADED"
_UPLOAD_FAILED = (
    "code scanning did not take the SARIF file, see the steps 'Upload to code scanning'; "
    "it is in the report artifact, and the verdict stands"
)
_TITLE = "mlsecops"


def publish(step: Step) -> None:
    """Set the comment of the report on the pull request of this run, if there is one."""
    notes = []
    if "failure" in step.environ.get(UPLOADED, "").split():
        notes.append(_UPLOAD_FAILED)
        step.runner.warning(_UPLOAD_FAILED, title=_TITLE)
        step.runner.summary(f"> {_UPLOAD_FAILED}")
    pull = step.event.pull
    if pull is None or not step.inputs.comment:
        return
    body = (step.folders.report / "comment.md").read_text(encoding="utf-8")
    try:
        _set(step, pull, body + "".join(f"\n<sub>{note}</sub>\n" for note in notes))
    except ForbiddenError as error:
        step.runner.notice(_refused(pull, error), title=_TITLE)
    except GitHubError as error:
        step.runner.warning(f"no comment was left: {error}", title=_TITLE)


def _set(step: Step, pull: PullRequest, body: str) -> None:
    repository, number = step.event.repository, pull.number
    if not comments.is_current(step.client, repository, number, pull.head_sha):
        step.runner.notice("the pull request has a newer commit, whose run leaves the comment", title=_TITLE)
        return
    comments.upsert(step.client, repository, number, body)


def _refused(pull: PullRequest, error: ForbiddenError) -> str:
    if pull.fork:
        return (
            "a run for a fork may not comment: the report is in the summary of this run; "
            "templates/workflows/mlsecops-fork-comment.yml leaves the comment"
        )
    return f"no comment was left, the report is in the summary of this run: {error}"
