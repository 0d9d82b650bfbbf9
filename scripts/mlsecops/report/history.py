"""Earlier reports of a project, read back from the `report.json` that each run leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mlsecops.policy import Severity
from mlsecops.report.escape import visible

FILE = "report.json"
_MOST_BYTES = 16_000_000


class HistoryError(Exception):
    """A file is no report of ours; the text says which."""


@dataclass(frozen=True, slots=True)
class Past:
    """One run: when it was reported, its verdict, and the open findings by severity."""

    project: str
    generated: datetime
    word: str
    counts: dict[Severity, int]


_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Open(msgspec.Struct):
    critical: _Count
    high: _Count
    medium: _Count
    low: _Count


class _Counts(msgspec.Struct):
    open: _Open


class _Verdict(msgspec.Struct):
    word: Literal["passed", "blocked", "incomplete"]


class _Document(msgspec.Struct):
    project: str
    generated: Annotated[datetime, msgspec.Meta(tz=True)]
    verdict: _Verdict
    counts: _Counts


def read_history(paths: Iterable[Path]) -> tuple[Past, ...]:
    """What the reports say, the oldest first; of a folder every `report.json` in and below it.

    A run whose report is there twice counts once. Raises HistoryError, OSError.
    """
    past = {(each.project, each.generated): each for path in paths for each in map(_read, _files(path))}
    return tuple(sorted(past.values(), key=lambda each: each.generated))


def before(past: Sequence[Past], project: str, now: datetime) -> tuple[Past, ...]:
    """The runs of one project that were reported before a moment."""
    return tuple(each for each in past if each.project == visible(project) and each.generated < now)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.rglob(FILE))
    else:
        yield path


def _read(path: Path) -> Past:
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    try:
        if len(text) > _MOST_BYTES:
            raise HistoryError(f"{path} is no report of ours: it is larger than 16 MB")
        document = msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HistoryError(f"{path} is no report of ours: {error}") from None
    counts = document.counts.open
    return Past(
        document.project,
        document.generated,
        document.verdict.word,
        {"critical": counts.critical, "high": counts.high, "medium": counts.medium, "low": counts.low},
    )
