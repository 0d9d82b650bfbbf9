"""The steps of a job that scans: fetch the policy of the base commit, run the stages over the checkout."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from rich.console import Console

from mlsecops import policy
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.github import base_policy
from mlsecops.github.inputs import artifact_name
from mlsecops.github.judgement import announce, set_outputs
from mlsecops.github.step import Step, emptied
from mlsecops.job import Options
from mlsecops.policy import Policy
from mlsecops.scanning import Settings, scan_stages

POLICY = "MLSECOPS_POLICY"


def fetch_policy(step: Step) -> None:
    """Leave the policy of the base commit in a file and name it in the output `path`, empty without one.

    The token stays in this step: the next one may run code of the repository.
    Raises GitHubError and PolicyError.
    """
    found = base_policy.fetch(
        step.client, step.event.repository, step.event.policy_commit, step.inputs.project
    )
    emptied(step.folders.policy)
    if found is None:
        step.runner.output("path", "")
        return
    file = step.folders.policy / found.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(found.content)
    step.runner.output("path", str(file))


def scan(step: Step, console: Console, now: datetime) -> None:
    """Run the stages that the inputs name over the checkout; set the outputs.

    `folder` and `artifact` name the results, `sha256` is the digest of a single stage's. With the input
    `gate` the stages are judged by themselves: `verdict` and `exit-code`. Raises what `scan_stages` raises.
    """
    stages = step.inputs.stages
    part = stages[0] if len(stages) == 1 else "scan"
    folder = emptied(step.folders.results / part)
    rules = _policy(step)
    identifier = None if step.inputs.identifier == "default" else step.inputs.identifier
    options = Options(image_required=step.inputs.image == "required")
    settings = Settings(policy=rules, identifier=identifier, options=options)
    # Names of files that are scanned end up in what is printed.
    with step.runner.muted():
        scan_stages(step.project, stages, settings, results=folder, keep=folder, console=console)
    step.runner.output("folder", str(folder))
    step.runner.output("artifact", artifact_name(step.inputs.identifier, part))
    if len(stages) == 1:
        step.runner.output("sha256", sha256(folder / f"{part}.sarif"))
    if step.inputs.gate:
        conclusion = _judge(step, rules, folder, now)
        announce(step, conclusion)
        set_outputs(step.runner, conclusion)


def sha256(path: Path) -> str:
    """The digest of a file in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _policy(step: Step) -> Policy:
    """The policy that the step before left: never the checkout's, which a pull request may have changed."""
    given = step.environ.get(POLICY, "")
    if not given:
        return Policy()
    path = Path(given)
    name = path.relative_to(step.folders.policy) if path.is_relative_to(step.folders.policy) else path
    return policy.load(path, name=name.as_posix())


def _judge(step: Step, rules: Policy, folder: Path, now: datetime) -> Conclusion:
    question = Question(
        policy=rules,
        expected=step.inputs.stages,
        generated=now,
        project=step.name,
        partial=True,
        identifier=step.inputs.identifier,
        links=step.event.links(step.inputs.project, step.inputs.stages),
    )
    return conclude(folder, emptied(step.folders.report), question)
