"""A real Chromium without a window, driven from a test: what a person can do, and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from filelock import FileLock
from mlsecops.toolbox import cache_folder
from release.picture import BROWSERS, QUIET
from support.node_tools import command, environment

_INSTALL_SECONDS = 600
_END_SECONDS = 30
# The program brings its own flag for this.
_FLAGS = [flag for flag in QUIET if flag not in {"--headless", "--no-sandbox"}]


class BrowserUnavailableError(Exception):
    """There is no Chromium here, and none can be installed; the text says why."""


def chromium() -> str:
    """The path of Chromium, on Debian installed on first use. Raises BrowserUnavailableError."""
    found = _on_path()
    if found is not None:
        return found
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise BrowserUnavailableError("no Chromium is on the path, and only root on Debian can install it")
    with FileLock(cache_folder() / "chromium.lock"):
        install = [apt, "install", "-y", "--no-install-recommends", "chromium"]
        for words in (install, [apt, "update"]):
            _run_apt(words)
            if found := _on_path():
                return found
        said = _run_apt(install)
        if found := _on_path():
            return found
    raise BrowserUnavailableError(f"no Chromium is on the path, and apt-get cannot install it: {said}")


@dataclass(frozen=True)
class Seen:
    """What happened in a tab since it was opened; times in milliseconds since the navigation began."""

    requests: list[str]
    errors: list[str]
    dialogs: list[str]
    pages: int
    refused: list[str]
    ready: float = 0.0
    drawn: float = 0.0


@dataclass(frozen=True)
class Axe:
    """What axe says: rules that are broken, with some of the elements, and those that hold."""

    violations: list[str]
    passes: list[str]


@dataclass(frozen=True)
class Tab:
    """An open page; keys go to what has the focus."""

    _pipe: _Pipe

    def read(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self._pipe.ask("read", script=script)

    def press(self, *keys: str) -> None:
        """Press keys, such as `Tab` or `Shift+Tab`."""
        self._pipe.ask("press", keys=keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._pipe.ask("type", text=text)

    def click(self, selector: str) -> None:
        """Click the one element that a CSS selector finds."""
        self._pipe.ask("click", selector=selector)

    def pick(self, selector: str, value: str) -> None:
        """Pick an option of a list by its value."""
        self._pipe.ask("pick", selector=selector, value=value)

    def hover(self, selector: str) -> None:
        """Move the pointer over an element."""
        self._pipe.ask("hover", selector=selector)

    def media(self, **options: str) -> None:
        """Pretend another medium (`media="print"`) or colour scheme (`colorScheme="dark"`)."""
        self._pipe.ask("media", options=options)

    def pdf(self, path: Path) -> None:
        """Print to a file."""
        self._pipe.ask("pdf", path=str(path))

    def picture(self, path: Path) -> None:
        """What can be seen, as a PNG file."""
        self._pipe.ask("picture", path=str(path))

    def axe(self) -> Axe:
        """Judge the page as it is now by axe's rules for people who cannot see, or not well."""
        return Axe(**self._pipe.ask("axe"))

    def seen(self) -> Seen:
        """What happened so far."""
        return Seen(**self._pipe.ask("seen"))


class Browser:
    """Chromium with one tab at a time, each in a profile of its own."""

    def __init__(self, *flags: str) -> None:
        self._process = subprocess.Popen(
            [*command("browse.mjs"), chromium(), *_FLAGS, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = _Pipe(self._process.stdin, self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @contextmanager
    def tab(self, address: Path | str, **options: Any) -> Iterator[Tab]:
        """A page in a new tab; `scheme`, `width`, `height` and `javaScript` may be said."""
        url = address if isinstance(address, str) else address.as_uri()
        self._pipe.ask("open", url=url, **options)
        try:
            yield Tab(self._pipe)
        finally:
            self._pipe.ask("close")


@dataclass(frozen=True)
class _Pipe:
    """Questions to the script that drives the browser, one line each."""

    to: IO[str]
    back: IO[str]

    def ask(self, action: str, **rest: Any) -> Any:
        self.to.write(f"{json.dumps({'do': action, **rest})}\n")
        self.to.flush()
        line = self.back.readline()
        assert line, "the browser ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


def _on_path() -> str | None:
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def _run_apt(words: list[str]) -> str:
    """Run it whatever comes of it; the end of what it complains of."""
    try:
        finished = subprocess.run(
            words,
            check=False,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired:
        return "it does not end"
    return finished.stderr.strip()[-200:]
