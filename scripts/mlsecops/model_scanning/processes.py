"""The processes that read model files: several side by side, and a new one where one of them breaks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from mlsecops.job import Job, ToolError, fresh_folder
from mlsecops.programs import each_file
from mlsecops.sarif.build import Json

T = TypeVar("T")
_SCRIPTS = Path(__file__).resolve().parents[2]
_SMALL_BYTES = 32 << 20
_PER_FILE = 4096  # bytes that opening a file costs as much time as
_NO_LINE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(slots=True)
class Readings(Generic[T]):
    """What came out, by path: what was read, and why files were lost.

    `canaries` is what each process made of the canary.
    """

    read: dict[str, T] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    canaries: list[T] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Crew(Generic[T]):
    """Who reads: an interpreter with a program of `mlsecops.programs`, in processes for some seconds in all.

    `parse` makes something of the JSON of a line. `order` is what the program is told beside the files;
    `small` is how many small files one process reads in the time that a second one takes to start.
    """

    job: Job
    python: str
    program: str
    parse: Callable[[Json], T]
    processes: int
    seconds: float
    order: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    small: int = 100

    def read(self, paths: Sequence[str], canary: str) -> Readings[T]:
        """Read files, each process the canary first; without any files, the canary alone.

        Raises ToolError when a process does not even get beyond the canary.
        """
        readings: Readings[T] = Readings()
        ends = time.monotonic() + self.seconds
        shares = share(paths, self.processes, self.small)
        with ThreadPoolExecutor(len(shares)) as pool:
            for _ in pool.map(lambda paths: self._share(list(paths), canary, readings, ends), shares):
                pass
        return readings

    def _share(self, left: list[str], canary: str, readings: Readings[T], ends: float) -> None:
        """One share: in one process, and in a new one what is left when that ends before its time."""
        while True:
            failure = self._process([canary, *left], canary, readings, ends - time.monotonic())
            left = [path for path in left if path not in readings.read]
            if failure is None:
                readings.lost |= dict.fromkeys(left, "the reader passed it over")
            elif left:
                readings.lost[left.pop(0)] = f"it broke the reader: {failure}"
                if left and time.monotonic() < ends:
                    continue
                readings.lost |= dict.fromkeys(left, "there was no time left to read it")
            return

    def _process(
        self, paths: Sequence[str], canary: str, readings: Readings[T], seconds: float
    ) -> ToolError | None:
        """Read in one process; return how it failed, if it did so behind the canary."""
        folder = fresh_folder(self.job.work / "reading")
        order, output = folder / "order.json", folder / "lines.json"
        settings = {**self.order, "files": list(paths), "scratch": str(folder)}
        order.write_text(json.dumps(settings), encoding="utf-8")
        failure = None
        try:
            self.job.execute(
                [
                    self.python,
                    "-I",
                    "-c",
                    each_file.START,
                    str(_SCRIPTS),
                    self.program,
                    str(order),
                    str(output),
                ],
                exit_codes=(0,),
                output=output,
                timeout=max(1.0, seconds),
                env=self.env,
            )
        except ToolError as error:
            failure = error
        lines = output.read_text(encoding="utf-8").splitlines(keepends=True) if output.is_file() else []
        if failure and lines and not lines[-1].endswith("\n"):
            lines.pop()
        for path, seen in self._parsed(lines):
            if path == canary:
                readings.canaries.append(seen)
            else:
                readings.read[path] = seen
        if failure and not lines:
            raise failure
        return failure

    def _parsed(self, lines: Iterable[str]) -> list[tuple[str, T]]:
        """Path and content of each line. Raises ToolError."""
        try:
            whole = [json.loads(line) for line in lines]
            return [(str(each["path"]), self.parse(each)) for each in whole]
        except _NO_LINE as error:
            raise ToolError(f"its output cannot be read: {type(error).__name__}") from error


def share(paths: Sequence[str], processes: int, small: int) -> list[list[str]]:
    """Files dealt out to processes, about as many bytes to each; few small ones need no second process."""
    sizes = {path: _size(path) for path in paths}
    wanted = 1 + len(sizes) // small + sum(sizes.values()) // _SMALL_BYTES
    shares: list[list[str]] = [[] for _ in range(max(1, min(processes, wanted)))]
    loads = [0] * len(shares)
    for path in sorted(sizes, key=lambda path: -sizes[path]):
        at = loads.index(min(loads))
        shares[at].append(path)
        loads[at] += sizes[path] + _PER_FILE
    return shares


def _size(path: str) -> int:
    try:
        return Path(path).lstat().st_size
    except OSError:
        return 0
