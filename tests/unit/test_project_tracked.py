"""Which folders Git keeps files in, by its index: what is committed is no mere installation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.project import discover
from mlsecops.project.tracked import paths, tracked_folders
from support.git_repository import git

FILES = (
    "a.py",
    "node_modules/x/index.js",
    "node_modules/x/lib/b.js",
    "svc/.tox/c.py",
    "svc/näme/d e.py",
    "z" * 200,
)


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    return root


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_index_is_read(version: str, repository: Path) -> None:
    git(repository, "update-index", "--index-version", version)
    if version == "3":
        (repository / "later.py").write_text("")
        git(repository, "add", "--intent-to-add", "later.py")
    index = (repository / ".git" / "index").read_bytes()
    assert index[7] == int(version)
    expected = git(repository, "ls-files", "-z").encode().rstrip(b"\0").split(b"\0")
    assert list(paths(index)) == expected


def test_folders_are_relative_to_the_project(repository: Path) -> None:
    assert tracked_folders(repository) == {
        "",
        "node_modules",
        "node_modules/x",
        "node_modules/x/lib",
        "svc",
        "svc/.tox",
        "svc/näme",
    }
    assert tracked_folders(repository / "svc") == {".tox", "näme"}


def test_without_git_nothing_is_tracked(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert tracked_folders(tmp_path) == frozenset()
    (tmp_path / ".git" / "index").write_bytes(b"DIRC\0\0\0\x09")
    assert tracked_folders(tmp_path) == frozenset()


def test_committed_packages_are_not_just_left_out(repository: Path) -> None:
    (repository / ".nox").mkdir()
    (repository / ".nox" / "mine.py").write_text("")
    rows = {each.path: (each.kind, each.files, each.reason) for each in discover(repository).left_out}
    committed = "installed Node.js packages, committed, so that anything may be in it"
    assert rows["node_modules"] == ("unreadable", 2, committed)
    assert rows["svc/.tox"][0] == "unreadable"
    assert rows[".nox"][0] == "environment"


def test_committed_caches_are_looked_at(tmp_path: Path) -> None:
    names = (".dvc/cache/a.py", ".svn/b.py", ".pytest_cache/c.py", ".ipynb_checkpoints/d-checkpoint.py")
    for name in (*names, ".mypy_cache/e.py", "__pycache__/f.cpython-312.pyc", "g.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all", *names)
    project = discover(tmp_path)
    assert set(project.python) == set(names)
    kinds = {each.path: each.kind for each in project.left_out}
    left = {".mypy_cache": "cache", "__pycache__": "cache", "g.pyc": "unreadable"}
    assert {name: kinds.get(name) or kinds[f"**/{name}"] for name in left} == left
    git(tmp_path, "add", "--all", "--force")
    again = discover(tmp_path)
    assert ".mypy_cache/e.py" in again.python
    assert {each.path: each.kind for each in again.left_out}["__pycache__/f.cpython-312.pyc"] == "unreadable"


@settings(max_examples=200)
@given(st.sampled_from([2, 3, 4]), st.integers(0, 2**32 - 1), st.binary(max_size=300))
def test_any_bytes_come_to_an_end(version: int, number: int, data: bytes) -> None:
    index = b"DIRC" + version.to_bytes(4, "big") + number.to_bytes(4, "big") + data
    assert len(list(paths(index))) <= len(index)
