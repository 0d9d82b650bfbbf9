"""Runs a command and ends everything that it leaves behind; a program of its own, without our package.

    kept.py command argument…

Processes whose parent has ended become children of this one, also those that left its session and its group.
It ends as the command ends, and with who started it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import NoReturn

import psutil

_SUBREAPER, _WITH_PARENT = 36, 1  # <linux/prctl.h>
_SWEEP_SECONDS = 5.0
_POLITE = (signal.SIGTERM, signal.SIGINT)


class _AskedToEndError(Exception):
    """Somebody wants this to end."""


def main() -> int:
    """Run the command of this program's arguments to its end, and that of all that it started."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    for number in _POLITE:
        signal.signal(number, _raise)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_WITH_PARENT, signal.SIGTERM, 0, 0, 0)
    try:
        code = subprocess.Popen(sys.argv[1:]).wait()
    except _AskedToEndError:
        code = -signal.SIGTERM
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]}: {error.strerror}\n")
        code = 127
    finally:
        for number in _POLITE:
            signal.signal(number, signal.SIG_IGN)
        sweep()
    if code < 0:
        if -code in _POLITE:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def sweep() -> None:
    """End all below this process. Who makes new ones meanwhile is stopped first, and so is slower than us."""
    until = time.monotonic() + _SWEEP_SECONDS
    here = psutil.Process()
    while (left := here.children(recursive=True)) and time.monotonic() < until:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for each in left:
                with suppress(psutil.Error):
                    each.send_signal(number)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _raise(*_: object) -> NoReturn:
    raise _AskedToEndError


if __name__ == "__main__":
    sys.exit(main())
