"""The whole chain, executed in a caller's repository that was made from templates/.

"as written" runs the workflows nested as they are. The others run secure-ml.yml with its calls replaced by
the jobs that they call: unlike GitHub, act ends a run at a failed call and loses the outputs of a nested one.
"""

from __future__ import annotations

import json

from support.acting.chain import REQUIREMENTS, ROOT_IMAGE, SERVICE, Chain, secure_ml, shown
from support.small_project import REQUIREMENTS as PINNED

ALL_STAGES = ("test", "sca", "sast", "model", "container", "dast")
CARELESS = {
    "app.py": "import pickle\n\n\n\n\ndef load(data: bytes) -> object:\n    return pickle.loads(data)\n",
    "tests/test_app.py": "from app import load\n\n\ndef test_load():\n    assert load(b'I1\\n.') == 1\n",
    REQUIREMENTS: PINNED + "pyyaml==5.3 --hash=sha256:" + "0" * 64 + "\n",
    **ROOT_IMAGE,
}


def test_a_clean_project_passes_as_written(chain: Chain) -> None:
    run = chain.pull_request(secure_ml(), {"README.md": "# An app\n"}, nested=True, files=SERVICE)

    assert run.exit_code == 0, run.text
    gate = run.job("report/gate")
    assert gate.step("report").outputs["verdict"] == "passed"
    assert {run.conclusion(f"{stage}/scan") for stage in ALL_STAGES} == {"success"}
    assert [note.level for note in run.annotations if note.title == "mlsecops"][-1:] == ["notice"]
    assert "mlsecops passed" in run.summary
    assert set(run.artifacts) == {"mlsecops-report", *(f"mlsecops-{stage}" for stage in ALL_STAGES)}
    assert {"report.sarif", "comment.md", "summary.md", "index.html", "report.json"} <= set(
        run.artifacts["mlsecops-report"]
    )
    (comment,) = chain.platform.comments
    assert "mlsecops passed" in comment
    (upload,) = chain.platform.uploads
    assert {category.split("/")[1] for category in upload.categories} == set(ALL_STAGES)
    assert [result for result in upload.results if result["level"] == "error"] == []


def test_a_careless_pull_request_is_blocked_and_told_where(chain: Chain) -> None:
    run = chain.pull_request(secure_ml(), CARELESS)

    assert run.exit_code == 1
    report = run.job("mlsecops/report")
    outputs = report.step("report").outputs
    assert outputs["verdict"] == "blocked"
    assert int(outputs["high"]) + int(outputs["critical"]) >= 2
    assert report.outcome("Gate") == "failure"
    assert {run.conclusion(f"mlsecops/{stage}") for stage in ALL_STAGES} == {"success"}
    errors = [note for note in run.annotations if note.level == "error"]
    assert errors[0].message.startswith("blocked: ")
    assert {("app.py", 7), ("Dockerfile", 1), (REQUIREMENTS, 3)} <= {
        (note.file, note.line) for note in errors
    }
    assert "mlsecops blocked" in run.summary
    (comment,) = chain.platform.comments
    assert "app.py:7" in comment
    (upload,) = chain.platform.uploads
    assert upload.ref == "refs/pull/7/merge"
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in upload.results
    }
    assert {"app.py", "Dockerfile", REQUIREMENTS} <= places


def test_the_outputs_reach_the_callers_next_job(chain: Chain) -> None:
    run = chain.pull_request(secure_ml(stages="container"), {"README.md": "# An app\n"})

    assert run.exit_code == 0, run.text
    left_out = {stage: run.conclusion(f"mlsecops/{stage}") for stage in ALL_STAGES if stage != "container"}
    assert set(left_out.values()) == {"skipped"}
    outputs = shown(run)["outputs"]
    assert outputs.pop("low").isdecimal()
    assert outputs == {
        "verdict": "passed",
        "critical": "0",
        "high": "0",
        "medium": "0",
        "new": "",
        "fixed": "",
        "report-artifact": "mlsecops-report",
    }


def test_a_stage_that_crashes_makes_the_verdict_incomplete(chain: Chain) -> None:
    crashing = chain.with_changed("actions/container/action.yml", "github scan", "github scan; kill -SEGV $$")

    run = crashing.pull_request(secure_ml(stages="model, container"), {"README.md": "# An app\n"})

    assert run.exit_code == 1
    assert run.conclusion("mlsecops/container") == "failure"
    assert run.conclusion("mlsecops/model") == "success"
    assert run.job("mlsecops/report").step("report").outputs["verdict"] == "incomplete"
    (comment,) = chain.platform.comments
    assert "container: its job failed" in comment


def test_a_pull_request_cannot_bring_its_own_policy(chain: Chain) -> None:
    off = "version: 1\nstages:\n  container:\n    enabled: false\n"
    run = chain.pull_request(secure_ml(stages="container"), {".github/mlsecops.yml": off, **ROOT_IMAGE})

    assert run.exit_code == 1
    assert run.job("mlsecops/report").step("report").outputs["verdict"] == "blocked"


def test_the_policy_of_the_base_commit_counts(chain: Chain) -> None:
    never = "version: 1\nfail-on: never\n"
    run = chain.pull_request(secure_ml(stages="container"), ROOT_IMAGE, files={".github/mlsecops.yml": never})

    assert run.exit_code == 0, run.text
    assert shown(run)["outputs"]["verdict"] == "passed"
    assert shown(run)["outputs"]["high"] == "1"


def test_a_mistaken_input_is_said_and_nothing_passes(chain: Chain) -> None:
    run = chain.pull_request(
        secure_ml(**{"stages": "container", "fail-on": "hihg"}), {"README.md": "# An app\n"}
    )

    assert run.exit_code == 1
    assert any("'hihg'" in note.message for note in run.annotations)
    assert run.job("mlsecops/report").outcome("Gate") == "failure"


def test_no_comment_and_no_upload_where_the_caller_wants_none(chain: Chain) -> None:
    run = chain.pull_request(
        secure_ml(stages="container", comment=False, upload="never"), {"README.md": "# An app\n"}
    )

    assert run.exit_code == 0, run.text
    assert chain.platform.comments == []
    assert chain.platform.uploads == []
    assert run.job("mlsecops/report").outcome("Upload to code scanning") == "skipped"


def test_nothing_of_a_run_prints_the_token(chain: Chain) -> None:
    run = chain.pull_request(secure_ml(stages="container"), ROOT_IMAGE)

    assert not run.prints("ghs_")
    assert "ghs_" not in json.dumps([dict(step.outputs) for job in run.jobs for step in job.steps.values()])
    for files in run.artifacts.values():
        assert not [name for name, content in files.items() if b"ghs_" in content]
