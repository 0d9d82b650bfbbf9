"""The step that comments for a fork, in a workflow_run workflow of the base repository.

What the fork's run left is taken for hostile: only its findings are used, and the comment is written anew.
They are judged by the policy of the base commit, and pass only when GitHub itself says that the gate did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.findings.fields import mappings, own_properties, text_of
from mlsecops.github import archive, baseline, comments, forks, paths
from mlsecops.github.event_model import PullRequest
from mlsecops.github.forks import ReportArtifact
from mlsecops.github.inputs import InputError
from mlsecops.github.rules import counting
from mlsecops.github.step import Step, emptied
from mlsecops.policy import STAGES
from mlsecops.sarif import files
from mlsecops.sarif.build import Json

_TITLE = "mlsecops"
_MOST_BYTES = 64 << 20
_OWN_WORKFLOWS = "this change edits workflows, so that its run, gate included, may be of its own making"


def comment(step: Step, now: datetime) -> None:
    """Set the comments of the run that this event is about.

    Raises InputError outside of a workflow_run workflow, GitHubError, ArtifactError, SarifError and OSError.
    """
    run = step.event.workflow_run
    if run is None:
        raise InputError("the action comment works in a workflow that runs on workflow_run")
    client, repository = step.client, step.event.repository
    pulls = forks.pull_requests(client, repository, run)
    reports = forks.report_artifacts(client, repository, run.id)
    if not pulls or not reports:
        missing = "open pull request whose head is its commit" if not pulls else "report"
        step.runner.notice(f"nothing to comment: the run has no {missing}", title=_TITLE)
        return
    gates = forks.gate_conclusions(client, repository, run.id)
    for pull in pulls:
        notices = [_OWN_WORKFLOWS] if forks.changes_workflows(client, repository, pull.number) else []
        for found in reports:
            fork = _Fork(_on_behalf(step, pull, run.id), found, now, gates, notices)
            body = fork.conclude().files["comment.md"].read_text(encoding="utf-8")
            if not comments.is_current(client, repository, pull.number, pull.head_sha):
                step.runner.notice("the pull request has a newer commit by now", title=_TITLE)
                return
            outcome = comments.upsert(client, repository, pull.number, body)
            step.runner.notice(f"comment {outcome.change}: {outcome.url}", title=_TITLE)


@dataclass(frozen=True, slots=True)
class _Fork:
    """One report that a fork's run left, and the step as if it ran for the pull request."""

    step: Step
    found: ReportArtifact
    now: datetime
    gates: Mapping[str, str]
    notices: list[str]

    def conclude(self) -> Conclusion:
        """The report made anew; one that claims more than the gate confirms is in doubt."""
        folder = emptied(self.step.folders.root / "fork")
        due, absent = self._take(folder)
        known = baseline.newest(
            self.step.client, self.step.event, self.found.identifier, emptied(self.step.folders.baseline)
        )
        rules = counting(self.step.client, self.step.event, self.step.inputs)
        partial = set(due) != set(STAGES)
        question = Question(
            policy=rules.policy,
            expected=due,
            generated=self.now,
            project=self.step.event.repository,
            baseline=known.path,
            baseline_source=known.source,
            partial=partial,
            identifier=self.found.identifier,
            links=self.step.event.links(self.step.inputs.project, due if partial else ()),
            absent=absent,
            proposal=rules.proposal,
            doubts=rules.doubts,
            notices=[*rules.notices, *known.notices, *self.notices],
        )
        conclusion = conclude(folder, self.step.folders.report, question)
        doubt = forks.doubt(conclusion.verdict.word, self.gates)
        if doubt is None:
            return conclusion
        question = replace(question, doubts=(*question.doubts, doubt))
        return conclude(folder, self.step.folders.report, question)

    def _take(self, folder: Path) -> tuple[list[str], dict[str, str]]:
        """Put the findings into a file for each stage; what stages were due, and why some left nothing."""
        zipped = folder / "artifact.zip"
        path = paths.of_repository(self.step.event.repository, "actions", "artifacts", self.found.id, "zip")
        self.step.client.download(path, zipped, most_bytes=_MOST_BYTES)
        log = files.read(archive.unpack_report(zipped, folder), max_bytes=_MOST_BYTES)
        by_stage: dict[str, list[Json]] = {}
        for run in log["runs"]:
            by_stage.setdefault(text_of(own_properties(run).get("stage")), []).append(run)
        for stage in STAGES:
            if stage in by_stage:
                files.write(folder / f"{stage}.sarif", {**log, "runs": by_stage[stage]})
        said = _stages(folder / "report.json")
        due = [stage for stage in STAGES if stage in said or stage in by_stage or not said]
        return due, {stage: said[stage] for stage in due if stage not in by_stage and said.get(stage)}


def _on_behalf(step: Step, pull: PullRequest, run_id: int) -> Step:
    """The step as the run for the pull request would have seen it."""
    event = replace(
        step.event, name="pull_request", pull=pull, sha=pull.head_sha, run_id=run_id, workflow_run=None
    )
    return replace(step, event=event)


def _stages(path: Path) -> dict[str, str]:
    """The stages that a `report.json` names, with their reasons; none when it cannot be read."""
    try:
        document: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    rows = mappings(document.get("stages")) if isinstance(document, dict) else ()
    return {text_of(row.get("name")): text_of(row.get("reason")) for row in rows}
