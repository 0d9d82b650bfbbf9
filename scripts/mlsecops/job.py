"""What a tool gets to do its work with, and what it gives back."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import orjson

from mlsecops.bounds import Bounds
from mlsecops.project.reading import opened
from mlsecops.sarif.build import Json
from mlsecops.shared import Shared
from mlsecops.toolbox import Limits, StartError, Toolbox, ToolboxError
from mlsecops.toolbox.environments import installer_environment
from mlsecops.whole_files import write_whole

if TYPE_CHECKING:
    from mlsecops.policy import Policy
    from mlsecops.project import Project

_LAST_WORDS = 300
_KEPT_FREE = 256 << 20  # on the disk, for everything else
# Certificates and proxies only: a tool that talks to a network must find it, and nothing else of ours.
_NETWORK_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class ToolError(Exception):
    """A tool did not do its work; the text is one plain sentence that does not name the tool.

    `properties` is what is known of the run all the same, as in `Parsed`.
    """

    def __init__(self, sentence: str, properties: Json | None = None) -> None:
        super().__init__(sentence)
        self.properties = properties or {}


class InterruptedRunError(Exception):
    """A person, or the platform, ended the run; the text says how many tools were ended with it."""

    def __init__(self, ended: int) -> None:
        tools = "1 running tool was" if ended == 1 else f"{ended} running tools were"
        super().__init__(f"interrupted: {tools} ended, no reports were written")


class NotDueError(Exception):
    """A tool found out that it is not due, for a reason that only the machine knows; the text says which."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, rule or package that a tool could not read: the run is incomplete.

    `unparsed` is a file in a syntax that this tool does not know and another of its stage may; what is
    `unfinished` is a sentence of its own.
    """

    uri: str
    message: str
    line: int | None = None
    kind: Literal["unreadable", "unparsed", "unfinished", "stale"] = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """What a tool's output says. `due` are the units it had to look at when they are not its targets.

    `hashes` are the SHA-256 of targets of which the tool itself knows what it read.
    """

    looked_at: frozenset[str]
    rules: list[Json]
    results: list[Json]
    canary: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    due: frozenset[str] | None = None
    notes: list[str] = field(default_factory=list)
    properties: Json = field(default_factory=dict)
    version: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended with an exit code the tool is known to use, and whose output is new."""

    exit_code: int
    stdout: Path
    stderr: Path
    output: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked for on the command line, or by a workflow.

    `image_required` counts where the policy leaves it open whether images must be built.
    """

    no_exec: bool = False
    image_required: bool = False
    advisories: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every scan of one run shares."""

    stage: str
    project: Project
    policy: Policy
    toolbox: Toolbox
    work: Path
    keep: Path
    options: Options = Options()
    identifier: str | None = None
    shared: Shared = field(default_factory=Shared)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One tool's work: its targets, a scratch folder of its own, and the way to start its program."""

    tool: Tool
    context: Context
    targets: tuple[str, ...]
    work: Path
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def root(self) -> Path:
        """The scanned project's folder."""
        return self.context.project.root

    @property
    def project(self) -> Project:
        """The scanned project."""
        return self.context.project

    @property
    def policy(self) -> Policy:
        """The policy of the run."""
        return self.context.policy

    @property
    def no_exec(self) -> bool:
        """Whether nothing of the project's own code may run."""
        return self.context.options.no_exec

    def canary(self, files: Mapping[str, bytes]) -> Path:
        """Write the known-bad input into a fresh folder below `work` and return it."""
        folder = self.work / "canary"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return folder

    def copy(self, uris: Collection[str], into: str) -> Path:
        """Copy files of the project below `work/into`, so that no configuration beside them comes along.

        Raises ToolError where the disk has no room for them.
        """
        files = [self.project.file(uri) for uri in uris]
        folder = self.work / into
        folder.mkdir(parents=True, exist_ok=True)
        size = sum(file.size for file in files)
        if size > shutil.disk_usage(folder).free - _KEPT_FREE:
            raise ToolError(f"there is no room for a copy of the project, which has {size >> 20} MiB")
        for file in files:
            target = folder / file.uri
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened(file.absolute) as content, target.open("wb") as copy:
                shutil.copyfileobj(content, copy)
        return folder

    def keep(self, name: str, content: bytes) -> None:
        """Keep a file with the reports: an SBOM, a test report."""
        self.context.keep.mkdir(parents=True, exist_ok=True)
        write_whole(self.context.keep / name, content)

    def execute(
        self,
        argv: Sequence[str],
        *,
        exit_codes: Collection[int],
        output: Path | None = None,
        environment: str | None = None,
        timeout: float | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        installer: bool = False,
        silent: bool = False,
        private: bool = False,
        largest: int | None = None,
        within: Sequence[str] = (),
    ) -> Completed:
        """Run a program of the tool's environment to its end.

        `output` is the file that it must write (else its stdout).
        A program given by its absolute path is run as it is. `installer` gives it the index settings of the
        user, for resolving packages; `silent` programs print nothing when all is well; what `private` ones
        print is not repeated; `largest` is how many bytes a file may have that it writes, where that is more
        than usual; `within` is the command that starts it (see `confinement`).
        Raises ToolError when it is missing, crashes, hangs, ends with an exit code it is not known for, or
        leaves no new output in a plain file.
        """
        folder = fresh_folder(self.work / "runs")
        stdout, stderr = folder / "stdout", folder / "stderr"
        result = output or stdout
        result.unlink(missing_ok=True)
        left = self.bounds.left()
        if left <= 0:
            raise ToolError(self.bounds.why)
        seconds = min(timeout or self.tool.timeout, left)
        limits = Limits(seconds=seconds) if largest is None else Limits(seconds=seconds, file_size=largest)
        try:
            program = self._program(argv[0], environment)
            command = [*within, str(program), *argv[1:]]
            finished = self.context.toolbox.processes.run(
                command,
                cwd=cwd or self.work,
                env={**self._variables(program.parent, installer), **(env or {})},
                stdout=stdout,
                stderr=stderr,
                limits=limits,
            )
        except StartError as error:
            raise ToolError(str(error)) from error
        if not (_is_plain(stdout) and _is_plain(stderr)):
            raise ToolError("it put something else in the place of what it printed")
        last_words = _silence if private else _last_words
        if finished.timed_out and seconds == left:
            raise ToolError(self.bounds.why)
        if finished.timed_out:
            raise ToolError(f"it did not end within {limits.seconds:.0f} s and was stopped")
        if finished.exit_code < 0:
            raise ToolError(f"it was ended by signal {-finished.exit_code}{last_words(stderr)}")
        if finished.exit_code not in exit_codes:
            raise ToolError(f"it ended with exit code {finished.exit_code}{last_words(stderr, stdout)}")
        if not silent and (not _is_plain(result) or result.stat().st_size == 0):
            raise ToolError(f"it wrote no output (exit code {finished.exit_code}){last_words(stderr)}")
        return Completed(finished.exit_code, stdout, stderr, result)

    def execute_json(
        self,
        argv: Sequence[str],
        *,
        exit_codes: Collection[int],
        output: Path | None = None,
        environment: str | None = None,
        timeout: float | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> Any:
        """Run a program as `execute` does, read its output as JSON; ToolError when that is not whole."""
        completed = self.execute(
            argv,
            exit_codes=exit_codes,
            output=output,
            environment=environment,
            timeout=timeout,
            cwd=cwd,
            env=env,
            within=within,
        )
        try:
            return orjson.loads(completed.output.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ToolError(f"its output cannot be read: it is not whole JSON ({error})") from error

    def environment(self, name: str | None = None) -> Path:
        """Folder of the tool's own environment, or of the named one. Raises ToolError when it is missing."""
        wanted = name or self.tool.environment
        if wanted is None:
            raise ToolError("it has no environment to run programs from")
        try:
            return self.context.toolbox.environment(wanted)
        except ToolboxError as error:
            raise ToolError(f"it is missing: {error}") from error

    def _program(self, name: str, environment: str | None) -> Path:
        program = Path(name) if Path(name).is_absolute() else self.environment(environment) / "bin" / name
        try:
            mode = program.stat().st_mode
        except OSError as error:
            raise ToolError(f"it is missing: there is no {program.name} in its environment") from error
        if not (stat.S_ISREG(mode) and os.access(program, os.X_OK)):
            raise ToolError(f"it cannot be started: {program.name} is not executable")
        return program

    def _variables(self, programs: Path, installer: bool) -> dict[str, str]:
        home, scratch = self.work / "home", self.work / "tmp"
        for folder in (home, scratch):
            folder.mkdir(exist_ok=True)
        variables = {key: os.environ[key] for key in _NETWORK_VARIABLES if key in os.environ}
        if installer:
            variables = installer_environment(os.environ)
        else:
            variables["HOME"] = str(home)
        path = os.pathsep.join([str(programs), os.defpath.lstrip(":")])
        return {**variables, "PATH": path, "TMPDIR": str(scratch), "LANG": "C.UTF-8", "NO_COLOR": "1"}


class Tool(Protocol):
    """One external tool, or one check of our own. `weight` is its typical CPU time in seconds."""

    @property
    def name(self) -> str: ...
    @property
    def environment(self) -> str | None: ...
    @property
    def information_uri(self) -> str: ...
    @property
    def canary_rules(self) -> frozenset[str]: ...
    @property
    def weight(self) -> float: ...
    @property
    def timeout(self) -> float: ...

    def run(self, job: Job) -> Parsed:
        """Look at the job's targets and the canary. Raises ToolError with one sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Scan:
    """A tool that is due, and the repository-relative files it is due to look at."""

    tool: Tool
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """A tool that is not due, and why: what was looked for and not found, or what switched it off."""

    tool: str
    reason: str
    information_uri: str = ""


def _is_plain(path: Path) -> bool:
    """Whether a file is one, and no link or pipe that was put in its place."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _silence(*files: Path) -> str:
    """What a program printed stays with it."""
    del files
    return ""


def _last_words(*files: Path) -> str:
    """The last line a tool printed, as the end of a sentence."""
    for file in files:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 4096))
            lines = stream.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return f": {printable(lines[-1].strip())[:_LAST_WORDS]}"
    return ""


def printable(text: str) -> str:
    """Text of a stranger on one line: control characters and lone surrogates as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def fresh_folder(folder: Path) -> Path:
    """A new folder of that name, or of that name and the next free number."""
    number = 0
    while True:
        candidate = folder if number == 0 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return candidate
