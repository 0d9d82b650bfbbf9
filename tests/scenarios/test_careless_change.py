"""The careless pull request of `scripts/demo`: every stage that should block it does, and says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import careless_change
import pytest
from support.command import mlsecops

EXAMPLE = Path(__file__).resolve().parents[2] / "example-project"
# The test stage is left out for its time.
STAGES = tuple(part for stage in careless_change.EXPECTED for part in ("--stage", stage))


@pytest.fixture(name="runs", scope="module")
def _runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Reports of the clean example and of the careless change with the clean run as its baseline."""
    folder = tmp_path_factory.mktemp("careless")
    made_by_tools = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis", ".venv*", ".coverage*")
    project = folder / "example-project"
    shutil.copytree(EXAMPLE, project, ignore=made_by_tools)
    clean, careless = folder / "clean", folder / "careless"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLSECOPS_OSV_URL", "http://127.0.0.1:9")
        patch.setenv("MLSECOPS_ENGINE", "none")
        mlsecops("run", project, *STAGES, "--out", clean)
        careless_change.apply(project)
        mlsecops("run", project, *STAGES, "--out", careless, "--baseline", clean / "report.sarif")
    return clean, careless


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_clean_example_is_not_blocked(runs: tuple[Path, Path]) -> None:
    verdict = loaded(runs[0] / "report.json")["verdict"]
    assert verdict["word"] == "incomplete"
    # Nothing but the age of the shipped data, and the stage left out above, stands against it.
    texts = [each["text"] for each in verdict["conditions"]]
    assert len(texts) == 2
    assert "days old" in texts[0]
    assert texts[1] == "test: required by the policy, but not part of this run"


@pytest.mark.parametrize("stage", careless_change.EXPECTED)
def test_every_stage_blocks_the_careless_change(stage: str, runs: tuple[Path, Path]) -> None:
    verdict = loaded(runs[1] / "report.json")["verdict"]
    assert verdict["word"] == "blocked"
    blocking = [each["text"] for each in verdict["conditions"] if each["kind"] == "findings"]
    assert [text for text in blocking if text.startswith(f"{stage}: ")]
    results = {
        result["ruleId"]
        for run in loaded(runs[1] / "report.sarif")["runs"]
        if run["properties"]["mlsecops"]["stage"] == stage
        for result in run["results"]
    }
    assert careless_change.EXPECTED[stage] in results


def test_the_reviewer_reads_what_is_new(runs: tuple[Path, Path]) -> None:
    comment = (runs[1] / "comment.md").read_text(encoding="utf-8")
    assert "blocked" in comment.splitlines()[1]
    for words in ("posix.system", "urllib3", "peek.py", "models/forecast-v2.pkl", "container: 1 new"):
        assert words in comment
    assert "k1L2m3N4" not in comment
