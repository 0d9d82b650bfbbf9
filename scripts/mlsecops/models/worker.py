"""The process that reads model files: it takes an order, writes one line of JSON for each file, and ends.

A file that makes it crash, hang or run out of memory costs that file alone: whoever started it sees which
line is missing. The order is JSON as well: `files` (paths), `known` (hashes of what need not be read again),
`scratch` (a folder), `seconds` (per file, before its size counts) and `memory` (bytes).
"""

from __future__ import annotations

import faulthandler
import json
import resource
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from mlsecops.models.cache import identity
from mlsecops.models.inspect import inspect, unread
from mlsecops.models.outcome import Inspected
from mlsecops.models.readers import READERS

START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlsecops.models.worker import main; "
    "sys.exit(main(sys.argv[1:]))"
)
_BYTES_PER_SECOND = 1 << 19
_STUCK = 5.0  # seconds after which nothing but the end of the process helps
# Nothing here needs any of these, and no file shall bring it about.
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


class OverdueError(BaseException):
    """A file took too long; nothing between the reader and the loop may hold it up."""


def main(arguments: Sequence[str]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second)."""
    order = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    known = frozenset(order["known"])
    _limit_memory(order["memory"])
    sys.addaudithook(forbid)
    with Path(arguments[1]).open("w", encoding="utf-8") as out:
        for path in order["files"]:
            mark = identity(Path(path), settled=True)
            seen = timed(Path(path), Path(order["scratch"]), order["seconds"], known)
            out.write(json.dumps({"path": path, "mark": mark, **seen.to_json()}) + "\n")
            out.flush()
    return 0


def timed(path: Path, scratch: Path, seconds: float, known: Collection[str] = ()) -> Inspected:
    """Read one file within its time."""
    with suppress(OSError):
        seconds += path.lstat().st_size / _BYTES_PER_SECOND
    try:
        with _alarm(seconds):
            return inspect(path, readers=READERS, scratch=scratch, known=known)
    except OverdueError:
        return unread(f"it took more than {seconds:.0f} s to read")


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
