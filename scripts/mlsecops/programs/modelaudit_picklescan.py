"""Asks modelaudit-picklescan, in its environment, about one file after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mlsecops.programs.each_file import Line, Read, each_file
from mlsecops.programs.opinion import guarded, not_read, opinion

# Its other rules are about pickles in strings and weights, persistent ids, and what is on no list of its own.
_NAMED = frozenset({"DANGEROUS_CALL", "DANGEROUS_GLOBAL", "POST_BUDGET_GLOBAL"})
_EXTENSION = "EXTENSION_REF"
_OTHERS = {
    "MALFORMED_STACK_GLOBAL": "an import without a name",
    "STRUCTURAL_TAMPER": "opcodes where none may be",
}
# Code of the program itself is on no list, and an extension has its own rule.
_NO_NAMES = ("__main__.", "copyreg.extension.")


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
    return opinion(
        dict.fromkeys(_names(findings)),
        extensions=[
            str(each["details"]["extension_code"]) for each in findings if each["rule_code"] == _EXTENSION
        ],
        others=[
            (_OTHERS[each["rule_code"]], each["message"]) for each in findings if each["rule_code"] in _OTHERS
        ],
        trouble=_trouble(report),
    )


def _names(findings: Iterable[Line]) -> Iterator[str]:
    for each in findings:
        name = str(each["details"].get("import_reference", ""))
        if each["rule_code"] in _NAMED and name and not name.startswith(_NO_NAMES):
            # What a call gives back and what is called then is the name's doing too.
            yield name.removesuffix(".__call__")


def _trouble(report: Line) -> str:
    """Why it did not read the file to its end."""
    if report["status"] == "complete":
        return ""
    said = [str(each["message"]) for each in (*report["errors"], *report["notices"])]
    return said[0] if said else "modelaudit-picklescan did not read it to its end"
