"""The step that keeps one issue open while a scheduled scan does not pass, and closes it when it does."""

from __future__ import annotations

from typing import cast, get_args

from mlsecops.github import tracking_issue
from mlsecops.github.client import ForbiddenError, NotFoundError
from mlsecops.github.step import Step
from mlsecops.verdict import Word

VERDICT = "MLSECOPS_VERDICT"
_TITLE = "mlsecops"
_NO_REPORT = "The scan left no report, so nothing is known; see the run of this workflow."


def track(step: Step) -> None:
    """Open, update or close the issue of this project. Raises GitHubError."""
    given = step.environ.get(VERDICT, "")
    word = cast(Word, given if given in get_args(Word) else "incomplete")
    name = "" if step.inputs.identifier == "default" else f" ({step.inputs.identifier})"
    title = f"mlsecops{name}: the scheduled scan is {word}"
    try:
        outcome = tracking_issue.track(
            step.client,
            step.event.repository,
            identifier=step.inputs.identifier,
            word=word,
            title=title,
            body=_body(step),
        )
    except (ForbiddenError, NotFoundError) as error:
        step.runner.warning(f"no tracking issue is kept: {error}", title=_TITLE)
        return
    step.runner.notice(f"tracking issue {outcome.change} {outcome.url}".rstrip(), title=_TITLE)


def _body(step: Step) -> str:
    """The comment of the report without its marker."""
    file = step.folders.root.parent / "tracking-issue" / "comment.md"
    if not file.is_file():
        run = step.event.links(step.inputs.project).run
        return f"{_NO_REPORT}\n\n{run}\n"
    return file.read_text(encoding="utf-8").partition("\n")[2]
