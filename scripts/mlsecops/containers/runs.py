"""Names of what one run makes in an engine, by which a later run knows what a dead one left behind."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

_PREFIX = "mlsecops-run"
_NAME = re.compile(rf"(?:localhost/)?{_PREFIX}[/.]([0-9a-f]{{8}})-(\d+)-(\d+)[:.][\w.-]+")
_END_SECONDS = 5.0
_CLOCK = 200  # hundredths of a second by which two readings of a start may differ


def run_name(pid: int | None = None) -> str:
    """The name of a process's run: the machine, the process and when it started."""
    number = os.getpid() if pid is None else pid
    return f"{_PREFIX}/{_machine()}-{number}-{_started(number)}"


def container_name(tag: str) -> str:
    """The name of the container that runs the image of a tag."""
    return tag.replace("/", ".").replace(":", ".")


def dead(names: Iterable[str], started: Callable[[int], int] | None = None) -> list[str]:
    """Those tags, or containers, that a run on this machine made whose process is no more."""
    begun = started or _started
    found = []
    for name in names:
        match = _NAME.fullmatch(name.strip())
        if match is None or match[1] != _machine():
            continue
        if abs(begun(int(match[2])) - int(match[3])) > _CLOCK:
            found.append(name.strip())
    return found


def end_orphans() -> None:
    """End what dead runs have left running: an engine's client goes on when a run is killed."""
    orphans = []
    for process in psutil.process_iter(["cmdline"]):
        if dead(process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                process.terminate()
                orphans.append(process)
    psutil.wait_procs(orphans, timeout=_END_SECONDS)


def _machine() -> str:
    """This machine: several can share an engine."""
    name = platform.node()
    with suppress(OSError):
        name += Path("/etc/machine-id").read_text(encoding="ascii")
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _started(pid: int) -> int:
    """When a process started, in hundredths of a second; 0 when there is none."""
    try:
        return round(psutil.Process(pid).create_time() * 100)
    except psutil.Error:
        return 0
