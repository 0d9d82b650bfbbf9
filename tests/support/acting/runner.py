"""Runs a caller's workflow with act, on this machine and with nothing but loopback."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock
from mlsecops.toolbox import cache_folder
from support.acting import events, log
from support.acting.callers import WORKFLOW, Caller
from support.acting.events import Event
from support.acting.processes import execute
from support.acting.staging import REPOSITORY, Staged

TESTS = REPOSITORY / "tests"
TOKEN = "ghs_" + "0123456789abcdefghijklmnopqrstuvwxyz"
RUN = 4711
PLATFORMS = ("ubuntu-24.04", "ubuntu-latest", "ubuntu-slim")
_SECONDS = 300
# Nobody listens on the discard port: what is not on loopback is out of reach, for act and for every step.
_NOWHERE = "http://127.0.0.1:9"
_CUT_OFF = {"HTTPS_PROXY": _NOWHERE, "HTTP_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1,localhost"}
# As on GitHub a step has no terminal. act stops listening when a step fails: it gets time to hear the end.
_BASH = """#!{bash}
test -z "$WITHIN_A_STEP" || exec "{bash}" "$@"
export WITHIN_A_STEP=1
set -o pipefail
"{bash}" "$@" 2>&1 </dev/null | cat || {{ code=$?; sleep 0.2; exit "$code"; }}
"""


@dataclass(frozen=True)
class Run:
    """What became of a run. `jobs` are those that ran; `text` is the log for people, `raw` what act wrote."""

    exit_code: int
    jobs: list[log.Job]
    text: str = field(repr=False)
    raw: str = field(repr=False)
    artifacts: Mapping[str, Mapping[str, bytes]] = field(repr=False)

    def job(self, key: str) -> log.Job:
        """The one job of that name (`job`, in a called workflow `caller/job`); KeyError if it did not run."""
        found = [job for job in self.jobs if job.key == key]
        if len(found) != 1:
            raise KeyError(
                f"{len(found)} jobs are called {key}: {[job.key for job in self.jobs]}\n{self.text}"
            )
        return found[0]

    def conclusion(self, key: str) -> str:
        """How a job ended; "skipped" when it did not run."""
        return self.job(key).conclusion if any(job.key == key for job in self.jobs) else "skipped"

    @property
    def annotations(self) -> list[log.Annotation]:
        """The annotations of all steps."""
        return [each for job in self.jobs for step in job.steps.values() for each in step.annotations]

    @property
    def summary(self) -> str:
        """The step summaries one after the other."""
        return "".join(step.summary for job in self.jobs for step in job.steps.values())

    @property
    def masked(self) -> list[str]:
        """The values that steps asked to have masked."""
        return [each for job in self.jobs for step in job.steps.values() for each in step.masked]

    def prints(self, value: str) -> bool:
        """Whether a step printed a value; nothing is masked here, unlike on GitHub."""
        return any(value in line for job in self.jobs for step in job.steps.values() for line in step.printed)


@dataclass(frozen=True)
class Act:
    """act, our staged copy, and a scratch folder for homes, logs and artifacts."""

    program: Path
    staged: Staged
    scratch: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        caller: Caller,
        event: Event,
        *,
        api: str = _NOWHERE,
        token: str = TOKEN,
        variables: Mapping[str, str] | None = None,
        attempt: int = 1,
        run: int = RUN,
        workflow: str = WORKFLOW,
        seconds: float = _SECONDS,
    ) -> Run:
        """Run one workflow of the caller for an event and wait for its end.

        `api` is the address of GitHub's API, `variables` are set in every step. Artifacts lie in act's own
        server, by `run`: a further attempt finds those of the one before. Raises ActError when the time is
        over, and StagingError for a workflow that uses what is not on this machine.
        """
        home = _home(self.scratch)
        payload = self.scratch / "event.json"
        payload.write_text(json.dumps(event.payload), encoding="utf-8")
        settings = {**self._settings(event, api, run, attempt), **self.variables, **(variables or {})}
        mapped = {**self.staged.mapped(), **self.staged.check(caller.folder / workflow)}
        artifacts = self.scratch / "artifacts"
        # act's server breaks when it is asked for the artifacts of a run that has none.
        (artifacts / str(run)).mkdir(parents=True, exist_ok=True)
        options = [
            *("--json", "--insecure-secrets", "--no-cache-server", "--workflows", workflow),
            # act's table of local folders stands no two jobs at a time.
            *("--concurrent-jobs", "1", "--actor", event.actor, "--eventpath", str(payload)),
            *("--artifact-server-path", str(artifacts), "--artifact-server-addr", "127.0.0.1"),
            *("--secret", f"GITHUB_TOKEN={token}"),
            *(f"--platform={each}=-self-hosted" for each in PLATFORMS),
            *(f"--local-repository={name}={folder}" for name, folder in mapped.items()),
            *(f"--env={name}={value}" for name, value in settings.items()),
        ]
        command = [str(self.program), event.name, *options]
        code, written, complaints = execute(command, caller.folder, self._environment(home), seconds)
        return Run(
            exit_code=code,
            jobs=log.read(written),
            text=f"{log.plain(written)}\n{complaints}",
            raw=written,
            artifacts=_artifacts(artifacts / str(run)),
        )

    def prepare(self) -> None:
        """Make what a run cannot fetch: the command's environment, and with it those of the tools."""
        launcher = self.staged.folder / "scripts" / "on_runner.py"
        subprocess.run(
            [_programs() / "python3", "-I", launcher, "doctor"],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "MLSECOPS_CACHE": str(cache_folder())},
        )

    def _environment(self, home: Path) -> dict[str, str]:
        """act's own environment, which reaches the steps as well."""
        return {
            "PATH": os.pathsep.join([str(_programs()), os.environ["PATH"]]),
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "LANG": "C.UTF-8",
            "MLSECOPS_CACHE": str(cache_folder()),
            "STAND_INS": str(TESTS),
            # No image is built in these tests, whatever is installed here.
            "MLSECOPS_ENGINE": "none",
            **_CUT_OFF,
            **{name.lower(): value for name, value in _CUT_OFF.items()},
        }

    @staticmethod
    def _settings(event: Event, api: str, run: int, attempt: int) -> dict[str, str]:
        """What act would take from elsewhere, or get wrong."""
        return {
            "GITHUB_REPOSITORY": events.REPOSITORY,
            "GITHUB_REF": event.ref,
            "GITHUB_API_URL": api,
            "GITHUB_RUN_ID": str(run),
            "GITHUB_RUN_ATTEMPT": str(attempt),
        }


def _home(scratch: Path) -> Path:
    home = scratch / "home"
    # Without this file act asks at the terminal which image it is to take.
    (home / ".config" / "act").mkdir(parents=True, exist_ok=True)
    (home / ".config" / "act" / "actrc").touch()
    (home / "tmp").mkdir(exist_ok=True)
    return home


def _programs() -> Path:
    """What every step finds first on PATH; in one place, as environments are named by their interpreter."""
    real = Path(sys.executable).resolve()
    name = hashlib.sha256(f"{real} {_BASH}".encode()).hexdigest()[:16]
    folder = cache_folder() / "tests" / f"runner-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "bash").exists():
            # The interpreter itself: a virtual environment's does not survive being linked elsewhere.
            (folder / "python3").symlink_to(real)
            (folder / "bash").write_text(_BASH.format(bash=shutil.which("bash")), encoding="utf-8")
            (folder / "bash").chmod(0o755)
    return folder


def _artifacts(folder: Path) -> dict[str, dict[str, bytes]]:
    found = {}
    for archive in sorted(folder.glob("*/*.zip")):
        with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
            found[archive.parent.name] = {
                each.filename: opened.read(each) for each in opened.infolist() if not each.is_dir()
            }
    return found
