"""An isolated environment with what a project's tests need, made by uv from the project's own manifests."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsecops.job import Completed, Job, ToolError
from mlsecops.project import Manifest, Project

_TEST_WORDS = re.compile(r"(?:^|[-_./])(?:dev|develop|development|test|tests|testing|ci)(?:$|[-_./])")
_INSTALL_SECONDS = 1200.0


@dataclass(frozen=True, slots=True)
class ProjectEnvironment:
    """A folder with `bin/python`, and what could not be installed though the tests may do without it."""

    folder: Path
    notes: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    def has(self, package: str) -> bool:
        """Whether a distribution of that name is installed."""
        pattern = f"lib/python*/site-packages/{package.replace('-', '_')}-*.dist-info"
        return any(self.folder.glob(pattern))


def make(job: Job, source: Path, python: str | None) -> ProjectEnvironment:
    """Make the environment below the job's scratch folder for the copy of the project in `source`.

    The project's own code may run (a build of the project or of a source distribution): callers ask first.
    Raises ToolError with one sentence when a dependency cannot be installed.
    """
    folder = job.work / "environment"
    wanted = python or str(job.context.toolbox.environments.python("pytest"))
    _uv(job, "its Python cannot be had", "venv", "--no-project", "--python", wanted, str(folder))
    environment = ProjectEnvironment(folder, ())
    for arguments in _installations(job, source):
        _install(job, environment, arguments)
    notes = _install_project(job, environment, source)
    _add_missing(job, environment)
    return ProjectEnvironment(folder, notes)


def _installations(job: Job, source: Path) -> list[list[str]]:
    """One argument list per call of `uv pip install`, from the best manifest of the project's root."""
    at_root = [manifest for manifest in job.project.manifests if "/" not in manifest.uri]
    kinds = {manifest.kind: manifest for manifest in at_root}
    if "uv-lock" in kinds:
        exported = job.work / "exported.txt"
        groups = [f"--extra={extra}" for extra in _test_extras(source)]
        _uv(
            job,
            "its uv.lock cannot be read",
            *("export", "--quiet", "--frozen", "--all-groups", "--no-emit-project", *groups),
            *("--project", str(source), "--output-file", str(exported)),
            cwd=source,
        )
        return [["-r", str(exported)]]
    files = list(_requirement_files(job.project))
    if files:
        return [[part for each in files for part in ("-r", str(_readable(job, source, each)))]]
    if "pylock" in kinds:
        return [["-r", str(source / kinds["pylock"].uri)]]
    if "pyproject" in kinds and _table(source).get("project"):
        extras = [f"--extra={extra}" for extra in _test_extras(source)]
        groups = [f"--group={group}" for group in _test_groups(source)]
        return [["-r", "pyproject.toml", *extras, *groups]]
    return []


def _requirement_files(project: Project) -> Iterable[Manifest]:
    """Requirement files of the root and of `requirements/`: the main one and those for tests."""
    compiled = {m.uri for m in project.manifests if m.kind == "requirements"}
    for manifest in sorted(project.manifests, key=lambda each: each.uri):
        folder, _, name = manifest.uri.rpartition("/")
        if folder not in ("", "requirements", "tests", "test"):
            continue
        source_of_another = manifest.uri.removesuffix(".in") + ".txt" in compiled
        if manifest.kind == "requirements" or (manifest.kind == "requirements-in" and not source_of_another):
            stem = name.rsplit(".", 1)[0]
            main = stem in ("requirements", "req", "reqs", "base", "main", "prod", "all")
            if main or folder in ("tests", "test") or _TEST_WORDS.search(stem):
                yield manifest


def _readable(job: Job, source: Path, manifest: Manifest) -> Path:
    """The requirement file itself, or a UTF-8 copy beside it when uv could not read its encoding."""
    path = source / manifest.uri
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        copy = path.with_name(f"{path.name}.utf-8.txt")
        copy.write_text(job.project.read_text(manifest.uri), encoding="utf-8")
        return copy
    return path


def _install(job: Job, environment: ProjectEnvironment, arguments: list[str]) -> None:
    _uv(
        job,
        "its dependencies cannot be installed",
        *("pip", "install", "--quiet", "--link-mode=copy", "--python", str(environment.python), *arguments),
        cwd=job.work / "project",
    )


def _install_project(job: Job, environment: ProjectEnvironment, source: Path) -> tuple[str, ...]:
    """Install the project itself where it is a package; tests that do without it still count."""
    table = _table(source)
    packaged = "build-system" in table or (source / "setup.py").is_file() or (source / "setup.cfg").is_file()
    if not packaged:
        return ()
    try:
        _install(job, environment, ["--no-deps", "-e", str(source)])
    except ToolError as error:
        return (f"the project itself could not be installed, its tests ran from its folder ({error})",)
    return ()


def _add_missing(job: Job, environment: ProjectEnvironment) -> None:
    """Add pytest and coverage from our lock where the project does not bring its own."""
    lock = (job.context.toolbox.environments.requirements / "pytest.txt").read_text(encoding="utf-8")
    if not environment.has("pytest"):
        wanted = lock
    elif not environment.has("coverage"):
        wanted = locked_package(lock, "coverage")
    else:
        return
    reduced = job.work / "pytest.txt"
    reduced.write_text(wanted, encoding="utf-8")
    _install(job, environment, ["--no-deps", "--require-hashes", "-r", str(reduced)])


def locked_package(lock: str, package: str) -> str:
    """The lines of one package in a hashed lock: its pin and its hashes."""
    lines = iter(lock.splitlines())
    block: list[str] = []
    for line in lines:
        if block and not line.startswith((" ", "\t")):
            break
        if block or line.startswith(f"{package}=="):
            block.append(line)
    return "\n".join(block) + "\n"


def _uv(job: Job, complaint: str, *arguments: str, cwd: Path | None = None) -> Completed | None:
    """Run uv; it prints nothing when all is well, so its exit code is the evidence."""
    try:
        return job.execute(
            [str(job.context.toolbox.environments.uv), *arguments],
            exit_codes=(0,),
            timeout=_INSTALL_SECONDS,
            installer=True,
            silent=True,
            cwd=cwd,
        )
    except ToolError as error:
        raise ToolError(f"{complaint}: {error}") from error


def _table(source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _test_extras(source: Path) -> list[str]:
    extras = _table(source).get("project", {}).get("optional-dependencies", {})
    return sorted(extra for extra in extras if _TEST_WORDS.search(extra))


def _test_groups(source: Path) -> list[str]:
    groups = _table(source).get("dependency-groups", {})
    return sorted(group for group in groups if _TEST_WORDS.search(group))
