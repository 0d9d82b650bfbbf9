"""`mlsecops init` as a user meets it: what it says, asks and writes, in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from mlsecops import policy
from mlsecops.sarif import files as sarif_files
from support import git_repository, small_project
from support.command import COMMAND, mlsecops

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = ("--source", "acme/mlsecops", "--ref", COMMIT, "--version-name", "v1.2.3")
CALLER = ".github/workflows/mlsecops.yml"
ALL = {
    CALLER,
    ".github/mlsecops.yml",
    ".github/workflows/mlsecops-fork-comment.yml",
    ".github/workflows/mlsecops-rescan.yml",
}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = small_project.make(tmp_path / "project")
    git_repository.commit(root)
    return root


def changed(root: Path) -> set[str]:
    """The files that Git sees as new or changed."""
    listed = git_repository.git(root, "status", "--porcelain", "--untracked-files=all")
    return {line[3:] for line in listed.splitlines()}


def at_a_terminal(root: Path, typed: bytes) -> tuple[str, int]:
    """Run init with a terminal as its input, on which something is typed."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed)
        done = subprocess.run(
            [*COMMAND, "init", *SOURCE],
            cwd=root,
            check=False,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.stdout, done.returncode


def test_a_repository_gets_what_it_needs_and_nothing_else(root: Path) -> None:
    done = mlsecops("init", *SOURCE, "--fork-comment", "--rescan", cwd=root)
    assert done.returncode == 0, done.stderr
    assert changed(root) == ALL
    assert f"uses: acme/mlsecops/.github/workflows/secure-ml.yml@{COMMIT} # v1.2.3" in (
        root / CALLER
    ).read_text(encoding="utf-8")
    required = policy.load(root / policy.DEFAULT_FILE).required
    assert required == {"test", "sast", "model", "container"}
    assert "sca        no manifest" in done.stdout
    assert "wrote 4 files" in done.stdout


def test_what_is_written_passes_our_own_scan(root: Path, tmp_path: Path) -> None:
    mlsecops("init", *SOURCE, "--fork-comment", "--rescan", cwd=root)
    assert mlsecops("stage", "sast", "--project", root, "--out", tmp_path / "out").returncode == 0
    runs = {
        run["tool"]["driver"]["name"]: run
        for run in sarif_files.read(tmp_path / "out" / "sast.sarif")["runs"]
    }
    looked_at = {each["location"]["uri"] for each in runs["zizmor"]["artifacts"]}
    assert looked_at >= {path for path in ALL if "workflows" in path}
    found = [
        (result["ruleId"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for run in runs.values()
        for result in run["results"]
        if not result.get("suppressions")
    ]
    assert [each for each in found if each[1] in ALL] == []


def test_without_a_terminal_nothing_that_is_there_changes(root: Path) -> None:
    mlsecops("init", *SOURCE, cwd=root)
    (root / CALLER).write_text("name: mine\n", encoding="utf-8")
    done = mlsecops("init", *SOURCE, cwd=root)
    assert done.returncode == 0
    assert f"left alone  {CALLER}: it differs; --force replaces it" in done.stdout
    assert (root / CALLER).read_text(encoding="utf-8") == "name: mine\n"
    done = mlsecops("init", *SOURCE, "--force", cwd=root)
    assert done.returncode == 0
    assert (root / CALLER).read_text(encoding="utf-8") != "name: mine\n"


@pytest.mark.parametrize(
    ("typed", "replaced"), [(b"y\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)]
)
def test_at_a_terminal_it_asks(root: Path, typed: bytes, replaced: bool) -> None:
    mlsecops("init", *SOURCE, cwd=root)
    (root / CALLER).write_text("name: mine\n", encoding="utf-8")
    said, code = at_a_terminal(root, typed)
    assert code == 0, said
    assert f"Replace {CALLER}?" in said
    assert ((root / CALLER).read_text(encoding="utf-8") != "name: mine\n") is replaced


def test_a_dry_run_writes_nothing(root: Path) -> None:
    done = mlsecops("init", *SOURCE, "--dry-run", cwd=root)
    assert done.returncode == 0
    assert "would write 2 files; wrote none" in done.stdout
    assert changed(root) == set()


def test_a_link_out_of_the_repository_stops_everything(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "api").mkdir()
    (root / "api" / ".github").symlink_to(outside)
    before = changed(root)
    done = mlsecops("init", *SOURCE, "--projects", "tests,api", cwd=root)
    assert done.returncode == 2
    assert "api/.github is a link" in done.stderr
    assert changed(root) == before
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nowhere"], 2, "nowhere does not exist"),
        (["project/app.py"], 2, "project/app.py is not a folder"),
        (["plain"], 2, "plain is not in a Git repository"),
        (["project", "--projects", "missing"], 2, "missing is not a folder of the repository"),
        (["project", "--source", "x"], 2, "--source is 'x'; it takes OWNER/NAME"),
        (["project", "--ref", "v1"], 2, "--ref is 'v1'; it takes a full commit"),
        (["project", "--nothing"], 2, "--nothing"),
    ],
)
def test_a_mistake_is_one_clear_line(
    arguments: list[str], code: int, sentence: str, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    done = mlsecops("init", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4  # click prints its usage before the sentence
    assert changed(root) == set()
