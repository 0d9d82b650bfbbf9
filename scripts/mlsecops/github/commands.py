"""What a step says to the runner of GitHub Actions: outputs, summary, annotations."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from mlsecops.report.escape import command_message, command_property, plain, shorten, terminal

Level = Literal["notice", "warning", "error"]

# GitHub shows this many of each level per step, and this much of each.
MOST_ANNOTATIONS = 10
MOST_CHARACTERS = 4096
# A larger summary of a step is not shown at all.
MOST_SUMMARY_BYTES = 1 << 20
_FOR_THE_SENTENCE = 1000
_CUT = (
    "> The end of this summary is left out, because GitHub takes at most 1 MiB; the report has all of it.\n\n"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A sentence, with a title and a place in the repository where it has them."""

    message: str
    title: str = ""
    file: str = ""
    line: int = 0


def new_token() -> str:
    """A word that nobody can guess."""
    return secrets.token_hex(16)


class Runner:
    """Speaks to the runner that started this step; without one, outputs are printed and summaries dropped.

    Everything may come from strangers: no value ends its place and no message becomes another command.
    """

    def __init__(
        self, environ: Mapping[str, str], stream: TextIO, *, token: Callable[[], str] = new_token
    ) -> None:
        """`stream` is the step's standard output."""
        self._output = environ.get("GITHUB_OUTPUT", "")
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self._stream = stream
        self._token = token
        self._said: Counter[Level] = Counter()

    def output(self, name: str, value: str) -> None:
        """Set an output of the step. Raises ValueError for a name that is none, OSError."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of an output: {name!r}")
        if not self._output:
            self._print(f"{name}={terminal(value)}")
            return
        end = self._token()
        while end in value:
            end = self._token()
        _append(self._output, f"{name}<<{end}\n{value}\n{end}\n".encode(errors="replace"))

    def summary(self, markdown: str) -> None:
        """Add to the summary of the step, cut at the end of a line where it gets too long. Raises OSError."""
        if not self._summary:
            return
        path = Path(self._summary)
        room = MOST_SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)
        content = f"{markdown.rstrip()}\n\n".encode(errors="replace")
        if len(content) > room:
            # In front, because behind a cut it could end up in a fold or a block of code.
            kept = content[: max(room - _FOR_THE_SENTENCE, 0)]
            content = _CUT.encode() + kept[: kept.rfind(b"\n") + 1]
        if len(content) <= room:
            _append(self._summary, content)

    def notice(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Say something worth knowing."""
        self.annotate("notice", [Annotation(message=message, title=title, file=file, line=line)])

    def warning(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Say that something is not as it should be."""
        self.annotate("warning", [Annotation(message=message, title=title, file=file, line=line)])

    def error(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Say why the step fails."""
        self.annotate("error", [Annotation(message=message, title=title, file=file, line=line)])

    def annotate(self, level: Level, annotations: Sequence[Annotation]) -> None:
        """Say several things, the most important first; those that GitHub would not show go into the log."""
        room = max(MOST_ANNOTATIONS - self._said[level], 0)
        shown = len(annotations)
        if shown > room:
            shown = max(room - 1, 0)
        for each in annotations[:shown]:
            self._print(_command(level, each))
        rest = annotations[shown:]
        if rest and len(annotations) > 1 and room:
            self._print(
                _command(level, Annotation(message=f"and {len(rest)} more, see the log of this step"))
            )
        for each in rest:
            place = f"{each.file}:{each.line}: " if each.file else ""
            self._print(f"{level}: {terminal(f'{place}{each.message}')}")
        self._said[level] += len(annotations)

    @contextmanager
    def muted(self) -> Iterator[None]:
        """While it lasts, nothing that is printed is taken for a command."""
        token = self._token()
        self._print(f"::stop-commands::{token}")
        try:
            yield
        finally:
            # On a line of its own, whatever was printed last.
            self._print(f"\n::{token}::")

    def _print(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _command(level: Level, annotation: Annotation) -> str:
    properties = {
        "title": annotation.title,
        "file": annotation.file,
        "line": str(annotation.line) if annotation.file and annotation.line else "",
    }
    given = ",".join(f"{key}={command_property(value)}" for key, value in properties.items() if value)
    message = command_message(shorten(plain(annotation.message), MOST_CHARACTERS))
    return f"::{level}{' ' if given else ''}{given}::{message}"


def _append(path: str, content: bytes) -> None:
    with Path(path).open("ab") as stream:
        stream.write(content)
