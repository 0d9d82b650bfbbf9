"""Tool environments: one virtual environment per hashed lock, made on first use, shared by all runs."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

_INSTALL_SECONDS = 900
_OF_INSTALLERS = re.compile(r"PIP_|UV_(?!PUBLISH_)")
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(?:API|ACCESS|PRIVATE|ACCOUNT)_?KEY", re.IGNORECASE)
# pip's names for what uv calls otherwise: an organisation behind a firewall has usually set only these.
_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


class ToolboxError(Exception):
    """A tool environment is not to be had; the text is one sentence that says why."""


@dataclass(frozen=True)
class Environments:
    """Environments below `folder`, made with `uv` from the locks `requirements/<name>.txt`.

    `overrides` maps a name to a ready folder: for tests, and for organisations that ship their own.
    """

    requirements: Path
    folder: Path
    uv: Path
    overrides: Mapping[str, Path] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    _made: dict[str, Path | ToolboxError] = field(default_factory=dict, init=False)
    _guards: dict[str, threading.Lock] = field(default_factory=dict, init=False)

    def names(self) -> tuple[str, ...]:
        """Names of all tool environments there is a lock for."""
        return tuple(sorted(path.stem for path in self.requirements.glob("*.in")))

    def path(self, name: str) -> Path:
        """Where the environment lies or will lie: its name changes with its lock and its interpreter."""
        if name in self.overrides:
            return self.overrides[name]
        key = hashlib.sha256()
        for part in (self._lock(name).read_bytes(), self.python(name).encode(), platform.platform().encode()):
            key.update(hashlib.sha256(part).digest())
        return self.folder / f"{name}-{key.hexdigest()[:16]}"

    def is_ready(self, name: str) -> bool:
        """Whether the environment was made completely."""
        return name in self.overrides or _stamp(self.path(name)).is_file()

    def python(self, name: str) -> str:
        """The interpreter a tool wants: a `# python: >=3.11,<3.13` line in its `.in`, else the one we run on.

        That is not our own virtual environment's, so that all of those share the tools.
        """
        source = self.requirements / f"{name}.in"
        wanted = re.search(r"^# python: *(\S+)", source.read_text(encoding="utf-8"), re.MULTILINE)
        return wanted[1] if wanted and not _satisfies(wanted[1]) else str(Path(sys.executable).resolve())

    def version(self, name: str) -> str:
        """The version of a tool that its lock pins for this interpreter."""
        package = _package(self.requirements / f"{name}.in")
        lock = self._lock(name).read_text(encoding="utf-8")
        pin = rf"^{re.escape(package)}==([^\s;\\]+)(?: ; ([^\\\n]+))?"
        for version, marker in re.findall(pin, lock, re.MULTILINE):
            if not marker or _applies(marker):
                return str(version)
        raise ToolboxError(f"the lock of {name} does not pin {package}")

    def ensure(self, name: str) -> Path:
        """Return the environment's folder, made when it is not there; several callers at once make it once.

        Raises ToolboxError with one sentence when there is no lock or the packages cannot be had.
        """
        with self._guards.setdefault(name, threading.Lock()):
            if name not in self._made:
                try:
                    self._made[name] = self._make(name)
                except ToolboxError as error:
                    self._made[name] = error
        made = self._made[name]
        if isinstance(made, ToolboxError):
            raise ToolboxError(str(made))
        return made

    def _make(self, name: str) -> Path:
        path = self.path(name)
        if self.is_ready(name):
            return path
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f"{path.name}.lock"):
                if not self.is_ready(name):
                    self._build(name, path)
        except OSError as error:
            raise ToolboxError(
                f"its environment cannot be made in {self.folder}: {error.strerror}"
            ) from error
        return path

    def _build(self, name: str, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        self._uv("venv", "--quiet", "--no-project", "--python", self.python(name), str(path))
        self._uv(
            *("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-build"),
            *("--python", str(path / "bin" / "python"), "-r", str(self._lock(name))),
        )
        _stamp(path).write_text(self.version(name), encoding="utf-8")

    def _uv(self, *arguments: str) -> None:
        try:
            # The working folder is ours: uv must not find settings of the scanned repository.
            finished = subprocess.run(
                [str(self.uv), *arguments],
                check=False,
                cwd=self.folder,
                env=installer_environment(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=_INSTALL_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolboxError(f"its environment was not made within {_INSTALL_SECONDS} s") from error
        if finished.returncode != 0:
            raise ToolboxError(f"its environment cannot be made: {_shortest_cause(finished.stderr)}")

    def _lock(self, name: str) -> Path:
        lock = self.requirements / f"{name}.txt"
        if not lock.is_file():
            raise ToolboxError(f"there is no lock file {lock.name} for it")
        return lock


def installer_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables an installer may see: all but secrets of other services and Python's own switches.

    What it builds sees them too.
    """
    kept = {
        key: value
        for key, value in environ.items()
        if _OF_INSTALLERS.match(key)
        or not (key.startswith(("PYTHON", "GITHUB_", "ACTIONS_", "VIRTUAL_ENV")) or _SECRET.search(key))
    }
    for theirs, ours in _PIP_TO_UV.items():
        if theirs in environ and ours not in environ:
            kept[ours] = environ[theirs]
    return kept


def _stamp(path: Path) -> Path:
    return path / "mlsecops-complete"


def _package(source: Path) -> str:
    """Name of the first package in an `.in` file: the tool itself."""
    for line in source.read_text(encoding="utf-8").splitlines():
        found = re.match(r"[A-Za-z0-9._-]+", line)
        if found:
            return found[0].lower()
    raise ToolboxError(f"{source.name} names no package")


def _applies(marker: str) -> bool:
    from packaging.markers import Marker

    return Marker(marker.strip()).evaluate()


def _satisfies(specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(platform.python_version())


def _shortest_cause(stderr: str) -> str:
    """uv prints a chain of causes; the last one is the one that a person can act on."""
    lines = [line.strip(" ×├╰─▶·│") for line in stderr.splitlines() if line.strip()]
    causes = [line for line in lines if not line.startswith("hint:")]
    return (causes[-1] if causes else "uv gave no reason").removeprefix("Caused by: ")[:300]
