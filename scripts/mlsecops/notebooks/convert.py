"""A notebook's code cells as one Python source."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.notebooks.cells import read_notebook
from mlsecops.notebooks.magics import to_python

# Stands first, so that no comment in a cell can declare another encoding.
_HEADER = "# -*- coding: utf-8 -*-"


@dataclass(frozen=True, slots=True)
class CellLine:
    """Where a line of the converted source comes from.

    `cell` counts all cells from 1 and `line` the lines of the cell (both 0: a line that was added), and
    `source_line` is the line of the notebook's file, from 1.
    """

    cell: int
    line: int
    source_line: int

    @property
    def logical(self) -> str:
        """The place as people find it in Jupyter."""
        return f"cell {self.cell}, line {self.line}"


@dataclass(frozen=True, slots=True)
class OtherCell:
    """A cell in another language; nothing in it was converted."""

    cell: int
    source_line: int
    language: str


@dataclass(frozen=True, slots=True)
class UnparsedCell:
    """A cell that should be Python and does not parse: it stands in the source as comments."""

    cell: int
    source_line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Converted:
    """Python source of a notebook; `lines` has one entry for each of its lines."""

    source: str
    lines: tuple[CellLine, ...]
    other: tuple[OtherCell, ...]
    unparsed: tuple[UnparsedCell, ...]

    def origin(self, line: int) -> CellLine:
        """Where a line of the source (from 1) comes from; the nearest one when there is no such line."""
        return self.lines[min(max(line, 1), len(self.lines)) - 1]


def convert(data: bytes) -> Converted:
    """Convert the bytes of a notebook; raises NotebookError when it is broken or none.

    Every magic keeps its line. Outputs, Markdown and raw cells are left out.
    """
    notebook = read_notebook(data)
    source = [_HEADER]
    lines = [CellLine(0, 0, 1)]
    other: list[OtherCell] = []
    unparsed: list[UnparsedCell] = []
    for cell in notebook.cells:
        if not cell.lines:
            continue
        language = cell.language or notebook.language
        if "python" not in language:
            other.append(OtherCell(cell.number, cell.source_lines[0], language))
            continue
        python = to_python(cell.lines)
        if python.language != "python":
            other.append(OtherCell(cell.number, cell.source_lines[0], python.language))
        if python.problem:
            reason, line = python.problem
            at = cell.source_lines[min(line, len(cell.source_lines)) - 1]
            unparsed.append(UnparsedCell(cell.number, at, reason))
        source += python.lines
        lines += [
            CellLine(cell.number, number, source_line)
            for number, source_line in enumerate(cell.source_lines, start=1)
        ]
    return Converted("\n".join(source) + "\n", tuple(lines), tuple(other), tuple(unparsed))
