"""The steps of the job that reports: take the stages' results, judge them, prepare what GitHub is given.

No code of the repository runs here, and everything that other jobs left is taken for hostile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.github import artifacts, baseline, code_scanning, needs, upload
from mlsecops.github.archive import ArtifactError
from mlsecops.github.code_scanning import Decision
from mlsecops.github.inputs import artifact_name
from mlsecops.github.judgement import announce, set_outputs
from mlsecops.github.needs import Need
from mlsecops.github.rules import counting
from mlsecops.github.step import Step, emptied
from mlsecops.policy import STAGES

NEEDS = "MLSECOPS_NEEDS"


def look_up(step: Step) -> None:
    """Set the outputs `artifact-ids` and `folder`: what is to be fetched, and where to.

    Empty ids when the stages ran in this job. Raises NeedsError.
    """
    jobs = _needs(step)
    ids = needs.artifact_ids(jobs) if jobs is not None else []
    step.runner.output("artifact-ids", ",".join(map(str, ids)))
    step.runner.output("folder", str(emptied(step.folders.downloads)))


def report(step: Step, now: datetime) -> None:
    """Judge what the stages left, write all reports and set the outputs of the action.

    Raises NeedsError, OSError, and SarifError when the reports cannot be made.
    """
    emptied(step.folders.report)
    absent = _take(step)
    rules = counting(step.client, step.event, step.inputs)
    known = baseline.newest(step.client, step.event, step.inputs.identifier, emptied(step.folders.baseline))
    decision = code_scanning.decide(step.client, step.event, step.inputs.upload)
    partial = set(step.inputs.stages) != set(STAGES)
    links = step.event.links(step.inputs.project, step.inputs.stages if partial else ())
    question = Question(
        policy=rules.policy,
        expected=step.inputs.stages,
        generated=now,
        project=step.name,
        baseline=known.path,
        baseline_source=known.source,
        history=known.history,
        partial=partial,
        identifier=step.inputs.identifier,
        # Where nothing is uploaded there are no alerts to lead to.
        links=links if decision.upload else replace(links, security=""),
        absent=absent,
        proposal=rules.proposal,
        doubts=rules.doubts,
        notices=[*rules.notices, *known.notices],
    )
    conclusion = conclude(step.folders.report / "stages", step.folders.report, question)
    announce(step, conclusion)
    set_outputs(step.runner, conclusion)
    step.runner.output("report-artifact", artifact_name(step.inputs.identifier, "report"))
    step.runner.output("folder", str(step.folders.report))
    _prepare_upload(step, conclusion, decision)


def _needs(step: Step) -> dict[str, Need] | None:
    """How the stages' jobs ended; None when the stages ran as steps of this job."""
    given = step.environ.get(NEEDS, "")
    return needs.read(given) if given.strip() else None


def _take(step: Step) -> Mapping[str, str]:
    """Put the results that can be trusted below the report; why the others cannot, by stage."""
    target = emptied(step.folders.report / "stages")
    due, identifier = step.inputs.stages, step.inputs.identifier
    jobs = _needs(step)
    try:
        if jobs is None:
            absent = artifacts.gather(step.folders.results, due, target, identifier=identifier)
        else:
            absent = artifacts.accept(step.folders.downloads, jobs, due, target, identifier=identifier)
    except ArtifactError as error:
        emptied(target)
        return dict.fromkeys(due, str(error))
    for side_file in (target / name for name in artifacts.SIDE_FILES):
        if side_file.exists():
            side_file.replace(step.folders.report / side_file.name)
    return absent


def _prepare_upload(step: Step, conclusion: Conclusion, decision: Decision) -> None:
    """Write the files for code scanning where they are wanted, and say why they are not."""
    if not decision.upload:
        step.runner.notice(f"not uploaded to code scanning: {decision.reason}", title="mlsecops")
        return
    stages = sorted((step.folders.report / "stages").glob("*.sarif"))
    uploaded = upload.write(
        stages, step.folders.code_scanning, report=conclusion.report, project=step.inputs.project
    )
    for notice in uploaded.notices:
        step.runner.notice(notice, title="mlsecops")
    for name, path in zip(("sarif", "sarif-more"), uploaded.files, strict=False):
        step.runner.output(name, str(path))
