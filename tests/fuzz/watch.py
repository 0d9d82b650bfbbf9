"""The process that reads mutated files and watches itself: recipes in, what happened out, line by line.

While a file is read, an audit hook refuses whatever goes beyond reading it, a timer counts the processor's
time, and memory is limited. What a reader raises ends the process: that file has no answer.
"""

from __future__ import annotations

import codecs
import faulthandler
import json
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from mlsecops.models.inspect import inspect
from mlsecops.models.known_names import known_names
from mlsecops.models.outcome import Inspected
from mlsecops.models.pickle.allowed import is_known
from mlsecops.models.readers import READERS
from mlsecops.models.walk import Reader

from fuzz.recipes import recipe_of

MEMORY = 300 << 20
_SECONDS_PER_MB = 2.0
_STUCK = 120.0  # wall seconds after which not even a signal is heard
# `ast.literal_eval` parses with it; running what came out of it is refused.
_PARSING = ("compile", "<unknown>")
_HARMLESS = frozenset({"array.__new__", "builtins.id"})


class OverdueError(BaseException):
    """A file took too long; no reader may hold it up."""


@dataclass(slots=True)
class Guard:
    """An audit hook that, while armed, refuses all but files in a folder, and remembers what it refused."""

    folder: Path
    armed: bool = False
    refused: list[str] = field(default_factory=list)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise for an event that reading has no need of."""
        if not self.armed or event in _HARMLESS or (event, *arguments[1:2]) == _PARSING:
            return
        if event == "open" and (isinstance(arguments[0], int) or self._owns(Path(arguments[0]))):
            return
        self.refused.append(f"{event} {arguments!r:.200}")
        raise RuntimeError(f"reading a file must not bring about {event}")

    def _owns(self, path: Path) -> bool:
        return self.folder in (path, path.parent) and ".." not in path.parts


@dataclass(frozen=True, slots=True)
class Watcher:
    """Reads files below a folder under a guard, each within so many seconds of the processor's time.

    `new_lines` are those of our code that the last file was the first to reach.
    """

    folder: Path
    guard: Guard
    readers: Sequence[Reader] = READERS
    seconds: float = 2.0
    new_lines: list[str] = field(default_factory=list)

    def look(self, data: bytes) -> dict[str, Any]:
        """What happened when some bytes were read."""
        path = self.folder / "input"
        path.write_bytes(data)
        self.new_lines.clear()
        findings: list[str] = []
        allowed = max(self.seconds, _SECONDS_PER_MB * len(data) / 1e6)
        started, seen = time.process_time(), None
        faulthandler.dump_traceback_later(_STUCK + allowed, exit=True)
        signal.setitimer(signal.ITIMER_PROF, allowed)
        self.guard.armed = True
        try:
            seen = inspect(path, readers=self.readers, scratch=self.folder)
        except OverdueError:
            findings.append("it takes too long")
        finally:
            self.guard.armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.cancel_dump_traceback_later()
        peak = _peak()
        findings += [f"it causes {each}" for each in self.guard.refused]
        self.guard.refused.clear()
        if peak > MEMORY:
            findings.append(f"it takes {peak >> 20} MB")
        if seen:
            findings += wrong(seen)
        return {
            "findings": findings,
            "seconds": time.process_time() - started,
            "processor": time.process_time(),
            "peak": peak,
            "new": list(self.new_lines),
            "formats": seen.found.formats if seen else [],
        }


def _peak() -> int:
    """The most memory that this process has held, in bytes.

    From proc(5): getrusage(2) also counts what the parent held when it started this process.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def wrong(seen: Inspected) -> list[str]:
    """What no outcome may be."""
    findings = [each.reason for each in seen.found.unread if each.reason.startswith("mlsecops itself failed")]
    if seen.outcome == "harmless" and not seen.found.formats:
        findings.append("it is harmless, and nobody knows its format")
    if Inspected.from_json(json.loads(json.dumps(seen.to_json()))) != seen:
        findings.append("its outcome is another one after JSON")
    return findings


def _overdue(number: int, frame: FrameType | None) -> None:
    raise OverdueError


def _warm() -> None:
    """Load what readers load once, when they need it: our own tables, and codecs by names of our own."""
    for name in ("utf-8-sig", "unicode-escape", "utf-16-le", "cp437"):
        codecs.lookup(name)
    known_names()
    is_known("os.system")


def _trace(new_lines: list[str]) -> None:
    """Note each line of ours that is run for the first time; Python can tell that since 3.12 (PEP 669)."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None:
        return

    def first(code: CodeType, line: int) -> object:
        if "mlsecops" in code.co_filename:
            new_lines.append(f"{Path(code.co_filename).name}:{line}")
        return monitoring.DISABLE

    monitoring.use_tool_id(monitoring.COVERAGE_ID, "fuzz")
    monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, first)
    monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)


def put_under(watcher: Watcher) -> None:
    """Put this process under the watcher, for good."""
    signal.signal(signal.SIGPROF, _overdue)
    _warm()
    sys.addaudithook(watcher.guard)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    _trace(watcher.new_lines)


def main() -> None:
    """Read the recipes of the standard input, with a folder as first argument."""
    folder = Path(sys.argv[1])
    watcher = Watcher(folder, Guard(folder))
    put_under(watcher)
    for line in sys.stdin:
        print(json.dumps(watcher.look(recipe_of(json.loads(line)).data())), flush=True)


if __name__ == "__main__":
    main()
