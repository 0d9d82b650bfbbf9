"""One instruction of a Dockerfile: its words, its flags, the values it sets, its heredocs."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

# A shell word with its quotes: linear in time, whatever the text.
WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'\\])+""", re.DOTALL)
_QUOTES = re.compile(r"""\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'""", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?:(:?[-+?])([^{}$]*))?\}|([A-Za-z_]\w*))")


@dataclass(frozen=True, slots=True)
class Heredoc:
    """Text that follows an instruction up to a line `name`: `line` is its first line, `end` that last one."""

    name: str
    text: str
    line: int
    end: int
    strips_tabs: bool = False

    def line_at(self, offset: int) -> int:
        """The line in which a character of `text` stands."""
        return self.line + self.text.count("\n", 0, offset)


class Pair(NamedTuple):
    """One `NAME=value` of an instruction; the value is None where there is only a name."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `value` is what follows keyword and flags, with its continuation lines joined.

    `starts` maps offsets in `value` to lines. `trigger` says that it stood behind ONBUILD, `unfinished` that
    the file ends where one more line should follow.
    """

    keyword: str
    value: str
    line: int
    end_line: int
    starts: tuple[tuple[int, int], ...]
    flags: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    trigger: bool = False
    unfinished: bool = False

    def line_at(self, offset: int) -> int:
        """The line in which a character of `value` stands."""
        return self.starts[max(bisect_right(self.starts, (offset, self.end_line)) - 1, 0)][1]

    def texts(self) -> Iterator[tuple[str, Callable[[int], int]]]:
        """All text of the instruction, each with the way from its offsets to lines of the file."""
        yield self.value, self.line_at
        for heredoc in self.heredocs:
            yield heredoc.text, heredoc.line_at

    def flag(self, name: str) -> str | None:
        """Value of the flag `--name=value`; an empty text when it has none, None when it is not there."""
        for flag in self.flags:
            key, _, value = flag.removeprefix("--").partition("=")
            if key == name:
                return value
        return None

    def json(self) -> list[str] | None:
        """The words of the JSON (exec) form, None for any other."""
        if self.value.startswith("["):
            try:
                words = json.loads(self.value)
            except (ValueError, RecursionError):
                return None
            if isinstance(words, list) and all(isinstance(word, str) for word in words):
                return words
        return None

    def words(self) -> list[str]:
        """The words of the instruction, without their quotes."""
        listed = self.json()
        return [unquote(word[0]) for word in WORD.finditer(self.value)] if listed is None else listed

    def pairs(self) -> list[Pair]:
        """What ENV, ARG and LABEL set, in order."""
        found = [(word[0], word.start()) for word in WORD.finditer(self.value)]
        if self.keyword != "ARG" and found and "=" not in found[0][0]:
            # The old form, ENV NAME the rest of the line.
            name, offset = found[0]
            return [Pair(name, unquote(self.value[offset + len(name) :].strip()), self.line_at(offset))]
        pairs = []
        for word, offset in found:
            name, given, value = word.partition("=")
            pairs.append(Pair(unquote(name), unquote(value) if given else None, self.line_at(offset)))
        return pairs


def expand(text: str, variables: Mapping[str, str | None]) -> str | None:
    """Text with its `$NAME` and `${NAME:-default}` filled in; None when a value is not known."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        known = variables.get(match[1] or match[4])
        operator, default = (match[2] or "").removeprefix(":"), match[3] or ""
        if operator == "+":
            return default if known else ""
        if known is None and operator != "-":
            unknown = True
        return default if known is None or (match[2] == ":-" and not known) else known

    result = _VARIABLE.sub(value, text)
    return None if unknown or "$" in result else result


def unquote(word: str) -> str:
    """A word without its quotes and escapes."""
    return _QUOTES.sub(lambda match: next(part for part in (*match.groups(), "") if part is not None), word)
