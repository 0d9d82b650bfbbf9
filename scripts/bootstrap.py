"""Make this project's own environment from its hashed lock; standard library only.

`python3 scripts/bootstrap.py` makes `.venv` (the `mlsecops` command), `python3 scripts/bootstrap.py dev`
makes `.venv-dev` (the same and what the tests need). Doing it again costs nothing; two at once are safe.
On a runner, `on_runner.py` uses it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
FLAVOURS = {"run": ".venv", "dev": ".venv-dev"}


class BootstrapError(Exception):
    """The environment could not be made; the text says what to do."""


def ensure(flavour: str = "run", repository: Path = REPOSITORY, shared: Path | None = None) -> Path:
    """Return the folder of the environment, made or renewed if its lock or its interpreter changed.

    With `shared`, a folder that outlives this copy of the repository, it lies there under a name that changes
    with its lock and holds only the locked packages.
    Raises BootstrapError with one sentence when the interpreter is too old or the packages cannot be had.
    """
    if sys.version_info < (3, 11):
        raise BootstrapError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    lock = repository / "scripts" / "requirements" / ("dev.txt" if flavour == "dev" else "mlsecops.txt")
    made_of = [_digest(lock), sys.version, sys.executable]
    if shared:
        # The name says all that it is made of: one that is in use is never made anew.
        environment = shared / f"{flavour}-{hashlib.sha256(' '.join(made_of).encode()).hexdigest()[:16]}"
    else:
        environment = repository / FLAVOURS[flavour]
        made_of.append(_digest(repository / "pyproject.toml"))
    stamp = environment / "mlsecops-lock"
    wanted = "\n".join([*made_of, str(environment)])
    environment.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(environment.with_name(f"{environment.name}.lock")):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return environment
        print(f"setting up {environment.name} (once)", file=sys.stderr, flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        venv.create(environment, symlinks=True)
        if _python(environment, "-m", "ensurepip", "--default-pip").returncode != 0:
            raise BootstrapError(f"{sys.executable} cannot make environments: install python3-venv for it")
        _pip(environment, "--require-hashes", "--only-binary=:all:", "-r", str(lock))
        if flavour == "run":
            # Nobody installs into it again, and without its installer it is half as large.
            _python(environment, "-m", "pip", "uninstall", "--yes", "--quiet", "pip", "setuptools")
        if shared is None:
            _link(environment, repository / "scripts")
        stamp.write_text(wanted, encoding="utf-8")
    return environment


def _pip(environment: Path, *arguments: str) -> None:
    options = ("--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check", "--no-input")
    finished = _python(environment, "-m", "pip", "install", *options, *arguments)
    if finished.returncode != 0:
        last = (finished.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise BootstrapError(f"the locked packages cannot be installed: {last} (is an index reachable?)")


def _python(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Isolated and elsewhere: the working folder may be a checkout with a `pip.py` of its own."""
    return subprocess.run(
        [str(environment / "bin" / "python"), "-I", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=environment,
    )


def _link(environment: Path, source: Path) -> None:
    """Put the package and its command into the environment without a build."""
    site = next((environment / "lib").glob("python3.*/site-packages"))
    (site / "mlsecops-source.pth").write_text(f"{source}\n", encoding="utf-8")
    command = environment / "bin" / "mlsecops"
    start = "from mlsecops.__main__ import main\n\nmain()\n"
    command.write_text(f"#!{environment / 'bin' / 'python'}\n{start}", encoding="utf-8")
    command.chmod(0o755)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(flavour: str, command: list[str]) -> int:
    """Run a command of the environment with its `bin` first on PATH; return its exit code."""
    environment = ensure(flavour)
    path = os.pathsep.join([str(environment / "bin"), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        [str(environment / "bin" / command[0]), *command[1:]], check=False, env={**os.environ, "PATH": path}
    ).returncode


def main(arguments: list[str]) -> int:
    """Make the environment that the first argument names and print its folder."""
    flavour = arguments[0] if arguments else "run"
    if flavour not in FLAVOURS or len(arguments) > 1:
        print(f"usage: bootstrap.py [{'|'.join(FLAVOURS)}]", file=sys.stderr)
        return 2
    try:
        print(ensure(flavour))
    except (BootstrapError, OSError) as error:
        print(f"mlsecops: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
