"""Each stage's workflow and each composite action alone, executed in a second repository."""

from __future__ import annotations

import json

import pytest
from support.acting import callers, events
from support.acting.chain import NO_ENGINE, ROOT_IMAGE, SERVICE, Chain, project
from support.acting.runner import Run
from support.acting.staging import OURS, SHA
from support.sarif_logs import log
from support.sarif_logs import run as sarif_run

STAGES = ("test", "sca", "sast", "model", "container", "dast")
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
HEAD = "name: scan\non: push\npermissions: { contents: read }\njobs:\n"


def called(stage: str, **inputs: object) -> str:
    """A job that calls the workflow of a stage."""
    uses = f"{OURS}/.github/workflows/{stage}.yml@{SHA}"
    given = {**(NO_ENGINE if stage == "container" else {}), **inputs}
    return f"  {stage}: {json.dumps({'uses': uses, 'with': given})}\n"


def steps(*lines: dict[str, object]) -> str:
    """A job of steps after a checkout."""
    listed = [{"uses": CHECKOUT, "with": {"persist-credentials": False}}, *lines]
    return f"  job: {json.dumps({'runs-on': 'ubuntu-24.04', 'steps': listed})}\n"


def action(name: str, **inputs: object) -> dict[str, object]:
    """A step with one of our actions."""
    given = {**(NO_ENGINE if name in ("container", "scan") else {}), **inputs}
    return {"id": name, "uses": f"{OURS}/actions/{name}@{SHA}", "with": given}


def run(chain: Chain, jobs: str, files: dict[str, str] | None = None) -> Run:
    """Run the jobs for a push of the small project."""
    return chain.push(HEAD + jobs, files)


def test_every_stages_workflow_alone_passes_a_clean_project_as_written(chain: Chain) -> None:
    ran = run(chain, "".join(map(called, STAGES)), SERVICE)

    assert ran.exit_code == 0, ran.text
    for stage in STAGES:
        outputs = ran.job(f"{stage}/scan").step("scan").outputs
        assert (outputs["verdict"], outputs["artifact"]) == ("passed", f"mlsecops-{stage}")
        assert len(outputs["sha256"]) == 64
        assert outputs["artifact-id"].isdecimal()
        assert f"{stage}.sarif" in ran.artifacts[f"mlsecops-{stage}"]
    assert chain.platform.uploads == []


def test_every_action_alone_passes_a_clean_project(chain: Chain) -> None:
    ran = run(chain, steps(*(action(stage, gate=True) for stage in STAGES)), SERVICE)

    assert ran.exit_code == 0, ran.text
    for stage in STAGES:
        step = ran.job("job").step(stage)
        assert (step.outcome, step.outputs["verdict"]) == ("success", "passed")
        assert f"{stage}.sarif" in ran.artifacts[f"mlsecops-{stage}"]


@pytest.mark.parametrize("gate", [True, False])
def test_a_stages_workflow_alone_is_the_gate_unless_a_report_is(chain: Chain, *, gate: bool) -> None:
    ran = run(chain, called("container", gate=gate, id="api"), ROOT_IMAGE)

    assert ran.exit_code == int(gate)
    job = ran.job("container/scan")
    assert job.step("scan").outputs["verdict"] == ("blocked" if gate else "")
    assert job.step("scan").outputs["artifact"] == "mlsecops-api-container"
    assert job.outcome("Gate") == ("failure" if gate else "skipped")
    assert ("Dockerfile" in [note.file for note in ran.annotations]) is gate
    assert ("mlsecops blocked" in ran.summary) is gate


def test_an_action_alone_ends_its_job_red_and_keeps_its_result(chain: Chain) -> None:
    ran = run(chain, steps(action("container")), ROOT_IMAGE)

    assert ran.exit_code == 1
    assert ran.job("job").step("container").outputs["verdict"] == "blocked"
    assert "container.sarif" in ran.artifacts["mlsecops-container"]


def test_stages_as_steps_and_the_report_in_one_job(chain: Chain) -> None:
    report = action("report", stages="model, container") | {"if": "always()"}
    ran = run(chain, steps(action("model", gate=False), action("container", gate=False), report), ROOT_IMAGE)

    assert ran.exit_code == 1
    outputs = ran.job("job").step("report").outputs
    assert (outputs["verdict"], outputs["high"]) == ("blocked", "1")
    assert {"stages/model.sarif", "stages/container.sarif"} <= set(ran.artifacts["mlsecops-report"])
    assert len(chain.platform.uploads) == 1


def test_several_stages_in_one_step_and_the_report(chain: Chain) -> None:
    given = {"stages": "model, container"}
    ran = run(chain, steps(action("scan", **given), action("report", **given, upload="never")))

    assert ran.exit_code == 0, ran.text
    assert ran.job("job").step("report").outputs["verdict"] == "passed"
    assert chain.platform.uploads == []


@pytest.mark.parametrize("taken", [2, 1])
def test_more_tools_than_one_upload_takes_go_in_two(chain: Chain, taken: int) -> None:
    chain.platform.most_uploads = taken
    stages = ("container", "sast")
    made = {stage: log(*(sarif_run(stage, f"{stage}-{number}") for number in range(11))) for stage in stages}
    files = {f"made/{stage}.sarif": json.dumps(content) for stage, content in made.items()}
    results = '"$RUNNER_TEMP/mlsecops/default/results"'
    leave: dict[str, object] = {"run": f"mkdir -p {results}; cp -r made {results}"}

    ran = run(chain, steps(leave, action("report", stages=", ".join(stages))), files)

    assert ran.exit_code == 0, ran.text
    due = [sorted(f"mlsecops/{stage}/{stage}-{number}/" for number in range(11)) for stage in stages]
    assert [upload.categories for upload in chain.platform.uploads] == due[:taken]
    said = [note.message for note in ran.annotations if "did not take the SARIF file" in note.message]
    assert len(said) == (taken == 1)


def test_without_a_python_of_its_own_an_action_takes_the_runners(chain: Chain) -> None:
    ran = run(chain, steps(action("container", **{"python-version": ""})))

    assert ran.exit_code == 0, ran.text
    assert ran.job("job").outcome("Set up Python") == "skipped"


def test_the_report_alone_is_incomplete_where_a_job_was_cancelled_which_act_cannot_do(chain: Chain) -> None:
    ended = {
        "container": {"result": "cancelled", "outputs": {}},
        "model": {"result": "skipped", "outputs": {}},
    }
    ran = run(chain, called("report", needs=json.dumps(ended), stages="model, container"))

    assert ran.exit_code == 1
    gate = ran.job("report/gate")
    assert gate.step("report").outputs["verdict"] == "incomplete"
    assert gate.outcome("Fetch what the stages left") == "skipped"
    assert "its job was cancelled" in ran.summary
    assert "its job was skipped" in ran.summary


def test_a_result_that_another_job_wrote_over_does_not_count(chain: Chain) -> None:
    forged = {"name": "mlsecops-container", "path": "container.sarif", "overwrite": True}
    hostile = steps(
        {"run": 'echo \'{"version": "2.1.0", "runs": []}\' > container.sarif'},
        {"uses": UPLOAD, "with": forged},
    ).replace('{"runs-on"', '{"needs": "container", "runs-on"')
    report = called("report", needs="${{ toJSON(needs) }}", stages="container").replace(
        '{"uses"', '{"needs": ["container", "job"], "uses"'
    )

    ran = run(chain, called("container", gate=False) + hostile + report)

    assert ran.exit_code == 1
    assert ran.job("report/gate").step("report").outputs["verdict"] == "incomplete"
    assert "its result is not the one that its job left" in ran.summary


def test_a_project_in_a_folder_is_found_there(chain: Chain) -> None:
    caller = project(chain.folder / "caller", HEAD + called("container", project="deep/down", id="down"))
    files = {"deep/down/Dockerfile": ROOT_IMAGE["Dockerfile"]}

    ran = chain.run(caller, events.push("0" * 40, caller.add(files)))

    assert ran.exit_code == 1
    assert [note.file for note in ran.annotations if note.file] == ["deep/down/Dockerfile"]


def test_a_hostile_checkout_is_not_taken_for_our_own_code(chain: Chain) -> None:
    shadows = dict.fromkeys(("mlsecops.py", "click.py", "bootstrap.py", "json.py"), "raise SystemExit(0)\n")
    caller = callers.create(chain.folder / "caller", HEAD + called("container"), {**shadows, **ROOT_IMAGE})

    ran = chain.run(caller, events.push("0" * 40, caller.sha))

    assert ran.exit_code == 1
    assert ran.job("container/scan").step("scan").outputs["verdict"] == "blocked"
