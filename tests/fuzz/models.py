"""Hands mutated model files to our readers: none may crash, hang, grow, import, run or open anything.

`.venv-dev/bin/python tests/fuzz/models.py --minutes 30 --seed 1` goes on for so many minutes of the
processor's time and ends 1 when something was found: each recipe is printed as it comes, and the files are
kept below `--out` at the end. `--reader zip` begins with files that this reader knows, `--real` adds what
real libraries saved, `--replay` reads the files of `seeds.json` again. With Python 3.12 or later the lines
that run lead the way: half of the files are further mutations of those that brought new ones to run.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from mlsecops.models.inspect import inspect
from mlsecops.models.readers import READERS

from fuzz.recipes import Recipe, chosen, kept
from fuzz.starts import REAL, starts

SEEDS = Path(__file__).with_name("seeds.json")
_RENEWED = 3000  # files after which a process is replaced, so that what it keeps does not add up
_CORPORA = 4
_SLOWEST, _KEPT = 8, 200
_AT_ONCE = 3  # files in a row that may end a process before it has read any


@dataclass(slots=True)
class Figures:
    """What a run came to."""

    files: int = 0
    processor: float = 0.0
    peak: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, Recipe]] = field(default_factory=list)
    found: list[tuple[str, Recipe]] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    telling: list[Recipe] = field(default_factory=list)  # those that brought new lines of ours to run

    def add(self, recipe: Recipe, seen: Mapping[str, Any]) -> None:
        """Count one file."""
        self.files += 1
        self.processor += seen["seconds"]
        self.peak = max(self.peak, seen["peak"])
        self.formats.update(set(seen["formats"]))
        if not self.lines.issuperset(seen["new"]):
            self.lines.update(seen["new"])
            self.telling.append(recipe)
        for each in seen["findings"]:
            print(f"FOUND: {each}\n    {recipe.line()}", flush=True)
            self.found.append((each, recipe))
        self.slowest = sorted([*self.slowest, (seen["seconds"], recipe)], key=lambda each: -each[0])[
            :_SLOWEST
        ]

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(
            self.files + other.files,
            self.processor + other.processor,
            max(self.peak, other.peak),
            self.formats + other.formats,
            sorted(self.slowest + other.slowest, key=lambda each: -each[0])[:_SLOWEST],
            self.found + other.found,
            self.lines | other.lines,
            self.telling + other.telling,
        )

    def __str__(self) -> str:
        """Lines for a person."""
        told = f", {len(self.lines):,} lines run, {len(self.telling):,} files brought new ones"
        lines = [
            f"{self.files:,} files in {self.processor / 60:.1f} processor minutes, peak {self.peak >> 20} MB"
            + told * bool(self.lines),
            ", ".join(f"{name} {number:,}" for name, number in self.formats.most_common()),
            *(f"slow: {seconds:.2f} s {recipe}" for seconds, recipe in self.slowest[:3]),
            f"{len(self.found)} findings",
        ]
        return "\n".join(lines)


def read(recipes: Iterable[Recipe], minutes: float, figures: Figures) -> Figures:
    """Have files read, one after another, until so many minutes of the processor have gone; count them.

    Raises RuntimeError when processes end over the first file again and again.
    """
    ahead, at_once = iter(recipes), 0
    while figures.processor < minutes * 60:
        before = figures.files
        how = _read_some(ahead, minutes, figures)
        if figures.files == before:
            break
        at_once = at_once + 1 if how and figures.files == before + 1 else 0
        if at_once > _AT_ONCE:
            raise RuntimeError(f"the processes that read do not even start: {how}")
    return figures


def _read_some(recipes: Iterator[Recipe], minutes: float, figures: Figures) -> str:
    """Have one process read, as long as it shall; return how it ended before that, "" if it did not."""
    command = [sys.executable, str(Path(__file__).with_name("watch.py"))]
    with (
        tempfile.TemporaryDirectory(prefix="mlsecops-fuzz-") as folder,
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(
            [*command, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env=unmeasured(),
        ) as process,
    ):
        for number, recipe in enumerate(recipes, 1):
            answer = _asked(process, recipe)
            if not answer:
                process.wait()
                told.seek(0)
                how = f"it ends the process ({process.returncode}): {told.read()[-1500:]}"
                figures.add(recipe, {"findings": [how], "seconds": 0.0, "peak": 0, "new": (), "formats": ()})
                return how
            figures.add(recipe, json.loads(answer))
            if figures.processor > minutes * 60 or number >= _RENEWED:
                break
        process.communicate()
    return ""


def unmeasured() -> dict[str, str]:
    """The environment without what measures coverage: reading under it takes several times as long."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def _asked(process: subprocess.Popen[str], recipe: Recipe) -> str:
    """The answer for a file, "" where the process has ended."""
    assert process.stdin
    assert process.stdout
    with suppress(BrokenPipeError):
        process.stdin.write(recipe.line() + "\n")
        process.stdin.flush()
    return process.stdout.readline()


def samples(corpora: Iterable[str], reader: str) -> dict[str, list[str]]:
    """The names in each corpus, of all files or of those in which a reader finds its format."""
    with tempfile.TemporaryDirectory(prefix="mlsecops-fuzz-") as folder:
        path = Path(folder) / "input"

        def has(data: bytes) -> bool:
            path.write_bytes(data)
            return reader in inspect(path, readers=READERS, scratch=Path(folder), hashing=False).found.formats

        names = {
            each: [name for name, data in starts(each).items() if not reader or has(data)] for each in corpora
        }
    return {corpus: some for corpus, some in names.items() if some}


def run(seed: int, minutes: float, corpora: Sequence[str], *, reader: str = "", jobs: int = 1) -> Figures:
    """Read mutated files of the corpora in several processes. Raises IndexError if no file has the format."""
    names = samples(corpora, reader)

    def one(job: int) -> Figures:
        figures = Figures()
        recipes = (chosen(seed, number, names, figures.telling) for number in count(job, jobs))
        return read(recipes, minutes / jobs, figures)

    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(one, range(jobs)), Figures())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, keep what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--reader", default="", choices=["", *sorted({each.format for each in READERS})])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("mlsecops-report/fuzz"))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    if options.replay:
        figures = read(kept(SEEDS), float("inf"), Figures())
    else:
        corpora = [str(options.seed % 1000 + number) for number in range(_CORPORA)] + [REAL] * options.real
        figures = run(options.seed, options.minutes, corpora, reader=options.reader, jobs=options.jobs)
    print(figures)
    for number, (text, recipe) in enumerate(figures.found[:_KEPT]):
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{options.seed}-{number}").write_bytes(recipe.data())
        (options.out / f"{options.seed}-{number}.txt").write_text(
            f"{text}\n{recipe.line()}\n", encoding="utf-8"
        )
    return 1 if figures.found else 0


if __name__ == "__main__":
    sys.exit(main())
