"""`mlsecops export dependency-track` against a double that holds every request to its description."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from mlsecops.toolbox import ToolboxError
from support.export_services.command import Export, exporter
from support.export_services.description import descriptions
from support.export_services.folders import NOW, bill, report_folder
from support.export_services.products import DependencyTrack
from support.export_services.server import KEY, ExportServer
from support.sarif_logs import run

SCA, TRIVY = run("sca", "cyclonedx-bom"), run("container", "trivy")


@pytest.fixture
def track() -> Iterator[ExportServer]:
    """A Dependency-Track; the test fails when it was sent what its description does not allow."""
    try:
        described = descriptions()["dependency-track"]
    except ToolboxError as error:
        pytest.skip(f"the generated clients cannot be had: {error}")
    with ExportServer(DependencyTrack(described)).running() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A report with a bill of materials."""
    made = report_folder(tmp_path / "r", SCA)
    bill(made)
    return made


@pytest.fixture
def export(track: ExportServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """The command with that folder and the double's address, without its pauses."""
    monkeypatch.setattr("mlsecops.export.cli.time.sleep", lambda seconds: None)
    arguments = ["--url", track.url, "--report", str(folder)]
    return exporter(monkeypatch, "dependency-track", "DEPENDENCY_TRACK_API_KEY", arguments)


def product(server: ExportServer) -> DependencyTrack:
    assert isinstance(server.behaviour, DependencyTrack)
    return server.behaviour


def test_the_bill_becomes_a_project_of_the_branch(export: Export, track: ExportServer, folder: Path) -> None:
    done = export("--branch", "main", "--latest", "--parent-name", "all", "--parent-version", "1")

    assert (done.exit_code, done.output) == (0, "sbom.cdx.json: sent\n")
    (form,) = track.forms
    assert form.fields == {
        "projectName": "forecast-api",
        "projectVersion": "main",
        "autoCreate": "true",
        "parentName": "all",
        "parentVersion": "1",
        "isLatest": "true",
    }
    assert form.files["bom"] == ("sbom.cdx.json", (folder / "sbom.cdx.json").read_bytes())


def test_images_are_projects_of_their_own(
    export: Export, track: ExportServer, tmp_path: Path, folder: Path
) -> None:
    both = report_folder(tmp_path / "both", SCA, TRIVY)
    for name in ("sbom.cdx.json", "image-sbom.cdx.json", "image-2-sbom.cdx.json", "other-sbom.cdx.json"):
        bill(both, name)

    done = export("--report", str(both), "--name", "forecast", "--project-version", "1.2")

    assert done.exit_code == 0
    assert sorted(product(track).projects) == [
        "forecast (image) 1.2",
        "forecast (image-2) 1.2",
        "forecast 1.2",
    ]


def test_one_project_that_is_there_takes_one_bill(
    export: Export, track: ExportServer, tmp_path: Path
) -> None:
    uuid = "38640b33-4ba9-4733-bdab-cbfc40c6f8aa"
    both = report_folder(tmp_path / "both", SCA, TRIVY)
    bill(both)
    bill(both, "image-sbom.cdx.json")

    several = export("--report", str(both), "--project-uuid", uuid)
    one = export("--report", str(both), "--project-uuid", uuid, "--bom", "image-sbom.cdx.json")

    assert (several.exit_code, "choose with --bom" in several.output) == (2, True)
    assert (one.exit_code, [form.fields for form in track.forms]) == (0, [{"project": uuid}])


def test_it_waits_until_the_bill_is_worked_in(export: Export, track: ExportServer) -> None:
    product(track).progress = [{"processing": True, "status": "RUNNING"}, {"processing": True}]
    for answer in product(track).progress:
        assert Draft202012Validator(product(track).described["progress_answer"]).is_valid(answer)

    done = export("--branch", "main", "--wait", "60")

    assert (done.exit_code, product(track).polls) == (0, 3)
    assert done.output == "sbom.cdx.json: sent and worked in\n"


@pytest.mark.parametrize(
    ("answers", "seconds", "said"),
    [
        ([{"processing": True}] * 9, "1", "is still at work on it after 1 s"),
        ([{"processing": False, "status": "FAILED"}], "9", "could not work it in"),
        ([{"something": 1}], "9", "does not say what became of sbom.cdx.json"),
    ],
)
def test_what_is_not_worked_in_is_said(
    answers: list[Any], seconds: str, said: str, export: Export, track: ExportServer
) -> None:
    product(track).progress = answers
    done = export("--branch", "main", "--wait", seconds)
    assert (done.exit_code, said in done.output) == (3, True)


def test_a_bill_that_may_lack_packages_is_not_sent_by_itself(
    export: Export, track: ExportServer, tmp_path: Path
) -> None:
    half = run("sca", "cyclonedx-bom", status="incomplete", reason="flask cannot be resolved")
    folder = report_folder(tmp_path / "half", half)
    bill(folder)

    kept = export("--report", str(folder), "--branch", "main")
    sent = export("--report", str(folder), "--branch", "main", "--even-if-incomplete")

    assert (kept.exit_code, len(track.forms)) == (3, 1)
    assert kept.output.count("\n") == 1
    assert (
        "nothing was sent, for packages may be missing: sbom.cdx.json: cyclonedx-bom did not" in kept.output
    )
    assert (sent.exit_code, "sent, though cyclonedx-bom did not finish" in sent.output) == (0, True)


def test_a_tool_beside_it_that_failed_does_not_keep_a_whole_bill(export: Export, tmp_path: Path) -> None:
    audit = run("sca", "pip-audit", status="incomplete", reason="its data is too old")
    folder = report_folder(tmp_path / "r2", SCA, audit)
    bill(folder)
    assert export("--report", str(folder), "--branch", "main").exit_code == 0


@pytest.mark.parametrize("how", ["skipped", "absent", "older"])
def test_a_bill_of_an_earlier_run_is_not_sent(how: str, export: Export, tmp_path: Path) -> None:
    ran = {
        "skipped": [run("sca", "cyclonedx-bom", status="skipped", reason="no manifest")],
        "absent": [run("sast", "bandit")],
        "older": [SCA],
    }[how]
    folder = report_folder(tmp_path / "r2", *ran)
    bill(folder)
    if how == "older":
        os.utime(folder / "sbom.cdx.json", (NOW.timestamp() - 86_400, NOW.timestamp() - 86_400))

    done = export("--report", str(folder), "--branch", "main")

    assert (done.exit_code, "so it is of an earlier run" in done.output) == (3, True)


def test_no_bill_is_said(export: Export, tmp_path: Path) -> None:
    folder = report_folder(tmp_path / "r2", SCA)
    none = export("--report", str(folder), "--branch", "main")
    other = export("--branch", "main", "--bom", "../../secret")
    assert (none.exit_code, "holds no bill of materials" in none.output) == (3, True)
    assert (other.exit_code, "holds no ../../secret" in other.output) == (3, True)


@pytest.mark.parametrize("content", [b"", b'{"bomFormat": "Cyc', b"[1]", b'{"bomFormat": "SPDX"}'])
def test_what_is_no_bill_is_not_sent(
    content: bytes, export: Export, track: ExportServer, folder: Path
) -> None:
    (folder / "sbom.cdx.json").write_bytes(content)
    done = export("--branch", "main")
    assert (done.exit_code, track.requests) == (2, [])


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_nothing_outside_the_folder_is_read(
    kind: str, export: Export, track: ExportServer, folder: Path, tmp_path: Path
) -> None:
    path = folder / "sbom.cdx.json"
    secret = tmp_path / "secret.json"
    path.rename(secret)
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()

    done = export("--branch", "main")

    assert (done.exit_code, track.requests) == (2, [])
    assert "is not a plain file" in done.output


def test_a_version_has_to_be_known(export: Export, track: ExportServer) -> None:
    done = export()
    assert (done.exit_code, "--project-version or --branch" in done.output, track.requests) == (2, True, [])


def test_the_run_of_a_pull_request_needs_a_place_of_its_own(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request_target")
    monkeypatch.setenv("GITHUB_REF_NAME", "7/merge")
    assert export().exit_code == 2
    assert export("--project-version", "pr-7").exit_code == 0


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b"", "text/plain", "does not accept the key in DEPENDENCY_TRACK_API_KEY for this"),
        (
            404,
            b"The parent project could not be found.",
            "text/plain",
            "The parent project could not be found.",
        ),
        (
            400,
            orjson.dumps({"title": "The uploaded BOM is invalid", "detail": "Schema validation failed"}),
            "application/problem+json",
            "The uploaded BOM is invalid; Schema validation failed",
        ),
    ],
)
def test_a_refusal_is_one_line(
    status: int, body: bytes, kind: str, said: str, export: Export, track: ExportServer
) -> None:
    track.fail(status, body, headers={"Content-Type": kind})
    done = export("--branch", "main")
    assert (done.exit_code, said in done.output, done.output.count("\n")) == (3, True, 1)
    assert done.output.endswith("(nothing was sent; not sent: sbom.cdx.json)\n")


@pytest.mark.parametrize("token", [None, 7, "no uuid", f"../{KEY}"])
def test_an_answer_without_a_token_is_no_success(token: Any, export: Export, track: ExportServer) -> None:
    track.fail(200, {"token": token})
    done = export("--branch", "main")
    assert (done.exit_code, "has no token" in done.output) == (3, True)


def test_what_was_sent_before_it_failed_is_named(export: Export, track: ExportServer, tmp_path: Path) -> None:
    both = report_folder(tmp_path / "both", SCA, TRIVY)
    bill(both)
    bill(both, "image-sbom.cdx.json")
    product(track).progress = [{"processing": False, "status": "FAILED"}]

    done = export("--report", str(both), "--branch", "main", "--wait", "9")

    assert done.exit_code == 3
    assert "took sbom.cdx.json and could not work it in" in done.output
    assert done.output.endswith("(sent: sbom.cdx.json; not sent: image-sbom.cdx.json)\n")


def test_a_broken_connection_is_tried_again(export: Export, track: ExportServer) -> None:
    track.break_off("drop", times=2)
    assert (export("--branch", "main").exit_code, len(track.requests)) == (0, 3)
