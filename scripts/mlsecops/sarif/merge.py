"""Many SARIF files -> one with one run per tool and category, holding no more than one file in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from pathlib import Path
from typing import BinaryIO

import orjson
from msgspec import Raw

from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.sarif.files import replacing
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.limits import gzip_size, with_notes
from mlsecops.sarif.raw import RawFiles, Result
from mlsecops.sarif.rules import MAX_SEVERITY, SEVERITY_OF_LEVEL, parse_severity
from mlsecops.sarif.selection import Limits, Selection, Tally
from mlsecops.sarif.union import Category, renumber, unite, unite_properties

_CHUNK = 1 << 20
_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSummary:
    """What a merge did: runs and results written, results given twice or suppressed, and every cut."""

    runs: int
    results: int
    duplicates: int
    suppressed: int
    notices: tuple[str, ...] = ()


def merge(
    paths: Sequence[Path], output: Path, *, limits: Limits | None, suppressed: bool = True
) -> MergeSummary:
    """Merge normalised SARIF files into `output`, which is there whole or not at all.

    Runs of one tool in one category become one run, other runs stay as they are. A result that is there
    twice, with the same rule, message, places and fingerprints, stays once. Without `limits` nothing else
    is left out, which is what a verdict needs. With them, the file holds as many runs, results and
    compressed bytes as GitHub takes, the gravest first, and says what it does not. `suppressed=False`
    leaves out suppressed results, which GitHub would show as open.

    Raises SarifError, naming the file, for one that cannot be read, is not whole JSON or is no SARIF 2.1.0
    log.
    """
    writer = _Writer(RawFiles(), paths, suppressed=suppressed, weigh=limits is not None)
    with replacing(output) as handle:
        counts = writer.write(handle, None)
        if limits is None:
            return _summary(counts, [count.results for count in counts], [])
        selection = Selection.of([count.tally() for count in counts], limits)
        if not selection.whole:
            writer.write(handle, selection)
        while (size := _compressed(handle, limits.gzip_bytes)) > limits.gzip_bytes:
            selection = selection.smaller(size)
            writer.write(handle, selection)
    return _summary(counts, [sum(selection.flags[number]) for number in selection.runs], selection.notices())


@dataclass(slots=True)
class _Count:
    """What was met of one category; severity and bytes of every result where they are wanted."""

    category: Category
    artifacts: int = 0
    results: int = 0
    duplicates: int = 0
    suppressed: int = 0
    severities: array[float] = field(default_factory=lambda: array("d"))
    sizes: array[int] = field(default_factory=lambda: array("L"))

    def tally(self) -> Tally:
        """The same, to choose from."""
        return Tally(
            category=self.category, severities=self.severities, sizes=self.sizes, artifacts=self.artifacts
        )


class _Writer:
    """Writes the merged log, from the files anew each time: nothing but counts stays in memory between."""

    def __init__(self, files: RawFiles, paths: Sequence[Path], *, suppressed: bool, weigh: bool) -> None:
        self._files = files
        self._suppressed = suppressed
        self._weigh = weigh
        self._groups: dict[Category, list[tuple[Path, int]]] = {}
        self._properties: Json = {}
        for path in paths:
            for run in files.runs(path):
                self._groups.setdefault(run.category(), []).append((path, run.number))
            self._properties = unite_properties(self._properties, files.properties(path))

    def write(self, handle: BinaryIO, selection: Selection | None) -> list[_Count]:
        """Write the log over what is in the file, all of it or what is selected, and count what there is."""
        handle.seek(0)
        handle.truncate()
        start: Json = {"$schema": SCHEMA, "version": "2.1.0"}
        if self._properties:
            start["properties"] = self._properties
        handle.write(orjson.dumps(start)[:-1] + b',"runs":[')
        counts: list[_Count] = []
        for number, category in enumerate(self._groups):
            if selection is None or number in selection.runs:
                handle.write(b"," if counts else b"")
                counts.append(self._run(handle, category, number, selection))
        handle.write(b"]}")
        return counts

    def _run(self, handle: BinaryIO, category: Category, number: int, selection: Selection | None) -> _Count:
        head, moves = self._head(category)
        count = _Count(category, artifacts=len(objects(head.get("artifacts"))))
        results = self._results(category, moves, _rule_severities(head), count)
        if selection is not None:
            head = with_notes(head, selection.notes(number))
            results = compress(results, selection.flags[number])
            if not selection.artifacts:
                head.pop("artifacts", None)
        handle.write(orjson.dumps(head)[:-1] + b',"results":[')
        comma = b""
        while batch := list(islice(results, _BATCH)):
            handle.write(comma)
            handle.write(b",".join(batch))
            comma = b","
        handle.write(b"]}")
        return count

    def _head(self, category: Category) -> tuple[Json, list[dict[int, int]]]:
        """The run of a category without its results; and for each of its sources the rules that moved."""
        head: Json = {}
        moves = []
        for path, place in self._groups[category]:
            given = self._files.runs(path)[place].head()
            head, moved = unite(head, given) if head else (given, {})
            moves.append(moved)
        return head, moves

    def _results(
        self,
        category: Category,
        moves: Sequence[dict[int, int]],
        severities: Mapping[str, float],
        count: _Count,
    ) -> Iterator[bytes | Raw]:
        """The results of a category, each once, counted on the way."""
        seen: set[bytes] = set()
        for (path, place), moved in zip(self._groups[category], moves, strict=True):
            for raw, result in self._files.runs(path)[place].results():
                digest = result.digest()
                if digest in seen:
                    count.duplicates += 1
                elif result.suppressions and not self._suppressed:
                    count.suppressed += 1
                else:
                    seen.add(digest)
                    count.results += 1
                    if self._weigh:
                        count.severities.append(_severity(result, severities))
                        count.sizes.append(len(memoryview(raw)))
                    yield orjson.dumps(renumber(orjson.loads(bytes(raw)), moved)) if moved else raw


def _summary(counts: Sequence[_Count], kept: Sequence[int], notices: Sequence[str]) -> MergeSummary:
    return MergeSummary(
        runs=len(kept),
        results=sum(kept),
        duplicates=sum(count.duplicates for count in counts),
        suppressed=sum(count.suppressed for count in counts),
        notices=tuple(notices),
    )


def _rule_severities(head: Json) -> dict[str, float]:
    """The severity of every rule that has one, by its id."""
    rules = objects(object_of(object_of(head, "tool"), "driver").get("rules"))
    known = {
        str(rule.get("id")): parse_severity(object_of(rule, "properties").get("security-severity"))
        for rule in rules
    }
    return {identifier: severity for identifier, severity in known.items() if severity is not None}


def _severity(result: Result, rules: Mapping[str, float]) -> float:
    """How grave a result is: itself, else its rule, else its level says so."""
    own = result.severity
    if own is not None and 0.0 < own <= MAX_SEVERITY:
        return own
    return rules.get(result.rule_id) or SEVERITY_OF_LEVEL.get(result.level, SEVERITY_OF_LEVEL["warning"])


def _compressed(handle: BinaryIO, limit: int) -> int:
    """The size of a file as gzip makes it; of a file within the limit anyway, its own size."""
    size = handle.seek(0, 2)
    if size <= limit:
        return size
    handle.seek(0)
    return gzip_size(iter(lambda: handle.read(_CHUNK), b""))
