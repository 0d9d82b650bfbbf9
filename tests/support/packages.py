"""Programs of Debian's packages that tests need, installed where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from filelock import FileLock
from mlsecops.toolbox import cache_folder

_SECONDS = 600.0


class EngineUnavailableError(Exception):
    """No engine can be started here; the text says what is missing."""


def install(packages: Mapping[str, str]) -> None:
    """Install Debian's packages (program -> package) whose program is missing.

    Raises EngineUnavailableError where that cannot be.
    """
    with FileLock(cache_folder() / "tests" / "packages.lock"):
        missing = [package for program, package in packages.items() if shutil.which(program) is None]
        if not missing:
            return
        apt = shutil.which("apt-get")
        if apt is None or os.geteuid() != 0:
            raise EngineUnavailableError(
                f"{', '.join(missing)} must be installed, and only root can on Debian"
            )
        added = [apt, "install", "--yes", "--no-install-recommends", *missing]
        if _ended(added) and (_ended([apt, "update"]) or _ended(added)):
            raise EngineUnavailableError(f"{', '.join(missing)} cannot be installed by apt-get")


def _ended(command: Sequence[str]) -> int:
    # In this run level no package starts a service.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    return subprocess.run(command, check=False, env=quiet, capture_output=True, timeout=_SECONDS).returncode


def program(name: str) -> str:
    """Where a program is. Raises EngineUnavailableError."""
    found = shutil.which(name)
    if found is None:
        raise EngineUnavailableError(f"{name} is not installed")
    return found
