"""nektos/act, installed once from its source into the cache: it runs workflows on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock
from mlsecops.toolbox import cache_folder

VERSION = "0.2.87"
MODULE = f"github.com/nektos/act@v{VERSION}"
OLDEST_GO = (1, 24)
# Go's checksum database vouches for the sources; these settings could switch it off.
UNGUARDED = ("GONOSUMDB", "GONOSUMCHECK", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOFLAGS", "GOSUMDB")
_INSTALL_SECONDS = 900


class ActUnavailableError(Exception):
    """There is no way to get act here; the text says why."""


def program() -> Path:
    """The program, built on first use.

    Raises ActUnavailableError when Go is missing or too old, or reaches no module proxy.
    """
    folder = cache_folder() / "tests" / f"act-{VERSION}"
    found = folder / "act"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").is_file():
            _install(folder)
            (folder / "installed").touch()
    return found


def _install(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ActUnavailableError("go is not on PATH, and act is built with it")
    environment = {name: value for name, value in os.environ.items() if name not in UNGUARDED}
    environment |= {"GOBIN": str(folder), "GOTOOLCHAIN": "local"}
    _refuse_old(go, environment)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Without Docker in it, act cannot start a container either.
    finished = _go(go, environment, "install", "-tags", "WITHOUT_DOCKER", MODULE)
    assert "SECURITY ERROR" not in finished.stderr, finished.stderr
    if finished.returncode != 0:
        raise ActUnavailableError(f"go could not install act: {finished.stderr.strip()[-300:]}")


def _refuse_old(go: str, environment: dict[str, str]) -> None:
    said = _go(go, environment, "version").stdout
    version = re.search(r"\bgo(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GO:
        raise ActUnavailableError(
            f"act needs Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or newer, this is {said.strip()}"
        )


def _go(go: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [go, *arguments],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ActUnavailableError(f"go did not install act within {_INSTALL_SECONDS} s") from error
