"""The chain in one job, and over several projects of one repository: executed from templates/."""

from __future__ import annotations

from support import small_project
from support.acting import callers, events
from support.acting.chain import ROOT_IMAGE, Chain, compact, shown, template
from support.acting.runner import Run

README = {"README.md": "# An app\n"}


def test_the_compact_layout_as_written_passes_and_hands_its_outputs_on(chain: Chain) -> None:
    run = chain.pull_request(compact(stages="sast, container"), README, nested=True)

    assert run.exit_code == 0, run.text
    outputs = shown(run)["outputs"]
    assert (outputs["verdict"], outputs["report-artifact"]) == ("passed", "mlsecops-report")
    assert {"stages/sast.sarif", "stages/container.sarif"} <= set(run.artifacts["mlsecops-report"])
    (upload,) = chain.platform.uploads
    assert {"mlsecops/sast/semgrep/", "mlsecops/container/hadolint/"} <= set(upload.categories)
    assert len(chain.platform.comments) == 1


def test_the_compact_layout_as_written_is_blocked_by_its_findings(chain: Chain) -> None:
    run = chain.pull_request(compact(stages="container"), ROOT_IMAGE, nested=True)

    assert run.exit_code == 1
    gate = run.job("mlsecops/gate")
    assert gate.step("report").outputs["verdict"] == "blocked"
    assert gate.conclusion == "failure"
    assert "mlsecops blocked" in chain.platform.comments[0]


def test_the_compact_layout_is_incomplete_when_the_stages_crash(chain: Chain) -> None:
    crashing = chain.with_changed("actions/scan/action.yml", "github scan", "--version; kill -SEGV $$")

    run = crashing.pull_request(compact(stages="container"), README)

    assert run.exit_code == 1
    assert run.job("mlsecops/gate").step("report").outputs["verdict"] == "incomplete"


def test_a_matrix_of_two_projects_has_two_verdicts_comments_and_uploads(chain: Chain) -> None:
    # Two jobs at a time are more than act's table of local folders stands.
    text = template("mlsecops-monorepo.yml").replace(
        "fail-fast: false", "fail-fast: false\n      max-parallel: 1"
    )
    text = text.replace("      project: ${{ matrix.project }}\n", _ONE_STAGE)
    caller = callers.create(chain.folder / "caller", text, {})
    for name in ("services/api", "training"):
        small_project.make(caller.folder / name)
    base = caller.add({})
    _, head = caller.propose({"training/Dockerfile": ROOT_IMAGE["Dockerfile"]})

    run = chain.run(caller, events.pull_request(base, head))

    assert verdicts(run) == ["passed", "blocked"]
    assert set(run.artifacts) == {
        f"mlsecops-{project}-{part}" for project in ("api", "training") for part in ("container", "report")
    }
    passed, blocked = chain.platform.comments
    assert "id=api -->" in passed
    assert "mlsecops (api) passed" in passed
    assert "id=training -->" in blocked
    assert "mlsecops (training) blocked" in blocked
    uploads = chain.platform.uploads
    assert [{category.rsplit("/", 3)[0] for category in upload.categories} for upload in uploads] == [
        {"mlsecops/api"},
        {"mlsecops/training"},
    ]
    assert {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in uploads[1].results
    } == {"training/Dockerfile"}
    assert ("training/Dockerfile", 1) in {(note.file, note.line) for note in run.annotations}


_ONE_STAGE = "      project: ${{ matrix.project }}\n      image: when-available\n      stages: container\n"


def verdicts(run: Run) -> list[str]:
    """The verdicts of all jobs that report, in the order in which they ran."""
    gates = [job for job in run.jobs if job.key.endswith("/report")]
    return [gate.step("report").outputs["verdict"] for gate in gates]
