"""The command line as a user meets it: verdicts, exit codes, reports, one clear line for every mistake."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from support import small_project
from support.command import COMMAND, mlsecops

REPORTS = {"report.sarif", "comment.md", "summary.md", "index.html", "report.json"}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return small_project.make(tmp_path / "project")


def test_a_clean_stage_passes_and_leaves_all_reports(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = mlsecops("run", root, "--stage", "container", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout
    assert "container / hadolint: started" in done.stdout
    assert {path.name for path in out.iterdir()} == REPORTS | {"stages"}
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["verdict"]["word"] == "passed"
    assert [stage["name"] for stage in report["stages"]] == ["container"]


def test_a_careless_line_blocks(root: Path, tmp_path: Path) -> None:
    (root / "Dockerfile").write_text("FROM python:3.13.1-slim\nCMD python\n", encoding="utf-8")
    done = mlsecops("run", root, "--stage", "container", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "BLOCKED" in done.stdout


def test_with_a_baseline_only_what_is_new_blocks(root: Path, tmp_path: Path) -> None:
    (root / "Dockerfile").write_text("FROM python:3.13.1-slim\nCMD python\n", encoding="utf-8")
    mlsecops("run", root, "--stage", "container", "--out", tmp_path / "base")
    baseline = ("--baseline", tmp_path / "base" / "report.sarif")
    done = mlsecops("run", root, "--stage", "container", "--out", tmp_path / "out", *baseline)
    assert done.returncode == 0, done.stdout
    (root / "second.Dockerfile").write_text("FROM python:3.13.1-slim\nCMD python\n", encoding="utf-8")
    done = mlsecops("run", root, "--stage", "container", "--out", tmp_path / "out", *baseline)
    assert done.returncode == 1
    assert "second.Dockerfile" in done.stdout


def test_stages_run_apart_and_reported_later_give_the_same(root: Path, tmp_path: Path) -> None:
    for stage in ("container", "model"):
        assert mlsecops("stage", stage, "--project", root, "--out", tmp_path / "out").returncode == 0
    asked = ("--stage", "container", "--stage", "model")
    apart = mlsecops("report", tmp_path / "out", *asked)
    together = mlsecops("run", root, *asked, "--out", tmp_path / "together")
    assert apart.returncode == together.returncode == 0, apart.stdout + together.stdout


def test_a_stage_that_left_nothing_is_incomplete(root: Path, tmp_path: Path) -> None:
    mlsecops("stage", "container", "--project", root, "--out", tmp_path / "out")
    done = mlsecops("report", tmp_path / "out", "--stage", "container", "--stage", "model")
    assert done.returncode == 3
    assert "INCOMPLETE" in done.stdout
    assert "model" in done.stdout


@pytest.mark.parametrize("content", ["", "{", '{"version": "2.1.0"}', "[]"])
def test_a_stage_file_that_cannot_be_read_is_incomplete(content: str, root: Path, tmp_path: Path) -> None:
    mlsecops("stage", "container", "--project", root, "--out", tmp_path / "out")
    (tmp_path / "out" / "container.sarif").write_text(content, encoding="utf-8")
    done = mlsecops("report", tmp_path / "out", "--stage", "container")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "INCOMPLETE" in done.stdout


def test_an_empty_folder_is_not_green(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = mlsecops("run", empty, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "INCOMPLETE" in done.stdout


def test_the_projects_code_does_not_run_when_it_must_not(root: Path, tmp_path: Path) -> None:
    # The one place outside of its folder that a test may write to.
    with TemporaryDirectory(dir="/dev/shm") as shared:
        mark = Path(shared, "mark")
        (root / "tests" / "test_mark.py").write_text(f"open({str(mark)!r}, 'w')\n", encoding="utf-8")
        done = mlsecops("run", root, "--stage", "test", "--no-exec", "--out", tmp_path / "out")
        assert not mark.exists()
        assert "--no-exec" in done.stdout
        mlsecops("run", root, "--stage", "test", "--out", tmp_path / "out")
        assert mark.exists()


def test_a_stage_can_be_switched_off_and_that_is_said(root: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    policy.write_text("stages: {model: {enabled: false}}\n", encoding="utf-8")
    asked = ("--stage", "model", "--stage", "container", "--policy", policy)
    done = mlsecops("run", root, *asked, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout
    assert "the policy switches the stage model off" in done.stdout


def test_reports_of_before_within_the_project_are_not_scanned(root: Path) -> None:
    for _ in range(2):
        done = mlsecops("run", ".", "--stage", "container", cwd=root)
        assert done.returncode == 0, done.stdout
    report = json.loads((root / "mlsecops-report" / "report.json").read_text(encoding="utf-8"))
    assert any("mlsecops-report" in row["path"] for row in report["left_out"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["run", "nowhere"], 2, "does not exist"),
        (["run", "project/app.py"], 2, "not a folder"),
        (["run", "project", "--policy", "bad.yml"], 2, "bad.yml:1: unknown key 'fial-on'"),
        (["run", "project", "--stage", "container", "--baseline", "bad.yml"], 2, "bad.yml"),
        (["run", "project", "--baseline", "missing.sarif"], 2, "does not exist"),
        (["report", "project", "--history", "bad.yml"], 2, "bad.yml is no report of ours"),
        (["run", "project", "--history", "missing"], 2, "does not exist"),
        (["run", "project", "--stage", "nothing"], 2, "nothing"),
        (["run", "project", "--stage", "container", "--out", "bad.yml"], 3, "bad.yml"),
        (["report", "nowhere"], 2, "not a folder"),
        (["advisories", "show", "bad.yml"], 2, "bad.yml"),
    ],
)
def test_a_mistake_is_one_clear_line(
    arguments: list[str], code: int, sentence: str, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("fial-on: high\n", encoding="utf-8")
    done = mlsecops(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) <= 4  # click prints its usage before the sentence


def test_an_interrupt_ends_every_child_and_says_so(root: Path, tmp_path: Path) -> None:
    (root / "tests" / "test_slow.py").write_text(
        "import subprocess, sys, time\n\n\n"
        "def test_slow():\n"
        "    sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "    subprocess.Popen(sleep, start_new_session=True)\n"
        "    time.sleep(600)\n",
        encoding="utf-8",
    )
    command = [*COMMAND, "run", str(root), "--stage", "test", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        children = wait_for_sleepers(process.pid)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == "mlsecops: interrupted: 1 running tool was ended, no reports were written"
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert len(gone) >= 2


def wait_for_sleepers(pid: int) -> list[psutil.Process]:
    """All children of a process, once the one is among them that left its session."""
    for _ in range(600):
        children = psutil.Process(pid).children(recursive=True)
        if any("time.sleep(600)" in " ".join(child.cmdline()) for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError("the test did not start")


def test_snapshots_are_built_and_shown(tmp_path: Path) -> None:
    record = {
        "id": "PYSEC-2020-1",
        "modified": "2026-11-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "pyyaml"}, "versions": ["5.3"]}],
    }
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "one.json").write_text(json.dumps(record), encoding="utf-8")
    snapshot = tmp_path / "snapshot.json.gz"
    built = mlsecops("advisories", "build", "--from", tmp_path / "dump", "--out", snapshot)
    assert built.returncode == 0, built.stderr
    shown = mlsecops("advisories", "show", snapshot)
    assert shown.returncode == 0, shown.stderr
    assert "2026-11-01" in shown.stdout


def test_the_doctor_knows_every_tool(tmp_path: Path) -> None:
    done = mlsecops("doctor")
    assert done.returncode == 0, done.stdout
    for tool in (
        "semgrep",
        "bandit",
        "pip-audit",
        "modelscan",
        "picklescan",
        "modelaudit-picklescan",
        "hadolint",
        "zizmor",
        "pytest",
    ):
        assert tool in done.stdout
