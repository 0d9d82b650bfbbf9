"""The plugin that goes into the project's run of pytest, in a real run of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlsecops.tools import pytest_evidence

CANARY = "def test_canary():\n    raise AssertionError('canary')\n"


def run(
    folder: Path, files: dict[str, str], *arguments: str, canary: bool = True
) -> tuple[int, list[dict[str, Any]]]:
    """Run pytest with the plugin in a fresh process; exit code and the lines of evidence."""
    plugins, root = folder / "plugins", folder / "project"
    plugins.mkdir(parents=True)
    root.mkdir()
    shutil.copyfile(pytest_evidence.__file__, plugins / "mlsecops_evidence.py")
    for name, text in ({"test_canary.py": CANARY} if canary else {}).items() | files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    evidence = folder / "evidence.json"
    real = os.path.realpath(root)
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(plugins),
        "PYTEST_ADDOPTS": "-p mlsecops_evidence -p no:cacheprovider",
        "MLSECOPS_EVIDENCE": str(evidence),
        "MLSECOPS_CANARIES": json.dumps({f"{real}/test_canary.py": real} if canary else {}),
    }
    argv = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(argv, cwd=root, env=environ, capture_output=True, timeout=60, check=False)
    lines = evidence.read_text().splitlines() if evidence.exists() else []
    return done.returncode, [json.loads(line) for line in lines]


PASSING = "def test_one():\n    pass\n"
FAILING = "def helper():\n    raise KeyError('x')\n\n\ndef test_two():\n    helper()\n"


def test_the_canary_alone_does_not_fail_the_run(tmp_path: Path) -> None:
    code, (seen,) = run(tmp_path, {"test_a.py": PASSING})
    assert code == 0
    assert [each["nodeid"] for each in seen["troubles"]] == ["test_canary.py::test_canary"]
    assert set(seen["items"]) == set(seen["ended"]) == {"test_a.py::test_one", "test_canary.py::test_canary"}


def test_a_failing_test_does_and_has_the_last_line_of_its_file(tmp_path: Path) -> None:
    code, (seen,) = run(tmp_path, {"test_a.py": FAILING}, "-x", "--tb=no", canary=False)
    assert code == 1
    (trouble,) = seen["troubles"]
    assert (trouble["when"], trouble["line"], trouble["message"]) == ("call", 2, "KeyError: 'x'")


def test_a_first_failure_and_a_broken_file_stop_nothing(tmp_path: Path) -> None:
    files = {
        "test_a.py": FAILING,
        "test_b.py": "raise SystemExit(3)\n",
        "test_c.py": "1 / 0\n",
        "test_d.py": PASSING,
    }
    code, (seen,) = run(tmp_path, files, "-x")
    assert code == 1
    assert "test_d.py::test_one" in seen["ended"]
    told = {Path(each["path"]).name: each["message"] for each in seen["uncollected"]}
    assert told["test_b.py"].startswith("SystemExit: 3")
    assert "ZeroDivisionError" in told["test_c.py"]


@pytest.mark.parametrize("arguments", [("-k", "one"), ("--deselect", "test_canary.py"), ("test_a.py",)])
def test_the_canary_runs_whatever_is_selected(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, (seen,) = run(tmp_path, {"test_a.py": PASSING}, *arguments)
    assert code == 0
    assert set(seen["ended"]) == {"test_a.py::test_one", "test_canary.py::test_canary"}


def test_what_is_skipped_or_deselected_is_told(tmp_path: Path) -> None:
    skip = (
        "import pytest\n\n\ndef test_skip():\n    pytest.skip('no')\n\n\n"
        "@pytest.mark.xfail\ndef test_x():\n    1 / 0\n"
    )
    code, (seen,) = run(tmp_path, {"test_a.py": PASSING, "test_b.py": skip}, "--deselect", "test_a.py")
    assert code == 0
    assert seen["deselected"] == ["test_a.py::test_one"]
    assert seen["skipped"] == ["test_b.py::test_skip"]


def test_runs_that_the_tests_start_leave_no_evidence(tmp_path: Path) -> None:
    inner = (
        "import pytest, subprocess, sys\n\n\ndef test_inner(tmp_path):\n"
        "    (tmp_path / 'test_x.py').write_text('def test_x():\\n    pass\\n')\n"
        "    assert subprocess.run([sys.executable, '-m', 'pytest', str(tmp_path)]).returncode == 0\n"
        "    assert pytest.main([str(tmp_path), '-p', 'mlsecops_evidence']) == 0\n"
    )
    code, seen = run(tmp_path, {"test_a.py": inner})
    assert code == 0
    assert len(seen) == 1
    assert "test_a.py::test_inner" in seen[0]["ended"]


def test_without_its_variables_it_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(PASSING)
    shutil.copyfile(pytest_evidence.__file__, tmp_path / "mlsecops_evidence.py")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "mlsecops_evidence", "-p", "no:cacheprovider"]
    environ = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlsecops_evidence.py", "test_a.py"]
