"""One line of JSON for each file: a file that makes the process crash, hang or fill the memory costs itself.

Whoever started it sees which line is missing. The order is JSON as well: `files` (paths), `scratch` (a
folder), `seconds` (for each file, before its size counts), `rate` (bytes that take a second more), `memory`
(bytes), and what else the program wants to know.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

# Our folder may hold packages that another environment has in other versions, so that it goes again.
START = (
    "import sys; from importlib import import_module; sys.path.insert(0, sys.argv.pop(1)); "
    "program = import_module(sys.argv.pop(1)); del sys.path[0]; sys.exit(program.main(sys.argv[1:]))"
)
_STUCK = 5.0  # seconds after which nothing but the end of the process helps
# No scanner needs any of these, and no file shall bring it about.
_FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "os.startfile",
    "subprocess.Popen",
    "pty.spawn",
    "socket.",
    "urllib.Request",
    "pickle.find_class",
    "ctypes.",
)

Line = Mapping[str, Any]
Read = Callable[[Path], Line]


class OverdueError(BaseException):
    """A file took too long; nothing between the reader and the loop may hold it up."""


def each_file(arguments: Sequence[str], make: Callable[[Line], Read], late: Callable[[str], Line]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second); return 0.

    `make` makes the reader for an order, while everything is still allowed. `late` makes the line of a file
    of which nothing can be said, from the reason.
    """
    order = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    read = make(order)
    _limit_memory(order["memory"])
    sys.addaudithook(forbid)
    with Path(arguments[1]).open("w", encoding="utf-8") as out:
        for path in order["files"]:
            line = timed(read, late, Path(path), order["seconds"], order["rate"])
            out.write(json.dumps({"path": path, **line}) + "\n")
            out.flush()
    return 0


def timed(read: Read, late: Callable[[str], Line], path: Path, seconds: float, rate: float) -> Line:
    """Read one file within its time, which is longer for a larger one."""
    with suppress(OSError):
        seconds += path.stat().st_size / rate
    try:
        with _alarm(seconds):
            return read(path)
    except OverdueError:
        return late(f"it took more than {seconds:.0f} s to read")


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook that lets no file start a program, open a connection or load what it names."""
    del arguments
    if event.startswith(_FORBIDDEN):
        raise RuntimeError(f"a model file must not bring about {event}")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    # Python code hears the signal; one call into C that does not return is ended with the process.
    faulthandler.dump_traceback_later(seconds + _STUCK, exit=True, file=sys.stderr)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def _overdue(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise OverdueError


def _limit_memory(most: int) -> None:
    with suppress(OSError, ValueError):  # not every system lets a process do that
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
