"""Asks picklescan, in its environment, about one file after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mlsecops.programs.each_file import Line, Read, each_file
from mlsecops.programs.opinion import guarded, not_read, opinion


class Troubles(logging.Handler):
    """What picklescan logs where it cannot read on; it goes on all the same."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, but for the line about each import, which is in the result as well."""
        message = record.getMessage()
        if not message.endswith(" FOUND"):
            self.said.append(message)


def main(arguments: Sequence[str]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second)."""
    return each_file(arguments, _reader, not_read)


def _reader(order: Line) -> Read:
    del order
    scanner: Any = import_module("picklescan.scanner")
    troubles = Troubles()
    log = logging.getLogger("picklescan")
    log.addHandler(troubles)
    log.propagate = False

    def ask(path: Path) -> Line:
        troubles.said.clear()
        return said(scanner.scan_file_path(str(path)), troubles.said)

    return guarded(ask)


def said(found: Any, troubles: Sequence[str]) -> Line:
    """picklescan's result and what it logged -> our line."""
    safety = [(each.safety.value, f"{each.module}.{each.name}") for each in found.globals]
    trouble = ""
    if troubles:
        trouble = troubles[0]
    elif found.scan_err:
        trouble = "picklescan could not read it"
    elif not found.scanned_files:
        trouble = "picklescan says that it scanned nothing"
    return opinion(
        sorted(name for word, name in safety if word == "dangerous"),
        trouble=trouble,
        unlisted=any(word == "suspicious" for word, _ in safety),
    )
