"""Steps of a workflow without a workflow: `mlsecops github …` with a runner's variables, and what it says."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from mlsecops.cli import command
from support.acting.events import REPOSITORY, Event
from support.github_api import TOKEN, GitHubServer

# As the actions give it: a step that may run code of the repository, or needs none, has no token.
_WITHOUT_TOKEN = frozenset({"scan", "needs"})
_OUTPUT = re.compile(r"^([\w-]+)<<(\w+)\n(.*?)\n\2$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What a step left: exit code, log, outputs, the summary that it added."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str

    def annotations(self, level: str) -> list[str]:
        """The messages of one level."""
        return re.findall(rf"^::{level}(?: [^:]*)?::(.*)$", self.log, re.MULTILINE)


@dataclass
class Job:
    """A job whose steps share a checkout and a temporary folder."""

    folder: Path
    github: GitHubServer
    event: Event
    sha: str
    run_id: int = 100
    token: str = TOKEN
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.checkout.mkdir(parents=True)
        (self.folder / "event.json").write_text(json.dumps(self.event.payload), encoding="utf-8")

    @property
    def checkout(self) -> Path:
        """The checked-out repository."""
        return self.folder / "checkout"

    @property
    def temporary(self) -> Path:
        """Where our steps leave things for each other."""
        return self.folder / "temp" / "mlsecops" / self.environ.get("MLSECOPS_ID", "default")

    def step(self, verb: str, **inputs: str) -> Said:
        """Run one step; inputs as `fail_on="low"`."""
        files = {name: self.folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        given = {f"MLSECOPS_{name.upper()}": value for name, value in inputs.items()}
        finished = CliRunner().invoke(
            command,
            ["github", verb],
            env={**self._runner(verb), **{n: str(f) for n, f in files.items()}, **self.environ, **given},
        )
        if finished.exception is not None and not isinstance(finished.exception, SystemExit):
            raise finished.exception
        output = files["GITHUB_OUTPUT"].read_text(encoding="utf-8")
        return Said(
            code=finished.exit_code,
            log=finished.output,
            outputs={name: value for name, _, value in _OUTPUT.findall(output)},
            summary=files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"),
        )

    def _runner(self, verb: str) -> dict[str, str | None]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": self.event.actor,
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": self.event.name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_REF": self.event.ref,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": self.sha,
            "GITHUB_TOKEN": None if verb in _WITHOUT_TOKEN else self.token,
            "GITHUB_WORKSPACE": str(self.checkout),
            "MLSECOPS_IMAGE": "when-available",
            "RUNNER_TEMP": str(self.folder / "temp"),
        }


def needs(**stages: Mapping[str, str] | str) -> str:
    """`toJSON(needs)`: for each stage the outputs of its job that succeeded, or how it ended."""
    rows: dict[str, Any] = {}
    for stage, given in stages.items():
        if isinstance(given, str):
            rows[stage] = {"result": given, "outputs": {}}
        else:
            rows[stage] = {"result": "success", "outputs": dict(given)}
    return json.dumps(rows)


def zipped(folder: Path) -> bytes:
    """A folder as an artifact keeps it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()
