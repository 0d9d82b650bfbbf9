"""The test stage with the real pytest: awkward projects, and projects that try to look green."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import parse
from mlsecops.job import Skip
from mlsecops.policy import Policy
from mlsecops.policy.model import TestSettings
from mlsecops.project import discover
from mlsecops.scan import scan
from mlsecops.stages import test as stage
from support.contexts import context, toolbox

PASSING = "def test_one():\n    assert 1 + 1 == 2\n"
FAILING = "def test_two():\n    number = 3\n    assert number == 2\n"


class Outcome:
    """A run of the stage as a test wants to see it."""

    def __init__(self, run: dict[str, Any], keep: Path) -> None:
        own = run["properties"]["mlsecops"]
        self.status: str = own["status"]
        self.reason: str = own["reason"]
        self.notes: list[str] = own["notes"]
        self.expected: int = own["expected"]
        self.coverage: float | None = own.get("coverage")
        self.notifications = [
            each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]
        ]
        self.results = [
            (
                each["ruleId"],
                each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                each["locations"][0]["physicalLocation"]["region"]["startLine"],
            )
            for each in run["results"]
        ]
        self.messages = [each["message"]["text"] for each in run["results"]]
        self.keep = keep

    def cases(self) -> list[Element]:
        """Test cases of the JUnit file that is kept."""
        root = parse(self.keep / "junit.xml").getroot()
        assert root is not None
        return list(root.iter("testcase"))


def run(tmp_path: Path, files: Mapping[str, str | bytes], settings: TestSettings | None = None) -> Outcome:
    """Run the stage over a project of these files."""
    root = tmp_path / "project"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if name.endswith(".sh"):
            path.chmod(0o755)
    policy = Policy(test=settings or TestSettings())
    shared = context("test", root, tmp_path, policy=policy)
    (due,) = stage.plan(shared.project, policy, shared.options)
    assert not isinstance(due, Skip)
    return Outcome(scan(due.tool, due.targets, shared), shared.keep)


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels instead of a package index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    for variable in (
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
    ):
        monkeypatch.delenv(variable, raising=False)
    return folder


def wheel(folder: Path, name: str, version: str, code: str) -> None:
    """Write a pure wheel with one module."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


# --- what a run says


def test_passing_tests_pass_and_leave_their_report(tmp_path: Path) -> None:
    app = "def double(n):\n    return 2 * n\n\n\ndef unused(n):\n    return n\n"
    test = "from app import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
    seen = run(tmp_path, {"app.py": app, "tests/test_app.py": test})
    assert (seen.status, seen.reason, seen.expected) == ("passed", "", 1)
    assert seen.coverage == 75.0
    assert "the tests run 75.0 % of the project's lines" in seen.notes
    assert [case.get("name") for case in seen.cases()] == ["test_double"]


@pytest.mark.parametrize("style", ["auto", "no", "native", "line"])
def test_a_failure_lies_on_the_line_of_its_own_file(tmp_path: Path, style: str) -> None:
    library = "def check(n):\n    raise ValueError('bad\\nnews')\n"
    test = "from lib import check\n\n\ndef test_deep():\n    value = 1\n    check(value)\n    assert value\n"
    files = {
        "lib.py": library,
        "tests/test_lib.py": test,
        "tests/test_two.py": FAILING,
        "pytest.ini": f"[pytest]\naddopts = --tb={style}\n",
    }
    seen = run(tmp_path, files)
    assert seen.status == "findings"
    assert sorted(seen.results) == [
        ("test-failed", "tests/test_lib.py", 6),
        ("test-failed", "tests/test_two.py", 3),
    ]
    assert any("The test test_deep fails: ValueError: bad" in text for text in seen.messages)


def test_other_kinds_of_trouble_are_told_apart(tmp_path: Path) -> None:
    test = """import unittest

import pytest


@pytest.fixture
def broken():
    raise RuntimeError("no database")


def test_fixture(broken):
    pass


@pytest.mark.skip
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected():
    assert False


@pytest.mark.parametrize("word", ["a\\nb", "grün", "\\x00"])
def test_word(word):
    assert word == "grün"


class Old(unittest.TestCase):
    def test_old(self):
        self.assertEqual(1, 2)
"""
    seen = run(tmp_path, {"tests/test_all.py": test})
    assert seen.status == "findings"
    assert sorted(seen.results) == [
        ("test-error", "tests/test_all.py", 8),
        ("test-failed", "tests/test_all.py", 27),
        ("test-failed", "tests/test_all.py", 27),
        ("test-failed", "tests/test_all.py", 32),
    ]
    assert "1 of 7 tests were skipped" in seen.notes


def test_a_file_that_cannot_be_collected_is_named_and_the_others_run(tmp_path: Path) -> None:
    files = {
        "tests/test_import.py": "import not_there\n" + PASSING,
        "tests/test_script.py": "import sys\nsys.exit(0)\n",
        "tests/test_two.py": FAILING,
    }
    seen = run(tmp_path, files)
    assert seen.status == "incomplete"
    assert seen.results == [("test-failed", "tests/test_two.py", 3)]
    told = "\n".join(seen.notifications)
    assert "tests/test_import.py: it cannot be collected: ModuleNotFoundError" in told
    assert "tests/test_script.py: it cannot be collected: SystemExit: 0" in told


def test_a_broken_conftest_is_incomplete_with_its_reason(tmp_path: Path) -> None:
    seen = run(tmp_path, {"tests/test_one.py": PASSING, "tests/conftest.py": "import not_there\n"})
    assert seen.status == "incomplete"
    assert "not_there" in seen.reason


def test_no_tests_are_skipped_with_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print(1)\n")
    shared = context("test", tmp_path, tmp_path / "scratch")
    (skip,) = stage.plan(discover(tmp_path), shared.policy, shared.options)
    assert isinstance(skip, Skip)
    assert "tests/" in skip.reason


# --- settings and patterns of real projects


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\ntestpaths = checks\npython_files = check_*.py\npython_functions = it_*\n"),
        ("tox.ini", "[pytest]\ntestpaths = checks\npython_files = check_*.py\npython_functions = it_*\n"),
        (
            "setup.cfg",
            "[tool:pytest]\ntestpaths = checks\npython_files = check_*.py\npython_functions = it_*\n",
        ),
        (
            "pyproject.toml",
            """[tool.pytest.ini_options]
testpaths = ["checks"]
python_files = ["check_*.py"]
python_functions = ["it_*"]
""",
        ),
    ],
)
def test_settings_of_every_kind_with_names_of_their_own(tmp_path: Path, name: str, text: str) -> None:
    body = "def it_holds():\n    assert True\n\n\ndef it_fails():\n    assert False\n"
    seen = run(tmp_path, {name: text, "checks/check_a.py": body})
    assert (seen.status, seen.expected) == ("findings", 2)
    assert seen.results == [("test-failed", "checks/check_a.py", 6)]


def test_selections_and_stops_of_a_project_are_told_and_do_not_stop_the_canary(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = -x -k one --junitxml=mine.xml -p no:cacheprovider --color=yes\n",
        "tests/test_a.py": PASSING + FAILING,
        "tests/ignored/test_b.py": PASSING,
        "tests/conftest.py": "collect_ignore = ['ignored']\n",
    }
    seen = run(tmp_path, files)
    assert (seen.status, seen.expected) == ("passed", 1)
    assert "1 test was left out by the project's own settings or command" in seen.notes
    assert "pytest collected nothing from tests/ignored/test_b.py" in seen.notes
    assert len(seen.cases()) == 1


def test_a_src_layout_runs_without_being_installed(tmp_path: Path) -> None:
    files = {
        "src/pkg/__init__.py": "ONE = 1\n",
        "src/pkg/never.py": "A = 1\nB = 2\nC = 3\n",
        "tests/test_pkg.py": "from pkg import ONE\n\n\ndef test_one():\n    assert ONE == 1\n",
    }
    seen = run(tmp_path, files)
    assert seen.status == "passed"
    assert seen.coverage == 25.0


def test_tests_at_the_root_and_tests_that_run_pytest_themselves(tmp_path: Path) -> None:
    test = (
        "import subprocess, sys, pytest\n\n\n"
        "def test_inner(tmp_path):\n"
        "    (tmp_path / 'test_x.py').write_text('def test_x():\\n    assert False\\n')\n"
        "    done = subprocess.run([sys.executable, '-m', 'pytest', '-q', str(tmp_path)])\n"
        "    assert done.returncode == 1\n"
    )
    seen = run(tmp_path, {"test_root.py": test})
    assert (seen.status, seen.expected, seen.results) == ("passed", 1, [])


def test_files_that_a_program_of_the_project_needs_stay_executable(tmp_path: Path) -> None:
    test = (
        "import subprocess\n\n\ndef test_script():\n    assert subprocess.run(['./run.sh']).returncode == 0\n"
    )
    seen = run(tmp_path, {"tests/test_script.py": test, "run.sh": "#!/bin/sh\nexit 0\n"})
    assert seen.status == "passed"


# --- the policy's command


@pytest.mark.parametrize("command", [("pytest", "-q"), ("make", "test"), ("./all.sh",)])
def test_a_command_of_the_policy(tmp_path: Path, command: tuple[str, ...]) -> None:
    files = {
        "Makefile": "test:\n\tpytest -q -x tests/a\n\tpython -m pytest tests/b/test_b.py --junitxml=x.xml\n",
        "all.sh": "#!/bin/sh\nset -e\npytest -q tests\n",
        "tests/a/test_a.py": PASSING,
        "tests/b/test_b.py": PASSING,
    }
    good = run(tmp_path / "good", files, TestSettings(command=command))
    assert (good.status, good.reason, good.expected) == ("passed", "", 2)
    assert len(good.cases()) == 2
    bad = run(tmp_path / "bad", {**files, "tests/b/test_b.py": FAILING}, TestSettings(command=command))
    assert bad.results == [("test-failed", "tests/b/test_b.py", 3)]


def test_commands_that_prove_nothing(tmp_path: Path) -> None:
    files = {
        "tests/test_one.py": PASSING,
        "quiet.sh": "#!/bin/sh\nexit 0\n",
        "late.sh": "#!/bin/sh\npytest -q\nexit 4\n",
    }
    quiet = run(tmp_path / "quiet", files, TestSettings(command=("./quiet.sh",)))
    assert quiet.status == "incomplete"
    assert "does it run pytest" in quiet.reason
    missing = run(tmp_path / "missing", files, TestSettings(command=("no-such-program",)))
    assert missing.status == "incomplete"
    assert "no-such-program" in missing.reason
    late = run(tmp_path / "late", files, TestSettings(command=("./late.sh",)))
    assert late.results == [("test-run-failed", "tests/test_one.py", 1)]


def test_endless_tests_are_stopped(tmp_path: Path) -> None:
    test = "import time\n\n\ndef test_long():\n    time.sleep(60)\n"
    seen = run(tmp_path, {"tests/test_long.py": test}, TestSettings(timeout=3.0))
    assert seen.status == "incomplete"
    assert "did not end within 3 s" in seen.reason


def test_the_coverage_that_a_project_asks_for_counts(tmp_path: Path) -> None:
    # As pytest-cov does it.
    conftest = """import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtestloop(session):
    yield
    session.testsfailed += 1


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("FAIL Required test coverage of 90% not reached. Total coverage: 7%")
"""
    seen = run(tmp_path, {"tests/test_one.py": PASSING, "conftest.py": conftest})
    assert seen.results == [("test-run-failed", "tests/test_one.py", 1)]
    assert "Required test coverage" in seen.messages[0]


# --- dependencies

USES = "import tiny\n\n\ndef test_tiny():\n    assert tiny.ONE == 1\n"
PROJECT = '[project]\nname = "p"\nversion = "1"\n'
PINS = (
    '[[package]]\nname = "tiny"\nversion = "1.0"\ndescription = ""\noptional = false\n'
    'python-versions = "*"\nfiles = []\n'
    '[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = ""\n'
)
DEPENDENCIES: dict[str, dict[str, str | bytes]] = {
    "requirements": {"requirements.txt": "tiny==1.0\n"},
    "requirements for tests": {"requirements.txt": "", "requirements-dev.txt": "tiny\n"},
    "UTF-16": {"requirements.txt": "tiny==1.0\r\n".encode("utf-16")},
    "an extra": {"pyproject.toml": PROJECT + '[project.optional-dependencies]\ntest = ["tiny"]\n'},
    "an extra beside requirements": {
        "requirements.txt": "other\n",
        "pyproject.toml": PROJECT + '[project.optional-dependencies]\ntest = ["tiny"]\n',
    },
    "a group": {"pyproject.toml": PROJECT + '[dependency-groups]\ndev = ["tiny"]\n'},
    "a group alone": {"pyproject.toml": '[dependency-groups]\ndev = ["tiny"]\n'},
    "poetry": {
        "pyproject.toml": '[tool.poetry]\nname = "p"\n[tool.poetry.dependencies]\ntiny = "*"\n',
        "poetry.lock": PINS,
    },
    "poetry.lock only": {"poetry.lock": PINS},
    "Pipfile.lock": {
        "Pipfile": '[packages]\ntiny = "*"\n',
        "Pipfile.lock": '{"_meta": {}, "default": {"tiny": {"version": "==1.0"}}, "develop": {}}',
    },
    "conda": {"environment.yml": "dependencies:\n  - python\n  - pip:\n    - tiny==1.0\n"},
}


@pytest.mark.parametrize("kind", DEPENDENCIES)
def test_dependencies_are_installed(tmp_path: Path, index: Path, kind: str) -> None:
    wheel(index, "tiny", "1.0", "ONE = 1\n")
    if "lock" in kind or "poetry" in kind:
        wheel(index, "tiny", "2.0", "ONE = 2\n")
    wheel(index, "other", "1.0", "")
    seen = run(tmp_path, {"tests/test_tiny.py": USES, **DEPENDENCIES[kind]})
    assert (seen.status, seen.reason, seen.results) == ("passed", "", [])
    assert seen.coverage is None
    assert seen.expected == 1


def test_a_dependency_that_is_not_to_be_had_is_named(tmp_path: Path, index: Path) -> None:
    seen = run(tmp_path, {"tests/test_one.py": PASSING, "requirements.txt": "nowhere-to-be-found\n"})
    assert seen.status == "incomplete"
    assert "its dependencies cannot be installed" in seen.reason
    assert "nowhere-to-be-found" in seen.reason


def test_a_python_that_is_not_to_be_had(tmp_path: Path, index: Path) -> None:
    asked = run(tmp_path / "a", {"tests/test_one.py": PASSING}, TestSettings(python="3.99"))
    assert asked.status == "incomplete"
    assert "the policy asks for it, and Python 3.99 is not to be had" in asked.reason
    required = {"pyproject.toml": PROJECT + 'requires-python = ">=3.99"\n'}
    strict = run(tmp_path / "b", {"tests/test_one.py": PASSING, **required})
    assert strict.status == "incomplete"
    assert "requires-python asks for it" in strict.reason
    soft = run(tmp_path / "c", {"tests/test_one.py": PASSING, ".python-version": "3.99.1\n"})
    assert soft.status == "passed"
    assert any(".python-version asks for Python 3.99" in note for note in soft.notes)


def test_the_packages_of_a_project_come_before_the_tools_own(tmp_path: Path, index: Path) -> None:
    wheel(
        index,
        "iniconfig",
        "99.0",
        (toolbox().environment("pytest") / "marker").as_posix().join(("A = '", "'\n")),
    )
    seen = run(tmp_path, {"tests/test_one.py": PASSING, "requirements.txt": "iniconfig==99.0\n"})
    assert seen.status == "incomplete"
    assert "iniconfig" in seen.reason
