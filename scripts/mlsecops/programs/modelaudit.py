"""Asks modelaudit, in its environment, about one file after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mlsecops.programs.each_file import Line, Read, each_file
from mlsecops.programs.opinion import EXTENSION, NAMELESS, guarded, name_of, not_read, opinion

# What it would load for the first file of some kind, when nothing more may be loaded by then.
_LIBRARIES = ("numpy", "h5py", "onnx")
_NOT_READ = 2
# Pickles within strings and weights, and what could be reached from a name: see modelaudit-picklescan.
_GUESSES = ("S213", "S601", "S602", "DANGEROUS_CALL_GRAPH", "DANGEROUS_CALL_GRAPH_LIMIT")


def main(arguments: Sequence[str]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second)."""
    return each_file(arguments, _reader, not_read)


def _reader(order: Line) -> Read:
    for name in _LIBRARIES:
        import_module(name)
    logging.disable()
    core: Any = import_module("modelaudit.core")

    def ask(path: Path) -> Line:
        seconds = int(order["seconds"] + path.stat().st_size / order["rate"])
        found = core.scan_model_directory_or_file(str(path), cache_enabled=False, timeout=seconds)
        whole = found.files_scanned > 0 and core.determine_exit_code(found) != _NOT_READ
        return said([each.model_dump(mode="json") for each in found.issues], whole=whole)

    return guarded(ask)


def said(issues: Sequence[Line], *, whole: bool) -> Line:
    """Its issues -> our line. What names no import goes by the first words of its message."""
    critical = [
        each
        for each in issues
        if each["severity"] == "critical"
        and each["rule_code"] not in _GUESSES
        and "nested_rule_code" not in each["details"]
    ]
    names = [str(each["details"].get("import_reference", "")) for each in critical]
    return opinion(
        filter(None, (name_of(each["details"]) for each in critical)),
        extensions=[name.removeprefix(EXTENSION) for name in names if name.startswith(EXTENSION)],
        others=[
            (_words(each), each["message"]) for each, name in zip(critical, names, strict=True) if not name
        ],
        trouble="" if whole else _trouble(issues),
    )


def _words(issue: Line) -> str:
    """What an issue is about, the same for all of its kind in a file."""
    if issue["details"].get("pickle_rule_code") == "MALFORMED_STACK_GLOBAL":
        return NAMELESS
    return str(issue["message"]).partition(":")[0].strip()


def _trouble(issues: Sequence[Line]) -> str:
    """Why it did not read the file to its end, as far as it says so."""
    reasons = [str(each["message"]) for each in issues if each["severity"] == "info"]
    return reasons[0] if reasons else "modelaudit did not read it to its end"
