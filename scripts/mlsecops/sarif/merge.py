"""Many SARIF files -> one with one run per tool and category, holding no more than one file in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice, repeat
from pathlib import Path
from typing import BinaryIO

import orjson
from msgspec import Raw

from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.sarif.files import SarifError, replacing
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.limits import gzip_size, with_notes
from mlsecops.sarif.raw import RawFiles, Result
from mlsecops.sarif.rules import MAX_SEVERITY, SEVERITY_OF_LEVEL, parse_severity
from mlsecops.sarif.selection import Limits, Selection, Tally
from mlsecops.sarif.states import Known, with_state
from mlsecops.sarif.trim import Cuts, drop_unused_rules, trim_result, trim_rules
from mlsecops.sarif.union import Category, Moved, renumber, unite, unite_properties

_CHUNK = 1 << 20
_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSummary:
    """What a merge did: runs and results written, results given twice, and every cut."""

    runs: int
    results: int
    duplicates: int
    notices: tuple[str, ...] = ()


def merge(
    paths: Sequence[Path], output: Path, *, limits: Limits | None, known: Known | None = None
) -> MergeSummary:
    """Merge normalised SARIF files into `output`, which is there whole or not at all.

    Runs of one tool in one category become one run, other runs stay as they are. A result that is there
    twice, with the same rule, message, places and fingerprints, stays once. Without `limits` nothing else
    is left out, which is what a verdict needs. With them, the file holds as many runs, results and
    compressed bytes as GitHub takes, the gravest first, and says what it does not.

    `known` gives the fingerprints of a run's results that the baseline has too; with it every result gets
    its `baselineState`, new or unchanged. Without it there is no baseline.

    Raises SarifError, naming the file, for one that cannot be read, is not whole JSON or is no SARIF 2.1.0
    log.
    """
    files = RawFiles()
    groups, properties = _survey(files, paths)
    writer = _Writer(groups, properties, limits, known)
    with replacing(output) as handle:
        counts = written = writer.write(handle, None)
        if limits is None:
            return _summary(counts, [count.results for count in counts], [])
        selection = Selection.of([count.tally() for count in counts], limits)
        if not selection.whole:
            written = writer.write(handle, selection)
        while (size := _compressed(handle, limits.gzip_bytes)) > limits.gzip_bytes:
            try:
                selection = selection.smaller(size)
            except SarifError as error:
                raise SarifError(f"{output} cannot be made as small as GitHub wants it: {error}") from None
            written = writer.write(handle, selection)
    notices = [*(note for count in written for note in count.notes), *selection.notices()]
    return _summary(counts, [sum(selection.flags[number]) for number in selection.runs], notices)


@dataclass(slots=True)
class _Count:
    """What was met of one category; severity and bytes of every result where they are wanted."""

    category: Category
    artifacts: int = 0
    results: int = 0
    duplicates: int = 0
    notes: list[str] = field(default_factory=list)
    severities: array[float] = field(default_factory=lambda: array("d"))
    sizes: array[int] = field(default_factory=lambda: array("L"))

    def tally(self) -> Tally:
        """The same, to choose from."""
        return Tally(
            category=self.category, severities=self.severities, sizes=self.sizes, artifacts=self.artifacts
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """All runs of one tool and category: in which files, and their places in them."""

    files: RawFiles
    category: Category
    sources: list[tuple[Path, int]] = field(default_factory=list)

    def head(self) -> tuple[Json, list[Moved]]:
        """The runs as one, without results; and for each of them the rules that have another number now."""
        head: Json = {}
        moves: list[Moved] = []
        for path, place in self.sources:
            given = self.files.runs(path)[place].head()
            head, moved = unite(head, given) if head else (given, {})
            moves.append(moved)
        return head, moves

    def results(self, count: _Count) -> Iterator[tuple[int, Raw, Result]]:
        """Every result once, with the number of the run that it comes from."""
        seen: set[bytes] = set()
        for number, (path, place) in enumerate(self.sources):
            for raw, result in self.files.runs(path)[place].results():
                digest = result.digest()
                if digest in seen:
                    count.duplicates += 1
                else:
                    seen.add(digest)
                    count.results += 1
                    yield number, raw, result


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the merged log, from the files anew each time: nothing but counts stays in memory between."""

    groups: Sequence[_Group]
    properties: Json
    limits: Limits | None
    known: Known | None = None

    def write(self, handle: BinaryIO, selection: Selection | None) -> list[_Count]:
        """Write the log over what is in the file, all of it or what is selected, and count what there is."""
        handle.seek(0)
        handle.truncate()
        start: Json = {"$schema": SCHEMA, "version": "2.1.0"}
        if self.properties:
            start["properties"] = self.properties
        handle.write(orjson.dumps(start)[:-1] + b',"runs":[')
        counts: list[_Count] = []
        for number, group in enumerate(self.groups):
            if selection is None or number in selection.runs:
                handle.write(b"," if counts else b"")
                counts.append(self._run(handle, group, number, selection))
        handle.write(b"]}")
        return counts

    def _run(self, handle: BinaryIO, group: _Group, number: int, selection: Selection | None) -> _Count:
        head, moves = group.head()
        count = _Count(group.category, artifacts=len(objects(head.get("artifacts"))))
        severities = _rule_severities(head)
        flags = repeat(1) if selection is None else selection.flags[number]
        if self.limits is not None:
            used = (result.rule_id for _, _, result in compress(group.results(_Count(group.category)), flags))
            head, moves = _fewer_rules(head, moves, used, self.limits, count)
        cuts = Cuts()
        known = self.known(head) if self.known else None
        pieces = (
            with_state(self._piece(raw, result, moves[source], severities, count, cuts), result, known)
            for source, raw, result in compress(group.results(count), flags)
        )
        handle.write(b'{"results":[')
        comma = b""
        while batch := list(islice(pieces, _BATCH)):
            handle.write(comma)
            handle.write(b",".join(batch))
            comma = b","
        # The rest comes after the results, for it tells what was cut of them.
        if self.limits is not None:
            count.notes += cuts.notes(head, self.limits)
        notes = [*count.notes, *(selection.notes(number) if selection else ())]
        if selection is not None and not selection.artifacts:
            head.pop("artifacts", None)
        handle.write(b"]," + orjson.dumps(with_notes(head, notes))[1:])
        return count

    def _piece(
        self,
        raw: Raw,
        result: Result,
        moved: Moved,
        severities: Mapping[str, float],
        count: _Count,
        cuts: Cuts,
    ) -> bytes | Raw:
        """The bytes of a result, as they were where nothing in it has to change."""
        limits = self.limits
        long = False
        if limits is not None:
            count.severities.append(_severity(result, severities))
            count.sizes.append(len(memoryview(raw)))
            long = len(result.locations or ()) > limits.locations or result.steps > limits.flow_locations
        if not moved and not long:
            return raw
        parsed = renumber(orjson.loads(bytes(raw)), moved)
        return orjson.dumps(parsed if limits is None else trim_result(parsed, limits, cuts))


def _survey(files: RawFiles, paths: Sequence[Path]) -> tuple[list[_Group], Json]:
    """The runs of all files by tool and category, in the order in which they come; and what the logs say."""
    groups: dict[Category, _Group] = {}
    properties: Json = {}
    for path in paths:
        for run in files.runs(path):
            category = run.category()
            group = groups.setdefault(category, _Group(files, category))
            group.sources.append((path, run.number))
        properties = unite_properties(properties, files.properties(path))
    return list(groups.values()), properties


def _fewer_rules(
    head: Json, moves: list[Moved], used: Iterable[str], limits: Limits, count: _Count
) -> tuple[Json, list[Moved]]:
    """The run with its rules within the limits, where they are now, and in `count` what is said of it."""
    head, notes = trim_rules(head, limits)
    count.notes += notes
    total = len(objects(head["tool"]["driver"]["rules"]))
    if total <= limits.rules:
        return head, moves
    head, places, notes = drop_unused_rules(head, set(used), limits)
    count.notes += notes
    followed = [{old: moved.get(old, old) for old in range(total)} for moved in moves]
    return head, [{old: places[new] for old, new in moved.items() if new in places} for moved in followed]


def _summary(counts: Sequence[_Count], kept: Sequence[int], notices: Sequence[str]) -> MergeSummary:
    return MergeSummary(
        runs=len(kept),
        results=sum(kept),
        duplicates=sum(count.duplicates for count in counts),
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
