"""Every awkward shape of a repository ends with a verdict, and nothing in it is silently left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mlsecops.chain import STAGES, Chain
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Options
from mlsecops.policy import DastSettings, Policy
from mlsecops.project import Project, discover
from mlsecops.sarif.build import Status, decode_uri
from mlsecops.sarif.check import check
from mlsecops.sarif.limits import EVERY_RUN
from support.contexts import toolbox
from support.shapes import SHAPES

# Services of these shapes are made, started and asked, and one of them is attacked to the end.
ATTACKED = "requirements-in-only"
HURRIED = Policy(dast=DastSettings(timeout=3.0))


class Quiet:
    """Nobody watches."""

    def started(self, stage: str, tool: str) -> None: ...
    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None: ...


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an index nor OSV is asked: these tests must not depend on a network."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("MLSECOPS_OSV_URL", "http://127.0.0.1:9")


def run_chain(root: Path, tmp_path: Path, policy: Policy) -> tuple[Project, Conclusion]:
    project = discover(root)
    out = tmp_path / "out"
    chain = Chain(
        project=project,
        policy=policy,
        options=Options(),
        toolbox=toolbox(),
        work=tmp_path / "work",
        keep=out,
        cores=2,
    )
    chain.run(list(STAGES), out / "stages", Quiet())
    question = Question(policy=policy, expected=list(STAGES), generated=datetime.now(UTC))
    return project, conclude(out / "stages", out, question)


def mentioned(log: dict[str, Any]) -> Iterator[str]:
    """Every file that a run looked at, could not read, or has a finding in."""
    for run in log["runs"]:
        for artifact in run.get("artifacts", []):
            yield decode_uri(artifact["location"]["uri"])
        places = [place for result in run["results"] for place in result["locations"]]
        for notification in run["invocations"][0]["toolExecutionNotifications"]:
            places += notification.get("locations", [])
        for place in places:
            yield decode_uri(place["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "missing-path"])
def test_a_shape_ends_with_a_verdict_and_everything_is_accounted_for(shape: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    SHAPES[shape](root)
    project, conclusion = run_chain(root, tmp_path, Policy() if shape == ATTACKED else HURRIED)
    log = json.loads(conclusion.files["report.sarif"].read_bytes())
    assert conclusion.verdict.word in ("passed", "blocked", "incomplete")
    assert all(path.stat().st_size > 0 for path in conclusion.files.values())
    assert check(log, EVERY_RUN) == []
    reasons = [tool.reason for stage in conclusion.report.stages for tool in stage.tools]
    assert not [reason for reason in reasons if "mlsecops itself failed" in reason]
    assert not [reason for reason in reasons if "what it found cannot be read" in reason]
    seen = set(mentioned(log))
    due = {
        *project.python,
        *project.notebooks,
        *project.dockerfiles,
        *project.workflows,
        *project.text_files,
        *(model.uri for model in project.models),
        *(manifest.uri for manifest in project.manifests_to_audit()),
    }
    # The SCA and test stages count packages and tests; an incomplete one names the first it could not settle.
    unsettled = {manifest.uri for manifest in project.manifests} | set(project.tests.files)
    assert due - seen <= unsettled, sorted(due - seen)
