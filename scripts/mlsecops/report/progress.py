"""What a person watches while the stages run: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import RLock
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mlsecops.report.escape import terminal
from mlsecops.sarif.build import Status

# A word goes with every sign and colour: neither of the two may carry the meaning alone.
SIGNS: dict[Status, tuple[str, str]] = {
    "passed": ("✔", "green"),
    "findings": ("●", "yellow"),
    "skipped": ("–", "dim"),
    "incomplete": ("✘", "red"),
}


@dataclass(slots=True)
class _Tool:
    """One tool as it is seen: since when it runs, and how it ended."""

    since: float
    status: Status | None = None
    seconds: float = 0.0


class Progress:
    """Shows which tools of which stages run and how they ended. Its methods may be called from any thread.

    `clock` counts seconds from anywhere. Use it as a context manager: leaving it gives the terminal back.
    """

    def __init__(
        self, console: Console, stages: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._clock = clock
        self._start = clock()
        self._lock = RLock()
        self._tools: dict[str, dict[str, _Tool]] = {stage: {} for stage in stages}
        self._spinner = Spinner("dots")
        self._live = (
            Live(console=console, get_renderable=self.view, refresh_per_second=8, transient=True)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def started(self, stage: str, tool: str) -> None:
        """A tool begins its work."""
        with self._lock:
            self._tools.setdefault(stage, {})[tool] = _Tool(since=self._clock())
        if not self._live:
            self._line(stage, tool, Text("started"))

    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None:
        """A tool ended, or was not due; `seconds` is how long it took."""
        with self._lock:
            tools = self._tools.setdefault(stage, {})
            shown = tools.setdefault(tool, _Tool(since=self._clock()))
            shown.status, shown.seconds = status, seconds
        if self._live and status != "incomplete":
            return
        words = Text(status, style=SIGNS[status][1])
        if status != "skipped":
            words.append(f" after {_duration(seconds)}", style="default")
        if reason:
            why = reason.removeprefix(f"{tool}: ")
            words.append(f": {terminal(why)}", style="default")
        self._line(stage, tool, words)

    def view(self) -> RenderableType:
        """One line per stage with its tools, as they are now."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=2)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        now = self._clock()
        with self._lock:
            for stage, tools in self._tools.items():
                grid.add_row(self._sign(tools), Text(terminal(stage)), _tools(tools, now))
        return grid

    def _line(self, stage: str, tool: str, words: Text) -> None:
        elapsed = self._clock() - self._start
        line = Text.assemble(
            (f"[{elapsed:6.1f} s] ", "dim"), f"{terminal(stage)} / {terminal(tool)}: ", words
        )
        with self._lock:
            self._console.print(line, soft_wrap=True)

    def _sign(self, tools: dict[str, _Tool]) -> RenderableType:
        if not tools:
            return Text("·", style="dim")
        worst = worst_of([tool.status for tool in tools.values() if tool.status])
        if any(tool.status is None for tool in tools.values()) or worst is None:
            return self._spinner
        return Text(*SIGNS[worst])


def worst_of(statuses: Sequence[Status]) -> Status | None:
    """The status that a stage has with tools of these statuses; None without any."""
    order: tuple[Status, ...] = ("incomplete", "findings", "passed", "skipped")
    return next((status for status in order if status in statuses), None)


def _tools(tools: dict[str, _Tool], now: float) -> Text:
    if not tools:
        return Text("waiting", style="dim")
    parts: list[Text] = []
    for name, tool in tools.items():
        if tool.status is None:
            parts.append(Text.assemble(terminal(name), (f" {now - tool.since:.0f} s", "cyan")))
            continue
        took = "" if tool.status == "skipped" else f" {_duration(tool.seconds)}"
        parts.append(Text.assemble(terminal(name), " ", (f"{tool.status}{took}", SIGNS[tool.status][1])))
    return Text(" · ", style="dim").join(parts)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"
