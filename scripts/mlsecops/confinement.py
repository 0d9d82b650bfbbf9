"""What code of the scanned project may do to this machine while it runs (see `programs/confined.py`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mlsecops.job import Job

_PROGRAMS = Path(__file__).with_name("programs")
_TEMPORARY = ("tmp", "var/tmp")
# What programs may well write to, a GPU's among them; not the disks.
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "dri", "kfd", "nvidia*")


def kept() -> tuple[str, ...]:
    """The beginning of a command all of whose processes end with it."""
    return _program("kept.py")


def confined(job: Job, show: Iterable[Path] = ()) -> tuple[str, ...]:
    """The beginning of a command that writes only to the job's folder and reads nothing of the user's own.

    `show` are folders of the user that it may read all the same, beside those of our tools and of Python.
    """
    home = os.path.realpath(Path.home())
    toolbox = job.context.toolbox
    tools = (toolbox.cache, toolbox.environments.folder, Path(sys.prefix), Path(sys.base_prefix))
    return _told(_writable(job), "" if home == "/" else home, [job.work, *tools, *show])


def program_folders() -> list[Path]:
    """Where the programs that a policy may name, and what belongs to them, lie in the user's folder."""
    named = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [folder for each in named if each and (folder := Path(each).parent) != Path.home()]


def installing(job: Job) -> tuple[str, ...]:
    """The same for uv, which runs builds of the project: it keeps what it fetched, and may read all."""
    given, home = os.environ.get, Path.home()
    cache = Path(given("XDG_CACHE_HOME") or home / ".cache", "uv")
    data = Path(given("XDG_DATA_HOME") or home / ".local" / "share", "uv")
    fetched = [Path(given("UV_CACHE_DIR") or cache), Path(given("UV_PYTHON_INSTALL_DIR") or data)]
    for folder in fetched:
        with suppress(OSError):  # then uv says so
            folder.mkdir(parents=True, exist_ok=True)
    return _told([*_writable(job), *fetched], "", [])


def _told(write: Iterable[Path], hide: str, show: Iterable[Path]) -> tuple[str, ...]:
    told = {"write": [*map(str, write)], "hide": hide, "show": [os.path.realpath(each) for each in show]}
    return (*_program("confined.py"), json.dumps(told))


def _program(name: str) -> tuple[str, ...]:
    return (sys.executable, "-I", str(_PROGRAMS / name))


def _writable(job: Job) -> Iterator[Path]:
    yield job.work
    for name in _DEVICES:
        yield from Path("/dev").glob(name)
    # Programs take these for granted; where something of ours or of the project lies there, it counts more.
    ours = [each.resolve() for each in (job.root, job.work, job.context.keep, Path.home())]
    shared = (Path("/", each) for each in _TEMPORARY)
    yield from (each for each in shared if not any(path.is_relative_to(each) for path in ours))
