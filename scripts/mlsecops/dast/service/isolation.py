"""A network namespace with nothing but loopback, for a service and everything that talks to it.

A holder process keeps the namespace open (see `holder.py`) and is the first process of a process namespace in
which the service runs, so that nothing of it outlives the holder. Where the system allows no namespaces the
service runs on this machine's own loopback, and the notes say so.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psutil

from mlsecops.job import Job, ToolError, fresh_folder
from mlsecops.toolbox import Limits, StartError

_HOLDER = Path(__file__).with_name("holder.py")
_SECONDS = 10.0
_NAMESPACES = ("--net", "--pid", "--fork", "--kill-child")
_AS_USER = "--map-root-user"
NO_NAMESPACE = (
    "this system allows no network namespace: the service ran on the machine's own loopback, where it could"
    " reach the network; what the scan itself sent went to the service's address only"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Where the service runs. `prefix` starts a command in its network, `process` one that ends with it.

    `holder` is a process there; both are empty, and it is None, on the machine's own loopback.
    """

    prefix: tuple[str, ...] = ()
    process: tuple[str, ...] = ()
    holder: int | None = None

    @property
    def note(self) -> str:
        """What people should know of it; "" when all is well."""
        return "" if self.prefix else NO_NAMESPACE

    def command(self, argv: tuple[str, ...], folder: Path) -> tuple[str, ...]:
        """A command as the service: in all its namespaces, started in a folder."""
        if not self.process:
            return argv
        # Entering a mount namespace leaves the working folder behind.
        return (*self.process, "env", f"--chdir={folder}", *argv)


@contextmanager
def isolated(job: Job) -> Iterator[Isolation]:
    """The narrowest isolation that this system allows, until the block ends. Raises ToolError."""
    for options in _attempts():
        with _held(job, options) as isolation:
            if isolation:
                yield isolation
                return
    yield Isolation()


def _attempts() -> list[tuple[str, ...]]:
    """Options for `unshare`, the best first: /proc cannot be mounted everywhere, which is no loss."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return []
    users: list[tuple[str, ...]] = [(), (_AS_USER,)] if os.geteuid() == 0 else [(_AS_USER,)]
    return [(*user, *proc) for user in users for proc in (("--mount-proc",), ())]


@contextmanager
def _held(job: Job, options: tuple[str, ...]) -> Iterator[Isolation | None]:
    """A namespace made with these options, or None."""
    folder = fresh_folder(job.work / "namespace")
    log = folder / "log"
    command = [str(shutil.which("unshare")), *_NAMESPACES, *options, "--", sys.executable, "-I", str(_HOLDER)]
    try:
        with job.context.toolbox.processes.background(
            command, cwd=folder, env={"PATH": os.defpath}, log=log, limits=Limits(memory=2**30)
        ) as process:
            yield _entered(_holder(process, log), options)
    except StartError as error:
        raise ToolError(str(error)) from error


def _holder(process: Popen[bytes], log: Path) -> int | None:
    """The holder's number once it says that all is ready; None when it ended or never said so."""
    until = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < until:
        if log.read_bytes() == b"ready\n":
            children = psutil.Process(process.pid).children()
            return children[0].pid if children else None
        time.sleep(0.01)
    return None


def _entered(holder: int | None, options: tuple[str, ...]) -> Isolation | None:
    if holder is None or not _is_another("net", holder):
        return None
    user = ("--user", "--preserve-credentials") if _AS_USER in options else ()
    enter = (str(shutil.which("nsenter")), f"--target={holder}", "--net", *user)
    process = (*enter, "--pid", *(("--mount",) if "--mount-proc" in options else ()), "--")
    return Isolation(prefix=(*enter, "--"), process=process, holder=holder)


def _is_another(kind: str, pid: int) -> bool:
    """Whether a process is in another namespace than we are: what is claimed is looked at."""
    return Path(f"/proc/{pid}/ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink()
