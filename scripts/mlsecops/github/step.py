"""What a step of a workflow works with: event, inputs, GitHub's interface, the runner, its folders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from mlsecops.github import event, inputs
from mlsecops.github.client import Client
from mlsecops.github.commands import Runner
from mlsecops.github.event_model import Event
from mlsecops.github.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the steps of one job leave things for each other, below the runner's temporary folder."""

    root: Path

    @property
    def policy(self) -> Path:
        """Holds the policy of the base commit, below its path in the repository."""
        return self.root / "policy"

    @property
    def results(self) -> Path:
        """Holds a folder for each step that scanned."""
        return self.root / "results"

    @property
    def downloads(self) -> Path:
        """Holds what other jobs left."""
        return self.root / "downloads"

    @property
    def report(self) -> Path:
        """Holds what people read."""
        return self.root / "report"

    @property
    def baseline(self) -> Path:
        """Holds the report of the base branch."""
        return self.root / "baseline"

    @property
    def code_scanning(self) -> tuple[Path, Path]:
        """The files for code scanning, the second for what the first has no room for."""
        return self.root / "code-scanning.sarif", self.root / "code-scanning-more.sarif"


@dataclass(frozen=True, kw_only=True)
class Step:
    """All that a step knows and speaks to."""

    environ: Mapping[str, str]
    event: Event
    inputs: Inputs
    runner: Runner
    folders: Folders

    @classmethod
    def read(cls, environ: Mapping[str, str], stream: TextIO, known: Sequence[str]) -> Step:
        """The step from the variables that the runner sets, where `known` are the stages there are.

        Raises InputError and EventError with one sentence.
        """
        given = inputs.read(environ, known)
        temporary = Path(environ.get("RUNNER_TEMP") or "mlsecops-runner").resolve()
        return cls(
            environ=environ,
            event=event.read(environ),
            inputs=given,
            runner=Runner(environ, stream),
            folders=Folders(temporary / "mlsecops" / given.identifier),
        )

    @cached_property
    def client(self) -> Client:
        """GitHub's interface, for steps that have a token. Raises GitHubError."""
        address = self.environ.get("GITHUB_API_URL", "https://api.github.com")
        return Client(address, self.environ.get("GITHUB_TOKEN", ""))

    @property
    def project(self) -> Path:
        """The folder of the project in the checkout."""
        return Path(self.environ.get("GITHUB_WORKSPACE") or ".").resolve() / self.inputs.project

    @property
    def name(self) -> str:
        """What people are told that the project is called."""
        folder = "" if self.inputs.project == "." else f"/{self.inputs.project}"
        return f"{self.event.repository}{folder}"


def emptied(folder: Path) -> Path:
    """The folder, made, and without what an earlier step left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
