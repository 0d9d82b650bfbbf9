"""What a release asks Git: files, tags, commits and their archives."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


class GitError(Exception):
    """Git cannot answer; the text says what is missing."""


def run(root: Path, *arguments: str) -> bytes:
    """What Git prints in a checkout. Raises GitError with Git's own last line."""
    program = shutil.which("git")
    if program is None:
        raise GitError("Git is not installed")
    finished = subprocess.run([program, "-C", str(root), *arguments], check=False, capture_output=True)
    if finished.returncode != 0:
        said = finished.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise GitError(f"git {arguments[0]} fails: {said[-1]}")
    return finished.stdout


def kept_files(root: Path) -> list[str]:
    """The names of the files in the index and of those that are not ignored."""
    listed = run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in listed.decode(errors="surrogateescape").split("\0") if name]


def tag_commits(root: Path) -> dict[str, str]:
    """Every tag here and the commit that it leads to."""
    # The second is empty unless the tag is an object of its own.
    listed = run(
        root, "for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags"
    )
    rows = (line.split(" ") for line in listed.decode().splitlines())
    return {name: peeled or commit for name, commit, peeled in rows}


def commit_of(root: Path, name: str) -> str:
    """The full id of the commit that a tag, a branch or HEAD leads to."""
    return run(root, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()


def archive(root: Path, commit: str, prefix: str, *paths: str) -> bytes:
    """A tar of a commit, the same bytes each time; `prefix` ends with `/`."""
    return run(root, "archive", "--format=tar", f"--prefix={prefix}", commit, "--", *paths)
