"""What a report folder tells an export: only what a run of ours left there, whole and of one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlsecops.export.errors import ExportUsageError
from mlsecops.export.folder import read_run, with_findings
from mlsecops.policy import Policy
from mlsecops.sarif.files import SarifError
from mlsecops.sarif.selection import Limits, tells_of_a_cut
from support.export_services.folders import report_folder
from support.sarif_in_memory import enforce
from support.sarif_logs import advisory, log, result, run


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with findings, as it lies there."""
    sca = run("sca", "pip-audit", [advisory("PYSEC-2026-1")], status="incomplete", reason="no\x1b[2Jdata")
    return report_folder(tmp_path_factory.mktemp("usual"), run("sast", "bandit", [result("eval")]), sca)


@pytest.fixture
def folder(usual: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    for name in ("report.json", "report.sarif"):
        (tmp_path / name).write_bytes((usual / name).read_bytes())
    return tmp_path


def change(folder: Path, how: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / "report.json").read_text())
    how(document)
    (folder / "report.json").write_text(json.dumps(document))


def test_stages_their_tools_and_their_findings_are_read(folder: Path) -> None:
    told = with_findings(read_run(folder), Policy())

    assert (told.project, [each.name for each in told.stages]) == ("forecast-api", ["sca", "sast"])
    sca, sast = told.stages
    assert (sca.doubt, sast.doubt) == ("it is incomplete: no\\x1b[2Jdata", "")
    assert [len(each.findings) for each in told.stages] == [1, 1]
    assert (sca.looked, sast.looked) == (True, True)
    tool = told.tool("sast", "bandit")
    assert tool is not None
    assert (tool.complete, tool.scanned, told.tool("sast", "semgrep")) == (True, 1, None)


@pytest.mark.parametrize("name", ["report.json", "report.sarif"])
def test_a_folder_without_a_report_is_said(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(ExportUsageError, match=r"No such file.*name its folder with --report"):
        with_findings(read_run(folder), Policy())


@pytest.mark.parametrize("name", ["report.json", "report.sarif"])
def test_half_a_report_is_none(name: str, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises((ExportUsageError, SarifError), match="whole"):
        with_findings(read_run(folder), Policy())


@pytest.mark.parametrize("name", ["report.json", "report.sarif"])
def test_a_link_is_not_followed(name: str, folder: Path) -> None:
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to(folder / "elsewhere")
    with pytest.raises(ExportUsageError, match="is not a plain file"):
        with_findings(read_run(folder), Policy())


@pytest.mark.parametrize(
    "how",
    [
        lambda document: document.update({"$schema": "urn:something:else"}),
        lambda document: document.pop("stages"),
        lambda document: document["stages"][0].update(name="../../etc"),
        lambda document: document["stages"][0].update(name="sast\n::set-output"),
        lambda document: document["stages"][0].update(status="fine"),
        lambda document: document["stages"].append(document["stages"][0]),
        lambda document: document.update(generated="yesterday"),
    ],
)
def test_what_is_not_as_our_schema_has_it_is_not_ours(
    how: Callable[[dict[str, Any]], object], folder: Path
) -> None:
    change(folder, how)
    with pytest.raises(ExportUsageError, match="is no report of ours"):
        read_run(folder)


def test_a_report_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "report.json").open("r+b") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(ExportUsageError, match="larger than 16 MiB"):
        read_run(folder)


def test_files_of_different_runs_are_not_mixed(folder: Path) -> None:
    change(folder, lambda document: document["stages"].pop())
    with pytest.raises(ExportUsageError, match="has a stage sast that report"):
        with_findings(read_run(folder), Policy())


def test_more_that_is_incomplete_than_stages_puts_the_run_in_doubt(folder: Path) -> None:
    change(
        folder,
        lambda document: document["verdict"]["conditions"].append({"kind": "incomplete", "text": ""}),
    )
    assert [each.doubt != "" for each in read_run(folder).stages] == [True, True]


def test_images_that_were_not_built_prove_nothing_fixed(tmp_path: Path) -> None:
    files = run("container", "hadolint")
    images = run("container", "trivy", status="skipped", reason="no image is built (--no-exec)")
    workflows = run("sast", "zizmor", status="skipped", reason="no workflows")
    report_folder(tmp_path, files, images, workflows, run("sast", "bandit"))
    assert [(each.name, each.doubt) for each in read_run(tmp_path).stages] == [
        ("sast", ""),
        ("container", "its images were not looked at: no image is built (--no-exec)"),
    ]


@pytest.mark.parametrize(
    ("limits", "cut"),
    [
        (Limits(), False),
        (Limits(results=1), True),
        (Limits(runs=1), True),
        (Limits(gzip_bytes=1_500), True),
        (Limits(shown=1), False),
    ],
)
def test_a_log_says_itself_that_results_are_missing(limits: Limits, cut: bool) -> None:
    many = [result("eval", line=number, message=f"number {number}") for number in range(1, 40)]
    _, notices = enforce(log(run("sast", "bandit", many), run("sca", "pip-audit")), limits)
    assert tells_of_a_cut(["something", *notices]) is cut
