"""A checkout that brings modules of its own: the launcher on a runner takes none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
# What the launcher, pip and the command import by these names.
SHADOWS = ("pip", "click", "bootstrap", "mlsecops", "venv", "ensurepip", "sitecustomize", "usercustomize")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which every such module leaves a trace when it is imported."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    trace = f"open({str(tmp_path / 'taken')!r}, 'a').write(__name__ + '\\n')\n"
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(trace, encoding="utf-8")
    return folder


def launch(checkout: Path, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The launcher as an action calls it, the checkout its working folder."""
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPTS / "on_runner.py"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=checkout,
        env=environ,
        timeout=300,
    )


def test_nothing_of_the_checkout_is_imported_while_the_environment_is_made_and_used(
    checkout: Path, tmp_path: Path
) -> None:
    environ = {**os.environ, "MLSECOPS_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(checkout)}
    first = launch(checkout, environ, "--version")
    assert (first.returncode, first.stdout.split(",")[0]) == (0, "mlsecops"), first.stdout + first.stderr
    assert "setting up" in first.stderr
    again = launch(checkout, environ, "--version")
    assert (again.returncode, again.stderr) == (0, "")
    assert not (tmp_path / "taken").exists(), (tmp_path / "taken").read_text(encoding="utf-8")


def test_the_trap_works_where_python_is_not_isolated(checkout: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(checkout)}
    subprocess.run([sys.executable, "-c", "import click"], check=True, cwd=checkout, env=environ)
    assert {"click", "sitecustomize"} <= set((tmp_path / "taken").read_text(encoding="utf-8").split())


def test_packages_that_cannot_be_had_are_one_annotation(checkout: Path, tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    environ = {
        **os.environ,
        **nowhere,
        "PIP_CONFIG_FILE": os.devnull,
        "MLSECOPS_CACHE": str(tmp_path / "cache"),
    }
    finished = launch(checkout, environ, "--version")
    assert finished.returncode == 3
    assert finished.stdout.startswith("::error title=mlsecops::the locked packages cannot be installed: ")
    assert finished.stdout.count("\n") == 1
    assert "Traceback" not in finished.stderr
