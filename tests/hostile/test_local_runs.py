"""Runs on a machine of a person, over a project with its own idea of where reports go."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.policy import Policy
from mlsecops.project import ProjectError
from mlsecops.sarif.files import read
from mlsecops.scanning import Settings, scan_stages
from mlsecops.whole_files import write_whole
from rich.console import Console
from support.git_repository import git

SETTINGS = Settings(policy=Policy())


def test_reports_are_not_led_out_of_the_project_by_a_link(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "out").symlink_to(elsewhere)
    (root / "real").mkdir()
    (root / "real" / "stages").symlink_to(elsewhere)
    for results, keep in ((root / "out", root / "out"), (root / "real" / "stages", root / "real")):
        with pytest.raises(ProjectError, match="leads out of the project by a link"):
            scan_stages(root, ("model",), SETTINGS, results=results, keep=keep, console=Console(quiet=True))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("committed", [False, True])
def test_a_folder_for_reports_is_no_hiding_place_once_it_is_committed(
    committed: bool, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    out = root / "mlsecops-report"
    out.mkdir(parents=True)
    (out / "Dockerfile").write_text("FROM python:3.13.1-slim\nUSER root\n")
    if committed:
        git(root, "init", "--quiet")
        git(root, "add", "--all")
    scan_stages(root, ("container",), SETTINGS, results=out, keep=out, console=Console(quiet=True))
    found = [each for run in read(out / "container.sarif")["runs"] for each in run["results"]]
    assert bool(found) == committed


def test_a_file_is_replaced_whatever_lies_there(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "file").symlink_to("theirs")
    (tmp_path / ".file.part").symlink_to("theirs")
    write_whole(tmp_path / "file", b"ours")
    assert (tmp_path / "file").read_bytes() == b"ours"
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder" / "file", b"ours")
