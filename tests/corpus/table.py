"""Who finds what: outcomes of scanners over the corpus, counted by family, as a table in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corpus.collection import Placed

OUTCOMES = ("dangerous", "unknown", "not scanned", "harmless")
Outcomes = Mapping[Path, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Outcomes of every scanner, by its name and the file."""

    files: Sequence[Placed]
    scanners: Mapping[str, Outcomes] = field(default_factory=dict)

    def families(self, chosen: Callable[[Placed], bool]) -> Mapping[str, list[Placed]]:
        """The files that are meant, by family, in their order."""
        found: dict[str, list[Placed]] = {}
        for each in filter(chosen, self.files):
            found.setdefault(each.family, []).append(each)
        return found

    def counted(self, scanner: str, files: Sequence[Placed]) -> Counter[str]:
        """How often each outcome is said of some files."""
        return Counter(self.scanners[scanner][each.path] for each in files)

    def malicious(self) -> str:
        """Dangerous found, by family."""
        return self._shares("malicious, by family", lambda file: file.expected == "dangerous", "dangerous")

    def harmless(self) -> str:
        """Harmless ones that are called so, by where they come from."""
        return self._shares("harmless, by origin", lambda file: file.expected == "harmless", "harmless")

    def outcomes(self) -> str:
        """Every outcome of every scanner for each kind of file."""
        rows = []
        for kind in ("dangerous", "harmless", "unknown", "not scanned"):
            files = [each for each in self.files if each.expected == kind]
            for outcome in OUTCOMES:
                counts = [str(self.counted(name, files)[outcome]) for name in self.scanners]
                rows.append([f"{_KINDS[kind]} ({len(files)}): called {outcome}", *counts])
        return _markdown(["", *self.scanners], rows)

    def _shares(self, title: str, chosen: Callable[[Placed], bool], outcome: str) -> str:
        families = self.families(chosen)
        groups = [*families.items(), ("all", [file for files in families.values() for file in files])]
        rows = []
        for family, files in groups:
            counts = [str(self.counted(name, files)[outcome]) for name in self.scanners]
            rows.append([family, str(len(files)), *counts])
        return _markdown([title, "files", *self.scanners], rows)


_KINDS = {
    "dangerous": "malicious",
    "harmless": "harmless",
    "unknown": "unknown code",
    "not scanned": "empty, cut off, pointer, ...",
}


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(header), ["---", *("--:" for _ in header[1:])], *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines[:1] + lines[2:]:
        line[:] = [line[0].ljust(widths[0]), *(map(str.rjust, line[1:], widths[1:]))]
    lines[1] = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
