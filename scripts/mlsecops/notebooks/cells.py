"""The code cells of a notebook, each line with its true line in the file.

A JSON parser does not tell where a string stood, so the parts of the document that lead to the cells are
walked here; every value in them that does not matter is skipped by the standard parser.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlsecops.project.text import decode

_SPACE = re.compile(r"[ \t\n\r]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNFIT = re.compile("[\0\ud800-\udfff]")  # no Python source may hold these, not even in a comment

_Value = Callable[[int], int]  # reads the value at an offset and returns the offset after it


class NotebookError(ValueError):
    """The file is no notebook that could be read; the text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its number among all cells (from 1), its lines, and the line of the file of each."""

    number: int
    lines: tuple[str, ...]
    source_lines: tuple[int, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """What matters of a notebook; `language` is its kernel's, lower case."""

    language: str
    cells: tuple[Cell, ...]


def read_notebook(data: bytes) -> Notebook:
    """Read a notebook of format 3 or 4; raises NotebookError when it is broken or none."""
    text = decode(data)
    if not text.strip():
        raise NotebookError("the notebook is empty")
    return _Reader(text).notebook()


@dataclass(slots=True)
class _Draft:
    kind: str = ""
    language: str = ""
    fragments: list[tuple[str, int]] = field(default_factory=list)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        end = "\n" if "\n" in text else "\r"
        self._ends = [match.start() for match in re.finditer(end, text)]
        self._metadata: Any = None
        self._cells: list[_Draft] = []
        self._is_notebook = False

    def notebook(self) -> Notebook:
        try:
            self._read_document()
        except json.JSONDecodeError as error:
            message = error.msg.removesuffix(" at").removesuffix(" starting")
            where = f"{message} at line {self._line(error.pos)}"
            raise NotebookError(f"the notebook is not whole JSON: {where}") from None
        except RecursionError:
            raise NotebookError("the notebook is nested too deep to read") from None
        if not self._is_notebook:
            raise NotebookError("the file is JSON, but no notebook: it has no list of cells")
        drafts = enumerate(self._cells, start=1)
        cells = tuple(self._cell(number, draft) for number, draft in drafts if draft.kind == "code")
        return Notebook(_kernel_language(self._metadata), cells)

    def _read_document(self) -> None:
        members: dict[str, _Value] = {
            "cells": self._read_cells,
            "worksheets": self._read_worksheets,
            "metadata": self._read_metadata,
        }
        end = self._skip_space(self._object(self._skip_space(0), members))
        if end < len(self._text):
            raise json.JSONDecodeError("extra data", self._text, end)

    def _cell(self, number: int, draft: _Draft) -> Cell:
        whole = "".join(text for text, _ in draft.fragments)
        starts: list[int] = []
        offset = 0
        for text, _ in draft.fragments:
            starts.append(offset)
            offset += len(text)
        lines: list[str] = []
        source_lines: list[int] = []
        at = 0
        for end in [*_LINE_END.finditer(whole), None]:
            stop = len(whole) if end is None else end.start()
            if end is None and at == len(whole):
                break  # nothing after the last line end
            lines.append(_UNFIT.sub("\ufffd", whole[at:stop]))
            # empty fragments begin where the next one does, so the last of them is the one that has text
            source_lines.append(draft.fragments[bisect_right(starts, at) - 1][1])
            at = stop if end is None else end.end()
        return Cell(number, tuple(lines), tuple(source_lines), draft.language)

    def _read_worksheets(self, at: int) -> int:
        self._cells = []
        return self._array(at, lambda start: self._object(start, {"cells": self._read_more_cells}))

    def _read_cells(self, at: int) -> int:
        self._cells = []  # of two members of one name the last one counts
        return self._read_more_cells(at)

    def _read_more_cells(self, at: int) -> int:
        self._is_notebook = True
        return self._array(at, self._read_cell)

    def _read_cell(self, at: int) -> int:
        draft = _Draft()
        self._cells.append(draft)

        def kind(start: int) -> int:
            value, end = self._decode(start)
            draft.kind = value if isinstance(value, str) else ""
            return end

        def language(start: int) -> int:
            value, end = self._decode(start)
            draft.language = value.lower() if isinstance(value, str) else ""
            return end

        def metadata(start: int) -> int:
            value, end = self._decode(start)
            draft.language = _text(_member(_member(value, "vscode"), "languageId")) or draft.language
            return end

        def source(start: int) -> int:
            draft.fragments.clear()
            return self._read_source(start, draft)

        members: dict[str, _Value] = {
            "cell_type": kind,
            "source": source,
            "input": source,
            "language": language,
            "metadata": metadata,
        }
        return self._object(at, members)

    def _read_source(self, at: int, draft: _Draft) -> int:
        def fragment(start: int) -> int:
            value, end = self._decode(start)
            if not isinstance(value, str):
                raise json.JSONDecodeError("the source of a cell is no text", self._text, start)
            draft.fragments.append((value, self._line(start)))
            return end

        return self._array(at, fragment) if self._text.startswith("[", at) else fragment(at)

    def _read_metadata(self, at: int) -> int:
        self._metadata, end = self._decode(at)
        return end

    def _object(self, at: int, members: dict[str, _Value]) -> int:
        at = self._expect("{", at)
        if self._text.startswith("}", at):
            return at + 1
        while True:
            if not self._text.startswith('"', at):
                raise json.JSONDecodeError("a name in double quotes is missing", self._text, at)
            name, at = self._decode(at)
            at = self._expect(":", self._skip_space(at))
            read = members.get(name)
            at = self._skip_space(read(at) if read else self._decode(at)[1])
            if self._text.startswith("}", at):
                return at + 1
            at = self._expect(",", at)

    def _array(self, at: int, item: _Value) -> int:
        at = self._expect("[", at)
        if self._text.startswith("]", at):
            return at + 1
        while True:
            at = self._skip_space(item(at))
            if self._text.startswith("]", at):
                return at + 1
            at = self._expect(",", at)

    def _expect(self, mark: str, at: int) -> int:
        if not self._text.startswith(mark, at):
            raise json.JSONDecodeError(f"{mark} is missing", self._text, at)
        return self._skip_space(at + 1)

    def _decode(self, at: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError:
            raise
        except ValueError as error:  # a number of more digits than Python converts
            raise json.JSONDecodeError(str(error), self._text, at) from None

    def _skip_space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _line(self, at: int) -> int:
        return bisect_right(self._ends, at - 1) + 1


def _kernel_language(metadata: object) -> str:
    """Language of the kernel; python when anything says so, or when nothing is said."""
    kernel = _member(metadata, "kernelspec")
    said = [
        _text(_member(kernel, "language")),
        _text(_member(kernel, "name")),
        _text(_member(_member(metadata, "language_info"), "name")),
    ]
    if not any(said) or any("python" in each for each in said):
        return "python"
    return next(each for each in (said[0], said[2], said[1]) if each)


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""
