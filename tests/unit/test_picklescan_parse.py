"""What one call of picklescan says."""

from __future__ import annotations

import pytest
from mlsecops.tools.picklescan import parse

END = "Scanned files: {}\nInfected files: 0\nSuspicious globals: {}\nDangerous globals: {}\n"


def test_clean() -> None:
    outcome = parse(0, END.format(1, 2, 0), "00000.pkl")
    assert (outcome.imports, outcome.trouble, outcome.unknown) == ((), None, 2)


def test_dangerous_imports_once_each() -> None:
    line = "/x/00000.pt:a/data.pkl: dangerous import 'os system' FOUND\n"
    outcome = parse(1, line + line + END.format(1, 0, 1), "00000.pt")
    assert (outcome.imports, outcome.trouble) == (("os.system",), None)


@pytest.mark.parametrize(
    ("code", "text", "why"),
    [
        (0, "", "did not end"),
        (0, END.format(0, 0, 0), "scanned nothing"),
        (2, "Unhandled exception\n", "could not read"),
        (1, END.format(1, 0, 1), "contradict"),
        (0, "a: dangerous import 'os system' FOUND\n" + END.format(1, 0, 1), "contradict"),
        (
            0,
            "WARNING: could not parse /x/00000.pkl as pickle: no\n" + END.format(1, 0, 0),
            "the file as pickle",
        ),
        (2, "ERROR: parsing pickle in /x/00000.pkl: opcode\n" + END.format(1, 0, 0), "opcode"),
    ],
)
def test_what_does_not_count_as_read(code: int, text: str, why: str) -> None:
    trouble = parse(code, text, "00000.pkl").trouble
    assert trouble is not None
    assert why in trouble
    assert "/x/" not in trouble
