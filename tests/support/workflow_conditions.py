"""What every condition and every reckoned value in our YAML must come to, in which context.

Contexts are written as GitHub has them: inputs of an action are strings, those of a workflow have their type,
and what a skipped step or another event would have set is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Literal

from mlsecops.chain import STAGES
from support.node_tools import Question, Status
from support.workflow_files import Json

ERROR = "error"
_STATUS: tuple[Status, ...] = ("success", "failure", "cancelled", "skipped")
_EVENTS = ("push", "pull_request", "merge_group", "schedule", "workflow_dispatch")


@dataclass(frozen=True, eq=False)
class Row:
    """One context, and what the expression comes to in it: ERROR where GitHub cannot evaluate it."""

    context: Json
    expected: Any
    status: Status = "success"


@dataclass(frozen=True, eq=False)
class Case:
    """An expression, where it stands (patterns of `file: place`), and its rows.

    A place is `jobs.<job>` or the name of a step for a condition, and the path of the value otherwise.
    """

    kind: Literal["if", "value"]
    expression: str
    places: tuple[str, ...]
    rows: tuple[Row, ...]

    def stands_at(self, place: str) -> bool:
        """Whether this case speaks of a place."""
        return any(fnmatch(place, pattern) for pattern in self.places)

    def questions(self) -> list[Question]:
        """The rows as questions to GitHub's evaluator."""
        return [Question(self.expression, row.context, row.status, self.kind == "if") for row in self.rows]


def _always(*places: str) -> Case:
    return Case("if", "always()", places, tuple(Row({}, True, status) for status in _STATUS))


def _inputs(**values: Any) -> Json:
    return {"inputs": {name.replace("_", "-"): value for name, value in values.items()}}


def _outputs(step: str, outputs: Mapping[str, str]) -> Json:
    return {"steps": {step: {"outputs": dict(outputs)}}}


def _event(name: str, payload: Json | None = None, **github: Any) -> Json:
    return {"github": {"event_name": name, "event": payload or {}, "run_id": "77", **github}}


def _stage(stage: str) -> Case:
    """The job of a stage runs when its name is among the stages, written in any case, and for no other."""
    others = ", ".join(each for each in STAGES if each != stage)
    return Case(
        "if",
        f"contains(inputs.stages, '{stage}')",
        (f"*/secure-ml.yml: jobs.{stage}",),
        (
            Row(_inputs(stages=", ".join(STAGES)), True),
            Row(_inputs(stages=stage), True),
            Row(_inputs(stages=stage.upper()), True),
            Row(_inputs(stages=others), False),
            Row(_inputs(stages=stage), False, "cancelled"),
        ),
    )


_OF_MAIN = {"default_branch": "main"}
_FORK = {"event": "pull_request", "head_repository": {"full_name": "someone/repo"}}


CASES: tuple[Case, ...] = (
    # A gate that is skipped counts as passed, so these run whatever happened before.
    _always(
        "*/secure-ml.yml: jobs.report",
        "*/secure-ml-compact.yml: Report",
        "actions/report/action.yml: Gate",
        "templates/workflows/mlsecops-monorepo.yml: jobs.all",
    ),
    *(_stage(stage) for stage in STAGES),
    Case(
        "if",
        "inputs.python-version != ''",
        ("actions/*/action.yml: Set up Python",),
        (
            Row(_inputs(python_version="3.12"), True),
            Row(_inputs(python_version=""), False),
            Row(_inputs(python_version="3.12"), False, "failure"),
        ),
    ),
    Case(
        "if",
        "runner.environment == 'github-hosted'",
        (
            "actions/dast/action.yml: Allow network namespaces",
            "actions/scan/action.yml: Allow network namespaces",
        ),
        (
            Row({"runner": {"environment": "github-hosted"}}, True),
            Row({"runner": {"environment": "self-hosted"}}, False),
            Row({"runner": {}}, False),
            Row({"runner": {"environment": "github-hosted"}}, False, "failure"),
        ),
    ),
    Case(
        "if",
        "inputs.gate == 'true'",
        tuple(f"actions/{stage}/action.yml: Gate" for stage in STAGES),
        (
            Row(_inputs(gate="true"), True),
            Row(_inputs(gate="false"), False),
            Row(_inputs(gate=""), False),
            # The steps before are red already, and so is the job.
            Row(_inputs(gate="true"), False, "failure"),
        ),
    ),
    Case(
        "if",
        "steps.results.outputs.artifact-ids != ''",
        ("actions/report/action.yml: Fetch what the stages left",),
        (
            Row(_outputs("results", {"artifact-ids": "12,13"}), True),
            Row(_outputs("results", {"artifact-ids": ""}), False),
            Row(_outputs("results", {}), False),
        ),
    ),
    Case(
        "if",
        "steps.report.outputs.sarif != ''",
        ("actions/report/action.yml: Upload to code scanning",),
        (
            Row(_outputs("report", {"sarif": "/tmp/a.sarif"}), True),
            Row(_outputs("report", {}), False),
            Row(_outputs("report", {"sarif": "/tmp/a.sarif"}), False, "failure"),
        ),
    ),
    Case(
        "if",
        "steps.report.outputs.sarif-more != ''",
        ("actions/report/action.yml: Upload to code scanning what one file has no room for",),
        (
            Row(_outputs("report", {"sarif": "/tmp/a.sarif", "sarif-more": "/tmp/b.sarif"}), True),
            Row(_outputs("report", {"sarif": "/tmp/a.sarif"}), False),
            Row(_outputs("report", {"sarif-more": "/tmp/b.sarif"}), False, "failure"),
        ),
    ),
    Case(
        "if",
        "always() && steps.report.outcome == 'success'",
        ("actions/report/action.yml: Comment",),
        (
            Row({"steps": {"report": {"outcome": "success"}}}, True),
            Row({"steps": {"report": {"outcome": "success"}}}, True, "failure"),
            Row({"steps": {"report": {"outcome": "failure"}}}, False, "failure"),
            Row({"steps": {"report": {"outcome": "skipped"}}}, False, "failure"),
            Row({"steps": {}}, False, "failure"),
        ),
    ),
    Case(
        "if",
        "github.event.workflow_run.event == 'pull_request' "
        "&& github.event.workflow_run.head_repository.full_name != github.repository",
        ("templates/workflows/mlsecops-fork-comment.yml: jobs.comment",),
        (
            Row(_event("workflow_run", {"workflow_run": _FORK}, repository="org/repo"), True),
            Row(_event("workflow_run", {"workflow_run": _FORK}, repository="someone/repo"), False),
            Row(
                _event("workflow_run", {"workflow_run": {**_FORK, "event": "push"}}, repository="org/repo"),
                False,
            ),
            Row(_event("workflow_run", {"workflow_run": _FORK}, repository="Someone/Repo"), False),
        ),
    ),
    Case(
        "if",
        "github.event.workflow_run.event == 'push' "
        "&& github.event.workflow_run.head_branch == github.event.repository.default_branch",
        ("templates/workflows/mlsecops-export.yml: jobs.export",),
        tuple(
            Row(_event("workflow_run", {"workflow_run": finished, "repository": _OF_MAIN}), exported)
            for finished, exported in (
                ({"event": "push", "head_branch": "main"}, True),
                ({"event": "push", "head_branch": "feature"}, False),
                ({"event": "pull_request", "head_branch": "main"}, False),
                ({"event": "schedule", "head_branch": "main"}, False),
            )
        ),
    ),
    Case(
        "if",
        "inputs.defectdojo-url != ''",
        ("actions/export/action.yml: Send the findings",),
        (
            Row(_inputs(defectdojo_url="https://dojo.example"), True),
            Row(_inputs(defectdojo_url=""), False),
            Row(_inputs(defectdojo_url="https://dojo.example"), False, "failure"),
        ),
    ),
    Case(
        "if",
        "!cancelled() && inputs.dependency-track-url != ''",
        ("actions/export/action.yml: Send the bills of materials",),
        (
            *(Row(_inputs(dependency_track_url="https://x"), each != "cancelled", each) for each in _STATUS),
            Row(_inputs(dependency_track_url=""), False),
        ),
    ),
    Case(
        "if",
        "!cancelled()",
        ("templates/workflows/mlsecops-rescan.yml: jobs.tracking-issue",),
        tuple(Row({}, status != "cancelled", status) for status in _STATUS),
    ),
    Case(
        "if",
        "github.repository != 'OWNER/mlsecops'",
        ("templates/workflows/required.yml: jobs.mlsecops",),
        (
            Row({"github": {"repository": "org/api"}}, True),
            Row({"github": {"repository": "OWNER/mlsecops"}}, False),
        ),
    ),
    Case(
        "if",
        "github.event_name == 'push'",
        (".github/workflows/ci.yml: jobs.compact",),
        tuple(Row(_event(event), event == "push") for event in _EVENTS),
    ),
    Case(
        "value",
        "startsWith(inputs.runs-on, '[') && fromJSON(inputs.runs-on) || inputs.runs-on",
        (".github/workflows/*.yml: jobs.*.runs-on",),
        (
            Row(_inputs(runs_on="ubuntu-24.04"), "ubuntu-24.04"),
            Row(_inputs(runs_on='["self-hosted", "linux"]'), ["self-hosted", "linux"]),
            Row(_inputs(runs_on="[self-hosted"), ERROR),
        ),
    ),
    Case(
        "value",
        "github.event.pull_request.number || github.run_id",
        ("*: concurrency.group",),
        (
            Row(_event("pull_request", {"pull_request": {"number": 12}}), 12),
            *(Row(_event(event), "77") for event in _EVENTS if event != "pull_request"),
        ),
    ),
    Case(
        "value",
        "github.event_name == 'pull_request'",
        ("*: concurrency.cancel-in-progress",),
        tuple(Row(_event(event), event == "pull_request") for event in _EVENTS),
    ),
    Case(
        "value",
        "toJSON(needs)",
        ("*/secure-ml.yml: jobs.report.with.needs",),
        (
            Row({"needs": {}}, "{}"),
            Row(
                {"needs": {"sca": {"result": "skipped", "outputs": {}}}},
                '{\n  "sca": {\n    "result": "skipped",\n    "outputs": {}\n  }\n}',
            ),
        ),
    ),
)
