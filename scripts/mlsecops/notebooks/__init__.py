"""Notebooks -> Python source that scanners read, with the way back to every line's cell and file line."""

from mlsecops.notebooks.cells import NotebookError
from mlsecops.notebooks.convert import CellLine, Converted, OtherCell, UnparsedCell, convert

__all__ = ["CellLine", "Converted", "NotebookError", "OtherCell", "UnparsedCell", "convert"]
