"""An isolated environment with what a project's tests need, made by uv from the project's own manifests.

pytest and coverage come from the tool's own environment, unless the project brings its own: a line in a
`.pth` file puts them behind the project's packages. The files are copies, never links into uv's cache, which
tests could write through. Making it may run the project's own code (a build of it or of a source
distribution).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mlsecops.confinement import installing, kept
from mlsecops.dependencies import read_manifest
from mlsecops.job import Job, ToolError
from mlsecops.project import Manifest, Project
from mlsecops.uv_output import cause

_TEST_WORDS = re.compile(r"(?:^|[-_./])(?:dev|develop|development|test|tests|testing|ci)(?:$|[-_./])")
_MAIN_FILES = ("requirements", "req", "reqs", "base", "main", "prod", "all")
_INSTALL_SECONDS = 1200.0
_NO_NETWORK = re.compile(r"error sending request|dns error|failed to fetch", re.IGNORECASE)
# Locks that uv does not read, each with the manifest that names what the project itself needs.
_FOREIGN_LOCKS: tuple[tuple[str, str], ...] = (
    ("poetry-lock", "pyproject"),
    ("pdm-lock", "pyproject"),
    ("pipfile-lock", "pipfile"),
)
_OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class ProjectEnvironment:
    """A folder with `bin/python`, and what could not be installed though the tests may do without it."""

    folder: Path
    version: tuple[int, int] = sys.version_info[:2]
    notes: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        return self.folder / "lib" / f"python{self.version[0]}.{self.version[1]}" / "site-packages"


def copy_project(job: Job) -> Path:
    """A copy of all the project's files below the job's folder, by its real path."""
    source = Path(os.path.realpath(job.copy([file.uri for file in job.project.files], "project")))
    for file in job.project.files:
        if os.access(file.absolute, os.X_OK):
            (source / file.uri).chmod(0o755)
    return source


def make(job: Job, source: Path, python: str | None, *, tests: bool = True) -> ProjectEnvironment:
    """Make the environment for the copy of the project in `source`; with nothing to install, the tool's own.

    `python` is the version, or path, that the policy asks for. Without `tests` no tool is put behind it.
    Raises ToolError with one sentence when Python or a dependency is not to be had.
    """
    installations = _installations(job, source, tests=tests)
    wanted, must, why = wanted_python(source, python)
    if tests and not (installations or _is_package(source)) and wanted == _OURS:
        return ProjectEnvironment(job.environment())
    environment, notes = _bare(job, wanted, must, why)
    for arguments in installations:
        _uv(
            job,
            "its dependencies cannot be installed",
            source,
            "pip",
            "install",
            *_into(environment),
            *arguments,
        )
    notes += _install_project(job, environment, source)
    if tests:
        _add_tools(job, environment, source)
    return ProjectEnvironment(environment.folder, environment.version, tuple(notes))


def wanted_python(source: Path, asked: str | None) -> tuple[str, bool, str]:
    """The Python that the tests want for uv, whether no other one will do, and who says so.

    The policy first, then `.python-version`, then `requires-python`; ours (as `3.11`) where it is as good.
    """
    if asked:
        return (_OURS if asked == _OURS else asked), True, "the policy"
    required = str(_table(source, "project").get("requires-python") or "")
    fits = _fits(required)
    try:
        first = (source / ".python-version").read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        first = []
    named = re.match(r"(?:cpython-)?(3\.\d+)", first[0]) if first else None
    if named:
        return named[1], not fits, ".python-version"
    return (_OURS, False, "") if fits else (required, True, "requires-python")


def _fits(required: str) -> bool:
    try:
        return SpecifierSet(required).contains(".".join(map(str, sys.version_info[:3])))
    except InvalidSpecifier:
        return True


def _bare(job: Job, wanted: str, must: bool, why: str) -> tuple[ProjectEnvironment, list[str]]:
    """An empty environment, and a note when it is not of the version that was wanted."""
    folder = job.work / "environment"
    own = job.context.toolbox.environments.python("pytest")
    notes: list[str] = []
    try:
        python = own if wanted == _OURS else wanted
        _uv(
            job,
            f"Python {wanted} is not to be had",
            job.work,
            "venv",
            "--no-project",
            "--python",
            python,
            str(folder),
        )
    except ToolError as error:
        if must or wanted == _OURS:
            asks = f"{why} asks for it, and " if why else ""
            raise ToolError(f"{asks}{error}") from error
        notes.append(f"{why} asks for Python {wanted}, which is not to be had: {_OURS} was used")
        _uv(job, "no Python is to be had", job.work, "venv", "--no-project", "--python", own, str(folder))
    settings = (folder / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"^version(?:_info)? *= *(\d+)\.(\d+)", settings, re.MULTILINE)
    version = (int(found[1]), int(found[2])) if found else sys.version_info[:2]
    return ProjectEnvironment(folder, version), notes


def _installations(job: Job, source: Path, *, tests: bool) -> list[list[str]]:
    """One argument list per call of `uv pip install`, from the best manifest of the project's root."""
    kinds: dict[str, Manifest] = {
        manifest.kind: manifest for manifest in job.project.manifests if "/" not in manifest.uri
    }
    files = list(requirement_files(job.project))
    if not tests:
        files = [each for each in files if not _is_for_tests(each)] or files
    if "uv-lock" in kinds:
        return [["-r", str(_exported(job, source, tests=tests))]]
    extras = _extras(source) if tests else []
    if files:
        readable = [part for each in files for part in ("-r", str(_readable(job, source, each)))]
        return [[*readable, *extras]]
    if "pylock" in kinds:
        return [["-r", str(source / kinds["pylock"].uri)]]
    for lock, manifest in _FOREIGN_LOCKS:
        if lock in kinds:
            return [_locked(job, kinds[lock], kinds.get(manifest))]
    if "pyproject" in kinds and (_table(source, "project") or extras):
        return [extras or ["-r", "pyproject.toml"]]
    for kind in ("pyproject", "pipfile", "conda", "pixi", "setup-cfg", "setup-py"):
        listed = [each.requirement for each in _listed(job, kinds.get(kind))]
        if listed:
            return [["-r", str(_written(job, "named.txt", listed))]]
    return []


def requirement_files(project: Project) -> Iterable[Manifest]:
    """Requirement files of the root and of `requirements/`: the main one and those for tests."""
    compiled = {m.uri for m in project.manifests if m.kind == "requirements"}
    for manifest in sorted(project.manifests, key=lambda each: each.uri):
        folder, _, name = manifest.uri.rpartition("/")
        if folder not in ("", "requirements", "tests", "test"):
            continue
        source_of_another = manifest.uri.removesuffix(".in") + ".txt" in compiled
        if manifest.kind == "requirements" or (manifest.kind == "requirements-in" and not source_of_another):
            stem = name.rsplit(".", 1)[0]
            if stem in _MAIN_FILES or folder in ("tests", "test") or _TEST_WORDS.search(stem):
                yield manifest


def _is_for_tests(manifest: Manifest) -> bool:
    folder, _, name = manifest.uri.rpartition("/")
    return folder in ("tests", "test") or _TEST_WORDS.search(name.rsplit(".", 1)[0]) is not None


def _exported(job: Job, source: Path, *, tests: bool) -> Path:
    exported = job.work / "exported.txt"
    extras = _named_for_tests(source, "project", "optional-dependencies")
    _uv(
        job,
        "its uv.lock cannot be read",
        source,
        *("export", "--frozen", "--all-groups" if tests else "--no-dev", "--no-emit-project"),
        *(f"--extra={extra}" for extra in extras if tests),
        *("--project", str(source), "--output-file", str(exported)),
    )
    return exported


def _locked(job: Job, lock: Manifest, manifest: Manifest | None) -> list[str]:
    """What the project names, held to the versions of a lock: uv leaves out what is for other systems."""
    pins = [each.requirement for each in _listed(job, lock)]
    named = [each.requirement for each in _listed(job, manifest)]
    if not named:
        return ["-r", str(_written(job, "locked.txt", pins))]
    return ["-r", str(_written(job, "named.txt", named)), "-c", str(_written(job, "locked.txt", pins))]


def _listed(job: Job, manifest: Manifest | None) -> Iterable[Any]:
    return read_manifest(manifest.kind, job.project.read_text(manifest.uri)).dependencies if manifest else ()


def _written(job: Job, name: str, lines: Iterable[str]) -> Path:
    path = job.work / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


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


def _install_project(job: Job, environment: ProjectEnvironment, source: Path) -> list[str]:
    """Install the project itself where it is a package; tests that do without it still count."""
    if not _is_package(source):
        return []
    try:
        _uv(
            *(job, "the project itself could not be installed, its tests ran from its folder", source),
            *("pip", "install", *_into(environment), "--no-deps", "-e", str(source)),
        )
    except ToolError as error:
        return [str(error)]
    return []


def _is_package(source: Path) -> bool:
    return bool(_table(source, "build-system")) or (source / "setup.py").is_file()


def _add_tools(job: Job, environment: ProjectEnvironment, source: Path) -> None:
    """Put pytest and coverage behind the project's own packages."""
    tools = ProjectEnvironment(job.environment())
    if environment.version == tools.version and tools.packages.is_dir():
        (environment.packages / "mlsecops_tools.pth").write_text(f"{tools.packages}\n", encoding="utf-8")
    else:
        # coverage is compiled for one version of Python.
        lock = job.context.toolbox.environments.requirements / "pytest.txt"
        folder = environment.folder / "mlsecops-tools"
        _uv(
            *(job, "pytest cannot be installed", source, "pip", "install", "--no-deps", "--require-hashes"),
            *(
                "--link-mode=copy",
                "--python",
                str(environment.python),
                "--target",
                str(folder),
                "-r",
                str(lock),
            ),
        )
        (environment.packages / "mlsecops_tools.pth").write_text(f"{folder}\n", encoding="utf-8")
    for name in ("pytest", "coverage"):
        program = environment.folder / "bin" / name
        if not program.exists():
            python = shlex.quote(str(environment.python))
            program.write_text(f'#!/bin/sh\nexec {python} -m {name} "$@"\n', encoding="utf-8")
            program.chmod(0o755)


def _into(environment: ProjectEnvironment) -> list[str]:
    return ["--link-mode=copy", "--python", str(environment.python)]


def _uv(job: Job, complaint: str, folder: Path, *arguments: str) -> None:
    """Run uv in a folder; it prints nothing when all is well, so its exit code is the evidence."""
    said = _complaint_of_uv(job, folder, arguments, {})
    if _NO_NETWORK.search(said):
        # What is in uv's cache will do, also where uv would ask the index whether there is something newer.
        said = _complaint_of_uv(job, folder, arguments, {"UV_OFFLINE": "1"})
        complaint += ", as the network cannot be reached"
    if said:
        raise ToolError(f"{complaint}: {cause(said)}")


def _complaint_of_uv(job: Job, folder: Path, arguments: Iterable[str], env: Mapping[str, str]) -> str:
    try:
        completed = job.execute(
            [str(job.context.toolbox.environments.uv), "--quiet", *arguments],
            exit_codes=range(256),
            timeout=_INSTALL_SECONDS,
            installer=True,
            silent=True,
            cwd=folder,
            # A build is code of the project, or of a dependency.
            within=(*kept(), *installing(job)),
            # Without a network it shall say so soon.
            env={"UV_HTTP_RETRIES": os.environ.get("UV_HTTP_RETRIES", "1"), **env},
        )
    except ToolError as error:
        return str(error)
    said = completed.stderr.read_text(encoding="utf-8", errors="replace")
    return (said.strip() or "uv gave no reason") if completed.exit_code else ""


def _extras(source: Path) -> list[str]:
    """Options that install what pyproject.toml names for tests, and with extras the project's own needs."""
    extras = _named_for_tests(source, "project", "optional-dependencies")
    groups = _named_for_tests(source, "dependency-groups")
    # uv takes extras only of a file that it installs from, groups also of one without a project.
    file = ["-r", "pyproject.toml"] if _table(source, "project") and (extras or groups) else []
    return [*file, *(f"--extra={each}" for each in extras), *(f"--group={each}" for each in groups)]


def _named_for_tests(source: Path, *keys: str) -> list[str]:
    return sorted(name for name in _table(source, *keys) if _TEST_WORDS.search(name))


def _table(source: Path, *keys: str) -> dict[str, Any]:
    """A table of the project's pyproject.toml; an empty one where there is none."""
    try:
        table: Any = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}
