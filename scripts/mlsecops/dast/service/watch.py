"""Keeps an eye on what a service takes, and ends it when that is too much.

A limit of the kernel holds for one process alone: a service with many is ended here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from subprocess import Popen

import psutil

from mlsecops.toolbox.processes import end_group

_EVERY = 0.25
MOST_PROCESSES = 256


@dataclass(slots=True)
class Watch:
    """What the service took at most, in bytes, and why it was ended, if it was."""

    memory: int
    processes: int = MOST_PROCESSES
    peak: int = 0
    exceeded: str = ""
    _over: threading.Event = field(default_factory=threading.Event)

    def look(self, seen: Iterable[tuple[int, int]]) -> bool:
        """Judge what each process holds for itself alone and shares; False when it is too much."""
        own = [resident - shared for resident, shared in seen]
        self.peak = max(self.peak, sum(own))
        if sum(own) > self.memory:
            self.exceeded = f"it took more than {self.memory / 2**30:.1f} GiB of memory and was ended"
        elif len(own) > self.processes:
            self.exceeded = f"it started more than {self.processes} processes and was ended"
        return not self.exceeded

    def follow(self, service: Popen[bytes], holder: int | None) -> None:
        """Look until it is over."""
        while not self._over.wait(_EVERY):
            if service.poll() is None and not self.look(_taken(service.pid, holder)):
                end_group(service)

    def end(self) -> None:
        """Look no more."""
        self._over.set()


@contextmanager
def watching(watch: Watch, service: Popen[bytes], holder: int | None) -> Iterator[None]:
    """Watch a service, and what else runs in its namespace, until the block ends."""
    thread = threading.Thread(target=watch.follow, args=(service, holder), daemon=True)
    thread.start()
    try:
        yield
    finally:
        watch.end()
        thread.join()


def _taken(pid: int, holder: int | None) -> Iterator[tuple[int, int]]:
    """Resident and shared bytes of each process; an orphan of a process namespace is the holder's child."""
    found: dict[int, psutil.Process] = {}
    for each in (pid, holder):
        with suppress(psutil.Error):
            if each is not None:
                parent = psutil.Process(each)
                found |= {process.pid: process for process in (parent, *parent.children(recursive=True))}
    for process in found.values():
        with suppress(psutil.Error):
            memory = process.memory_info()
            yield memory.rss, getattr(memory, "shared", 0)
