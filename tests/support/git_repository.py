"""Git repositories made for a test, untouched by the settings of the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


def git(folder: Path, *arguments: str) -> str:
    """Run Git in a folder and return what it prints, without the last line end."""
    command = ["git", "-C", str(folder), *arguments]
    finished = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **_SETTINGS}
    )
    return finished.stdout.removesuffix("\n")


def commit(folder: Path, message: str = "a change") -> str:
    """Commit everything in a folder, made a repository with the branch main if it is none; return its id."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
