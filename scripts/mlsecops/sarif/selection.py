"""Which runs and results stay when a log is larger than GitHub takes, and what is said of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlsecops.sarif.files import SarifError
from mlsecops.sarif.text import plural

_ROOM = 0.97  # compression differs from result to result: aim a little below
_ATTEMPTS = 8
_CUT = re.compile(r"Left out(?: of .*: [0-9,]+ of [0-9,]+ results?,|: [0-9,]+ runs? \()")


def tells_of_a_cut(notes: Iterable[str]) -> bool:
    """Whether the notes of a log's runs say that it lacks results, or whole runs."""
    return any(_CUT.match(note) for note in notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one upload may hold; `shown`, `tags`, `locations`, `flow_locations` are what GitHub keeps.

    Source: GitHub Docs, "SARIF support for code scanning", limits, read in November 2026.
    """

    runs: int = 20
    results: int = 25_000
    shown: int = 5_000
    rules: int = 25_000
    gzip_bytes: int = 10_000_000
    tags: int = 10
    locations: int = 100
    flow_locations: int = 1_000
    name_length: int = 255
    description_length: int = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is to be known of a run to choose from it: severity and bytes of each result, in order."""

    category: tuple[str, str]
    severities: Sequence[float]
    sizes: Sequence[int]
    artifacts: int

    @property
    def name(self) -> str:
        """How sentences call the run: its tool, and its category where it has one."""
        tool, category = self.category
        return f"{tool} ({category})" if category else tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What stays: the numbers of `runs`, for every result of every run a flag, the lists of artifacts."""

    tallies: Sequence[Tally]
    limits: Limits
    runs: Sequence[int]
    flags: Sequence[bytearray]
    artifacts: bool = True
    budget: float | None = None
    attempts: int = 0

    @classmethod
    def of(cls, tallies: Sequence[Tally], limits: Limits) -> Selection:
        """The selection that keeps within the numbers of runs and of results: the gravest stay."""
        order = sorted(
            range(len(tallies)),
            key=lambda number: (
                -max(tallies[number].severities, default=0.0),
                -len(tallies[number].severities),
            ),
        )
        runs = sorted(order[: limits.runs])
        flags = [
            _gravest(tally.severities, limits.results if number in runs else 0)
            for number, tally in enumerate(tallies)
        ]
        return cls(tallies=tallies, limits=limits, runs=runs, flags=flags)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return (
            self.artifacts and len(self.runs) == len(self.tallies) and all(all(each) for each in self.flags)
        )

    def smaller(self, size: int) -> Selection:
        """The next smaller selection, after this one came to `size` compressed bytes.

        First the lists of files looked at go, which GitHub does not use, then the least severe results.
        Raises SarifError when nothing is left that could go.
        """
        if self.artifacts and any(self.tallies[number].artifacts for number in self.runs):
            return replace(self, artifacts=False)
        if self.budget == 0:
            raise SarifError(
                f"the log has {size:,} bytes, compressed and without results, but {self._size_reason}"
            )
        budget = float(self._bytes) if self.budget is None else self.budget
        budget = budget * self.limits.gzip_bytes / size * _ROOM if self.attempts < _ATTEMPTS else 0.0
        return replace(self, budget=budget, attempts=self.attempts + 1, flags=self._within(budget))

    def notices(self) -> list[str]:
        """Everything that is left out, one sentence each."""
        return list(dict.fromkeys(note for number in self.runs for note in self.notes(number)))

    def notes(self, number: int) -> list[str]:
        """What is left out of one of the runs; the first run also tells of runs that are left out whole."""
        tally = self.tallies[number]
        notes = []
        left = [each.category[1] for other, each in enumerate(self.tallies) if other not in self.runs]
        if left and number == self.runs[0]:
            notes.append(
                f"Left out: {plural(len(left), 'run')} ({', '.join(left)}), for GitHub takes "
                f"{self.limits.runs} in one file."
            )
        gone = [each for each, flag in zip(tally.severities, self.flags[number], strict=True) if not flag]
        if gone:
            why = self._count_reason if self.budget is None else self._size_reason
            notes.append(
                f"Left out of {tally.name}: {len(gone):,} of {plural(len(tally.severities), 'result')}, the "
                f"least severe (severity {max(gone):.1f} and below), for {why}."
            )
        kept = len(tally.severities) - len(gone)
        if kept > self.limits.shown:
            notes.append(
                f"GitHub shows the {self.limits.shown:,} gravest of the {kept:,} results of {tally.name}."
            )
        if not self.artifacts and tally.artifacts:
            notes.append(
                f"Left out of {tally.name}: the list of {plural(tally.artifacts, 'file')} that it looked at, "
                f"for {self._size_reason}."
            )
        return notes

    @property
    def _bytes(self) -> int:
        return sum(
            size
            for tally, flags in zip(self.tallies, self.flags, strict=True)
            for size, flag in zip(tally.sizes, flags, strict=True)
            if flag
        )

    @property
    def _count_reason(self) -> str:
        return f"GitHub takes {self.limits.results:,} in one run"

    @property
    def _size_reason(self) -> str:
        return f"GitHub takes {self.limits.gzip_bytes / 1_000_000:g} MB of compressed SARIF"

    def _within(self, budget: float) -> list[bytearray]:
        """The flags with the least severe results of all runs dropped until the rest has `budget` bytes.

        Of equally severe ones every run keeps its first, so that no run is emptied for another.
        """
        flags = [bytearray(each) for each in self.flags]
        kept = sorted(
            (-severity, place, number)
            for number, tally in enumerate(self.tallies)
            for place, severity in enumerate(tally.severities)
            if flags[number][place]
        )
        spent = 0
        for _, place, number in kept:
            spent += self.tallies[number].sizes[place]
            if spent > budget:
                flags[number][place] = 0
        return flags


def _gravest(severities: Sequence[float], count: int) -> bytearray:
    """Flags of the gravest results; of equally grave ones the first stay."""
    if len(severities) <= count:
        return bytearray(b"\1") * len(severities)
    flags = bytearray(len(severities))
    for place in sorted(range(len(severities)), key=lambda place: -severities[place])[:count]:
        flags[place] = 1
    return flags
