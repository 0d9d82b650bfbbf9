"""A commit is read as it is, and nothing that its repository or its files say is run or fetched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlsecops.policy import DEFAULT_FILE, DEFAULTS, PolicyError
from mlsecops.project import ProjectError
from mlsecops.project.tracked import tracked_folders
from mlsecops.revision import Revision, resolve
from mlsecops.toolbox import Processes
from support.git_repository import commit, git

Resolve = Callable[..., Revision]


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    write(root, "app.py", "print(1)\n")
    write(root, DEFAULT_FILE, "fail-on: low\n")
    commit(root)
    return root


@pytest.fixture(name="at")
def _at(tmp_path: Path, repository: Path) -> Resolve:
    def at(name: str = "main", folder: str = ".") -> Revision:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        return resolve(repository / folder, name, scratch, Processes())

    return at


def write(root: Path, name: str, content: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_the_policy_is_that_of_the_commit(repository: Path, at: Resolve) -> None:
    first = git(repository, "rev-parse", "HEAD")
    write(repository, DEFAULT_FILE, "fail-on: never\n")
    commit(repository)

    found = at(first[:10])

    assert found.commit == first
    assert found.label == first[:7]
    assert found.policy().default_threshold == "low"
    assert found.policy().source == DEFAULT_FILE


def test_a_branch_is_named_with_its_commit(repository: Path, at: Resolve) -> None:
    assert at("main").label == f"main@{git(repository, 'rev-parse', 'HEAD')[:7]}"


@pytest.mark.parametrize(
    ("files", "source", "threshold"),
    [
        ({"services/a/b.py": ""}, DEFAULT_FILE, "low"),
        ({f"services/a/{DEFAULT_FILE}": "fail-on: medium\n"}, f"services/a/{DEFAULT_FILE}", "medium"),
    ],
)
def test_a_project_of_a_monorepo_has_its_own_policy_else_that_of_the_repository(
    repository: Path, at: Resolve, files: dict[str, str], source: str, threshold: str
) -> None:
    for name, content in files.items():
        write(repository, name, content)
    commit(repository)

    found = at(folder="services/a")

    assert (found.folder, found.policy().source) == ("services/a", source)
    assert found.policy().default_threshold == threshold


def test_without_a_policy_the_defaults_count(repository: Path, at: Resolve) -> None:
    (repository / DEFAULT_FILE).unlink()
    commit(repository)
    write(repository, DEFAULT_FILE, "fail-on: never\n")

    assert at().policy().source == DEFAULTS


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "1: not a file but a symbolic link"),
        (lambda path: write(path, "a.txt", "x"), "1: not a file but a folder"),
        (lambda path: path.with_suffix(".yaml").write_text("version: 1\n"), "yaml:1: a policy is named"),
        (lambda path: path.write_text("fail-on: hihg\n"), "yml:1: 'fail-on'"),
        (lambda path: path.write_text("#" * 1_000_001), "yml:1: larger than"),
    ],
)
def test_what_is_no_policy_is_told_and_is_no_default(
    repository: Path, at: Resolve, make: Callable[[Path], None], sentence: str
) -> None:
    (repository / DEFAULT_FILE).unlink()
    make(repository / DEFAULT_FILE)
    commit(repository)

    with pytest.raises(PolicyError, match=sentence):
        at().policy()


def test_an_export_is_the_commit_byte_for_byte(repository: Path, tmp_path: Path, at: Resolve) -> None:
    write(repository, ".gitattributes", "* text eol=crlf\n*.py ident export-ignore\nb.txt filter=x\n")
    write(repository, "venv/lib/x.py", "# $Id$\n")
    write(repository, "b.txt", b"one\ntwo\r\n")
    (repository / "link").symlink_to("/etc/passwd")
    git(repository, "config", "core.autocrlf", "true")
    git(repository, "add", "--all")
    write(repository, "app.py", "print(2)\n")
    git(repository, "commit", "--quiet", "--message", "more")
    write(repository, "untracked.py", "")
    stored = {
        name: git(repository, "cat-file", "blob", f"main:{name}")
        for name in ("venv/lib/x.py", "b.txt", "app.py")
    }

    at().export(tmp_path / "export")

    files = {
        str(path.relative_to(tmp_path / "export"))
        for path in (tmp_path / "export").rglob("*")
        if not path.is_dir()
    }
    assert files == {*stored, ".gitattributes", "link", DEFAULT_FILE, ".git/index"}
    for name, content in stored.items():
        assert (tmp_path / "export" / name).read_bytes().decode().removesuffix("\n") == content
    assert (tmp_path / "export" / "link").readlink() == Path("/etc/passwd")
    assert "venv/lib" in tracked_folders(tmp_path / "export")


def test_of_a_monorepo_only_the_project_is_exported(repository: Path, tmp_path: Path, at: Resolve) -> None:
    write(repository, "services/a/b.py", "")
    commit(repository)

    at(folder="services/a").export(tmp_path / "export")

    assert {path.name for path in (tmp_path / "export").iterdir()} == {".git", "b.py"}


def test_another_worktree_and_another_hash_will_do(tmp_path: Path, repository: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "tree"))
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet", "--object-format=sha256", "--initial-branch", "main")
    write(other, DEFAULT_FILE, "fail-on: low\n")
    commit(other)
    for number, root in enumerate((tmp_path / "tree", other)):
        scratch = tmp_path / f"scratch-{number}"
        scratch.mkdir()
        assert resolve(root, "HEAD", scratch, Processes()).policy().default_threshold == "low"


def test_nothing_that_the_repository_names_is_run(repository: Path, tmp_path: Path, at: Resolve) -> None:
    write(repository, ".gitattributes", "* filter=evil diff=evil\n")
    commit(repository)
    witness, evil = tmp_path / "witness", tmp_path / "hooks" / "evil"
    write(tmp_path, "hooks/evil", f"#!/bin/sh\ntouch '{witness}'\ncat\n")
    evil.chmod(0o755)
    for hook in ("post-index-change", "post-checkout", "reference-transaction"):
        (evil.parent / hook).symlink_to(evil)
        (repository / ".git" / "hooks" / hook).unlink(missing_ok=True)
        (repository / ".git" / "hooks" / hook).symlink_to(evil)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.gitProxy", "core.editor", "core.askPass",
        "filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv",
        "credential.helper", "uploadpack.packObjectsHook", "alias.rev-parse",
    ):  # fmt: skip
        git(repository, "config", key, str(evil))
    git(repository, "config", "core.hooksPath", str(evil.parent))
    # A clone that lacks an object, and would fetch it by a command.
    blob = git(repository, "rev-parse", "main:app.py")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    git(repository, "config", "remote.origin.url", f"ext::{evil}")
    git(repository, "config", "protocol.ext.allow", "always")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")

    found = at()
    assert found.policy().default_threshold == "low"
    with pytest.raises(ProjectError, match=r"^git: "):
        found.export(tmp_path / "export")

    assert not witness.exists()
    git(repository, "status")
    assert witness.exists()  # so the trap was set


@pytest.mark.parametrize("name", ["nowhere", "--help", "-h", "", "HEAD:app.py", "a b\x1b[2J"])
def test_what_is_no_commit_is_one_sentence(at: Resolve, name: str) -> None:
    with pytest.raises(ProjectError, match=r"^--base: the repository has no commit ") as caught:
        at(name)
    assert str(caught.value).isprintable()


def test_no_repository_no_folder_and_no_git_are_one_sentence(
    tmp_path: Path, at: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(ProjectError, match=r"^git: fatal: not a git repository"):
        resolve(tmp_path / "plain", "main", tmp_path, Processes())
    with pytest.raises(ProjectError, match="is not a folder"):
        resolve(tmp_path / "absent", "main", tmp_path, Processes())
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(ProjectError, match="needs Git"):
        at()
