"""Starts act with a port for its artifact server, and ends it."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import psutil
from support.acting import log

_TRIES = 5


class ActError(Exception):
    """act did not come to an end; the text says what happened."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def execute(
    command: list[str], folder: Path, environment: dict[str, str], seconds: float
) -> tuple[int, str, str]:
    """Exit code, log and complaints of act, tried again when another program was faster to take the port.

    Raises ActError when the time is over; act and all that it started have ended then.
    """
    for _ in range(_TRIES):
        with_port = [*command, "--artifact-server-port", str(_free_port())]
        ended = _once(with_port, folder, environment, seconds)
        if "address already in use" not in ended[2]:
            return ended
    raise ActError(f"no port was free, {_TRIES} times")


def _once(
    command: list[str], folder: Path, environment: dict[str, str], seconds: float
) -> tuple[int, str, str]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    try:
        written, complaints = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        _end(process)
        written, complaints = process.communicate()
        raise ActError(f"act took more than {seconds} s\n{log.plain(written)}\n{complaints}") from error
    except BaseException:
        _end(process)
        process.communicate()
        raise
    return process.returncode, written, complaints


def _end(process: subprocess.Popen[str]) -> None:
    """End act and the steps it started, each of which leads a session of its own."""
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for each in started:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
