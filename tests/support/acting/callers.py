"""A repository that calls our workflows: its commits, and the folder act runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.acting import events
from support.git_repository import commit, git

WORKFLOW = ".github/workflows/ci.yml"
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Caller:
    """The repository in `folder`; its checked-out commit is the one that a run is about."""

    folder: Path

    @property
    def sha(self) -> str:
        """The commit that is checked out."""
        return git(self.folder, "rev-parse", "HEAD")

    def add(self, files: Files, message: str = "a change") -> str:
        """Write files, commit them on the current branch and return the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return commit(self.folder, message)

    def propose(self, files: Files) -> tuple[str, str]:
        """A branch with files beside main, merged as GitHub tries it; base and head of the pull request."""
        base = self.sha
        git(self.folder, "checkout", "--quiet", "-b", events.BRANCH)
        head = self.add(files)
        git(self.folder, "checkout", "--quiet", "--detach", base)
        git(self.folder, "merge", "--quiet", "--no-ff", "--message", f"Merge {head} into {base}", head)
        return base, head


def create(folder: Path, workflow: str, files: Files) -> Caller:
    """A new repository with a workflow and the files of a project on its branch main."""
    folder.mkdir(parents=True, exist_ok=True)
    caller = Caller(folder)
    caller.add({WORKFLOW: workflow, **files}, "the beginning")
    return caller
