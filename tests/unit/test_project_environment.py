"""Which Python and which manifests the environment for a project's tests is made from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlsecops.project import Manifest, Project
from mlsecops.project_environment import ProjectEnvironment, requirement_files, wanted_python
from mlsecops.uv_output import cause

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def project_table(required: str) -> str:
    return f'[project]\nname = "p"\nversion = "1"\nrequires-python = "{required}"\n'


@pytest.mark.parametrize(
    ("asked", "files", "expected"),
    [
        (None, {}, (OURS, False, "")),
        ("3.99", {".python-version": OURS}, ("3.99", True, "the policy")),
        (OURS, {}, (OURS, True, "the policy")),
        (None, {".python-version": "3.99.4\n"}, ("3.99", False, ".python-version")),
        (None, {".python-version": "my-virtualenv\n"}, (OURS, False, "")),
        (None, {".python-version": ""}, (OURS, False, "")),
        (None, {"pyproject.toml": project_table(">=3.8")}, (OURS, False, "")),
        (None, {"pyproject.toml": project_table(">=3.99")}, (">=3.99", True, "requires-python")),
        (None, {"pyproject.toml": project_table("nonsense")}, (OURS, False, "")),
        (None, {"pyproject.toml": "[project\n"}, (OURS, False, "")),
        (None, {"pyproject.toml": "project = 1\n"}, (OURS, False, "")),
        (
            None,
            {"pyproject.toml": project_table(">=3.99"), ".python-version": "3.99"},
            ("3.99", True, ".python-version"),
        ),
    ],
)
def test_the_wanted_python(
    tmp_path: Path, asked: str | None, files: dict[str, str], expected: tuple[str, bool, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert wanted_python(tmp_path, asked) == expected


def test_requirement_files_are_the_main_one_and_those_for_tests() -> None:
    wanted = [
        "req.txt",
        "requirements-dev.txt",
        "requirements.txt",
        "requirements/test.txt",
        "tests/needs.txt",
    ]
    others = [
        "docs/requirements.txt",
        "requirements-gpu.txt",
        "requirements.in",
        "notebooks/requirements.txt",
    ]
    manifests = [
        Manifest(uri, "requirements-in" if uri.endswith(".in") else "requirements", False, "")
        for uri in (*wanted, *others)
    ]
    project = Project(root=Path("/p"), manifests=tuple(manifests))
    assert [each.uri for each in requirement_files(project)] == wanted


def test_a_source_without_its_compiled_file_counts() -> None:
    manifest = Manifest("requirements.in", "requirements-in", False, "")
    assert list(requirement_files(Project(root=Path("/p"), manifests=(manifest,)))) == [manifest]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "  × Nothing:\n  ╰─▶ Because a was not found and you\n     require a, it cannot be.\nhint: b\n",
            "Because a was not found and you require a, it cannot be.",
        ),
        ("error: Failed to fetch\n  Caused by: one\n  Caused by: two\n", "two"),
        ("error: it broke\n", "it broke"),
        ("hint: only this\n", "hint: only this"),
    ],
)
def test_the_cause_is_the_innermost_one(said: str, expected: str) -> None:
    assert cause(said) == expected


def test_where_an_environment_has_its_parts() -> None:
    environment = ProjectEnvironment(Path("/e"), (3, 12))
    assert environment.python == Path("/e/bin/python")
    assert environment.packages == Path("/e/lib/python3.12/site-packages")
