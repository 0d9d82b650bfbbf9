from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.project import TestSetup, discover
from support.shapes import write

TEST = "def test_it():\n    assert 1 + 1 == 2\n"
LAYOUT = {"checks/test_a.py": TEST, "tests/test_b.py": TEST, "src/x.py": "x = 1\n"}


def setup_of(root: Path, files: dict[str, str]) -> TestSetup:
    write(root, files)
    return discover(root).tests


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", "[pytest]\ntestpaths = checks\n"),
        (".pytest.ini", "[pytest]\ntestpaths = checks\n"),
        ("pytest.toml", '[pytest]\ntestpaths = ["checks"]\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["checks"]\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = "checks"\n'),
        ("pyproject.toml", '[tool.pytest]\ntestpaths = ["checks"]\n'),
        ("tox.ini", "[pytest]\ntestpaths =\n    checks\n"),
        ("setup.cfg", "[tool:pytest]\ntestpaths = ./checks/\n"),
    ],
)
def test_configured_paths(name: str, content: str, tmp_path: Path) -> None:
    setup = setup_of(tmp_path, LAYOUT | {name: content})
    assert setup == TestSetup(("checks",), ("checks/test_a.py",), name, ())


def test_the_first_settings_of_pytests_order_count(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\ntestpaths = tests\n",
        "setup.cfg": "[tool:pytest]\ntestpaths = checks\n",
    }
    assert setup_of(tmp_path, LAYOUT | files).configured_by == "pytest.ini"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", ""),
        ("pytest.ini", "[pytest]\naddopts = -q\n"),
        ("tox.ini", "[tox]\n"),
        ("setup.cfg", "broken"),
        ("pyproject.toml", "[broken"),
        ("pyproject.toml", "tool = 3\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = 3\n"),
        ("pyproject.toml", "x = " + "1" * 5000 + "\n"),
        ("pyproject.toml", "#" * 1_000_001),
    ],
)
def test_settings_without_paths_leave_the_usual_folders(name: str, content: str, tmp_path: Path) -> None:
    assert setup_of(tmp_path, LAYOUT | {name: content}) == TestSetup(
        ("tests",), ("tests/test_b.py",), None, ()
    )


def test_paths_that_do_not_exist_are_said_so(tmp_path: Path) -> None:
    named = "[pytest]\ntestpaths = gone ../out ../* /etc a[ checks\n"
    setup = setup_of(tmp_path, LAYOUT | {"pytest.ini": named})
    assert setup.paths == ("checks",)
    assert setup.missing == ("gone", "../out", "../*", "/etc", "a[")


def test_only_missing_paths_leave_the_usual_folders(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, LAYOUT | {"pytest.ini": "[pytest]\ntestpaths = gone\n"})
    assert setup == TestSetup(("tests",), ("tests/test_b.py",), None, ("gone",))


def test_globs_the_whole_project_and_single_files(tmp_path: Path) -> None:
    files = LAYOUT | {"packages/a/tests/test_c.py": TEST, "packages/b/tests/test_d.py": TEST}
    setup = setup_of(
        tmp_path, files | {"pytest.ini": "[pytest]\ntestpaths = packages/*/tests checks/test_a.py\n"}
    )
    assert setup.paths == ("packages/a/tests", "packages/b/tests", "checks/test_a.py")
    assert setup.files == ("checks/test_a.py", "packages/a/tests/test_c.py", "packages/b/tests/test_d.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n")
    assert len(discover(tmp_path).tests.files) == 4


def test_configured_names_of_test_files(tmp_path: Path) -> None:
    files = {
        "tests/check_a.py": TEST,
        "tests/test_b.py": TEST,
        "pytest.ini": "[pytest]\npython_files = check_*.py\n",
    }
    assert setup_of(tmp_path, files).files == ("tests/check_a.py",)


def test_usual_folders_anywhere_outermost_first(tmp_path: Path) -> None:
    files = {
        "backend/tests/unit/tests/test_a.py": TEST,
        "src/pkg/test/b_test.py": TEST,
        "tests/data/readme.py": "x = 1\n",
        "latest/test_c.py": TEST,
    }
    setup = setup_of(tmp_path, files)
    assert setup.paths == ("backend/tests", "src/pkg/test")
    assert setup.files == ("backend/tests/unit/tests/test_a.py", "src/pkg/test/b_test.py")


@pytest.mark.parametrize(
    ("source", "is_test"),
    [
        (TEST, True),
        ("import pytest\n", True),
        ("from unittest import mock\n", True),
        ("class TestX:\n    def test_a(self):\n        assert True\n", True),
        ("def test_rbac(user):\n    return user\n", False),
        ("class TestX:\n    pass\n", False),
        ("from . import unittest_helper\n", False),
        ("def check():\n    assert True\n", False),
        ("def test_broken(:\n", False),
    ],
)
def test_files_called_like_tests_have_to_be_some(source: str, is_test: bool, tmp_path: Path) -> None:
    setup = setup_of(tmp_path, {"app/test_x.py": source})
    assert setup == (TestSetup(("app/test_x.py",), ("app/test_x.py",), None) if is_test else TestSetup())
