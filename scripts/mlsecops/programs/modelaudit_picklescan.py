"""Asks modelaudit-picklescan, in its environment, about one file after the other."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mlsecops.programs.each_file import Line, Read, each_file
from mlsecops.programs.opinion import NAMELESS, TAMPERED, guarded, name_of, not_read, opinion

# Its other rules are about pickles in strings and weights, persistent ids, and what is on no list of its own.
_NAMED = frozenset({"DANGEROUS_CALL", "DANGEROUS_GLOBAL", "POST_BUDGET_GLOBAL"})
_EXTENSION = "EXTENSION_REF"
_OTHERS = {"MALFORMED_STACK_GLOBAL": NAMELESS, "STRUCTURAL_TAMPER": TAMPERED}


def main(arguments: Sequence[str]) -> int:
    """Read the files of the order (first argument) and write the lines (into the second)."""
    return each_file(arguments, _reader, not_read)


def _reader(order: Line) -> Read:
    library: Any = import_module("modelaudit_picklescan")
    scanner = library.PickleScanner(library.ScanOptions(timeout_s=order["seconds"]))

    def ask(path: Path) -> Line:
        # The sources of whatever is installed beside it say nothing of the machine that loads the file.
        return said(scanner.scan_file(str(path), enrich_call_graph=False).to_dict())

    return guarded(ask)


def said(report: Line) -> Line:
    """Its report -> our line, without its guesses about pickles within other data."""
    findings = [each for each in report["findings"] if "nested_rule_code" not in each["details"]]
    names = [name_of(each["details"]) for each in findings if each["rule_code"] in _NAMED]
    return opinion(
        filter(None, names),
        extensions=[
            str(each["details"]["extension_code"]) for each in findings if each["rule_code"] == _EXTENSION
        ],
        others=[
            (_OTHERS[each["rule_code"]], each["message"]) for each in findings if each["rule_code"] in _OTHERS
        ],
        trouble=_trouble(report),
    )


def _trouble(report: Line) -> str:
    """Why it did not read the file to its end."""
    if report["status"] == "complete":
        return ""
    said = [str(each["message"]) for each in (*report["errors"], *report["notices"])]
    return said[0] if said else "modelaudit-picklescan did not read it to its end"
