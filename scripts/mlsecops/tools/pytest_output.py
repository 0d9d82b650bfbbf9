"""What a run of pytest left behind: files that the tests could have written or replaced."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mlsecops.job import Completed, ToolError, printable
from mlsecops.project.reading import read
from mlsecops.sarif.build import Json

_MOST_BYTES = 128 << 20


def evidence_of(path: Path, completed: Completed, command: tuple[str, ...]) -> list[Json]:
    """What our plugin wrote, one document for each run of pytest. Raises ToolError."""
    if not path.is_file():
        words = last_words(completed)
        hint = "; does it run pytest, and with the variables it was given?" if command else ""
        raise ToolError(
            f"it wrote no output (exit code {completed.exit_code}){hint}{': ' if words else ''}{words}"
        )
    try:
        return [json.loads(line) for line in _whole(path).decode().splitlines()]
    except (OSError, ValueError) as error:
        raise ToolError("its evidence cannot be read: it ended without saying which tests it ran") from error


def junit_documents(evidence: Path) -> tuple[list[Element], list[str]]:
    """The JUnit reports beside the evidence, and a note on each that cannot be read."""
    documents, notes = [], []
    for path in sorted(evidence.parent.glob(f"{evidence.name}.*.junit")):
        try:
            documents.append(fromstring(_whole(path)))
        except (ParseError, DefusedXmlException, OSError, ValueError) as error:
            notes.append(f"a JUnit report could not be read ({printable(str(error))})")
    return documents, notes


def _whole(path: Path) -> bytes:
    """What a plain file holds that the tests could have written; OSError or ValueError for another one."""
    content = read(str(path), _MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
    return content


def last_words(completed: Completed) -> str:
    """The line that says what went wrong: the last that names an error, else the last."""
    lines: list[str] = []
    for file in (completed.stderr, completed.stdout):
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 65536))
            text = stream.read().decode("utf-8", "replace")
        lines = lines or [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not re.search(r"^[=_]{3}|mlsecops.canary|\d+ (?:failed|passed)", line)]
    telling = [line for line in lines if re.search(r"error|fail|exit|not found|no such", line, re.IGNORECASE)]
    return next((printable(each)[:300] for each in reversed(telling or lines)), "")
