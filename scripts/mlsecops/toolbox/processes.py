"""External processes: started with limits in a group of their own, ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# The shell sets the limits between fork and exec, where Python code would not be safe beside threads.
_LIMITED = 'ulimit -d "$1" && ulimit -f "$2" && ulimit -c 0 && shift 2 && exec "$@"'
_GRACE_SECONDS = 2.0


class StartError(Exception):
    """A process could not be started; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use: seconds of wall time, bytes of data segment, bytes per file it writes."""

    seconds: float = 600.0
    memory: int = 8 * 2**30
    file_size: int = 4 * 2**30


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended; `exit_code` is negative for a signal, as in `subprocess`."""

    exit_code: int
    seconds: float
    timed_out: bool


@dataclass(frozen=True)
class Processes:
    """All processes running now, so that one call can end them all."""

    _running: set[subprocess.Popen[bytes]] = field(default_factory=set, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdout: Path,
        stderr: Path,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Finished:
        """Run a command to its end, its output in files, nothing on its standard input.

        Raises StartError when it cannot be started or everything was asked to stop.
        """
        started = time.monotonic()
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = self._start(command, cwd, env, (subprocess.DEVNULL, out.fileno(), err.fileno()), limits)
        timed_out = False
        try:
            process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            # Whatever the process left behind in its group goes with it.
            end_group(process)
            with self._guard:
                self._running.discard(process)
        return Finished(process.returncode, time.monotonic() - started, timed_out)

    @contextmanager
    def background(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process that goes on beside us until the block ends, all its output in one file.

        Its standard input is a pipe that closes when we end, however we end. Raises StartError as `run`.
        """
        with log.open("wb") as out:
            streams = (subprocess.PIPE, out.fileno(), out.fileno())
            process = self._start(command, cwd, env, streams, limits)
        try:
            yield process
        finally:
            end_group(process)
            with self._guard:
                self._running.discard(process)

    def _start(
        self,
        command: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        streams: tuple[int, int, int],
        limits: Limits,
    ) -> subprocess.Popen[bytes]:
        limited = ["/bin/sh", "-c", _LIMITED, "sh", str(limits.memory // 1024), str(limits.file_size // 512)]
        with self._guard:
            if self._stopped.is_set():
                raise StartError("the run was interrupted")
            try:
                process = subprocess.Popen(
                    [*limited, *command],
                    cwd=cwd,
                    env=dict(env),
                    stdin=streams[0],
                    stdout=streams[1],
                    stderr=streams[2],
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise StartError(f"it could not be started: {error}") from error
            self._running.add(process)
        return process

    @property
    def stopped(self) -> bool:
        """Whether everything was asked to stop."""
        return self._stopped.is_set()

    def stop(self) -> int:
        """End every running process and all their children, start no more; return how many were ended."""
        self._stopped.set()
        with self._guard:
            running = list(self._running)
        for process in running:
            end_group(process)
        return len(running)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process, its group and its children; a child that left the group is found by its parent."""
    children: list[psutil.Process] = []
    if process.stdin:
        process.stdin.close()
    with contextlib.suppress(psutil.Error):
        if process.poll() is None:
            children = psutil.Process(process.pid).children(recursive=True)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.send_signal(sign)
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
    process.wait()


def usable_cores() -> int:
    """Cores this process may use."""
    with contextlib.suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
