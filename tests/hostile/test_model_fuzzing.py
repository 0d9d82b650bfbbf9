"""Mutated model files: what once went wrong stays right, and a few seconds of new ones in every run.

`tests/fuzz/models.py` goes on for as long as it is told to, and says how to repeat what it finds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import models
from fuzz.recipes import chosen, kept, recipe_of
from fuzz.starts import starts
from fuzz.watch import MEMORY, wrong
from mlsecops.models.inspection import Inspection
from mlsecops.models.outcome import Inspected

SEED = int(os.environ.get("MLSECOPS_FUZZ_SEED", "1"))
MINUTES = 5 / 60
TESTS = Path(__file__).parents[1]
# A reader that does what the first byte says, under the watcher that reads mutated files.
BAD_READER = """
import json, os, signal, socket, subprocess, sys
from pathlib import Path
from fuzz.watch import Guard, Watcher, put_under

class Bad:
    format = "bad"
    deeds = {
        "import": lambda: __import__("colorsys"),
        "exec": lambda: exec("1"),
        "open": lambda: open(sys.executable, "rb"),
        "write": lambda: open(folder / ".." / "x", "wb"),
        "socket": lambda: socket.create_connection(("127.0.0.1", 9), 0.1),
        "subprocess": lambda: subprocess.run(["echo"]),
        "system": lambda: os.system("echo"),
        "hang": lambda: [None for _ in iter(int, 1)],
        "memory": lambda: bytes(1 << 30),
        "defect": lambda: [][0],
        "scratch": lambda: (folder / "mine").write_bytes(b"1"),
        "nothing": lambda: None,
        "raise": lambda: signal.default_int_handler(2, None),
    }

    def recognises(self, head, source):
        return True

    def read(self, source, walk):
        self.deeds[source.at(0, 20).decode()]()

folder = Path(sys.argv[1])
watcher = Watcher(folder, Guard(folder), (Bad(),), seconds=0.2)
put_under(watcher)
for name in Bad.deeds:
    print(json.dumps([name, watcher.look(name.encode())["findings"]]), flush=True)
"""


def test_what_once_went_wrong_stays_right() -> None:
    figures = models.read(kept(models.SEEDS), 1.0, models.Figures())
    assert not figures.found, figures.found
    assert figures.files == len(kept(models.SEEDS))


def test_the_memory_of_who_starts_the_reading_is_not_counted() -> None:
    held = b"1" * (MEMORY + (100 << 20))
    figures = models.read(kept(models.SEEDS)[:1], 1.0, models.Figures())
    assert len(held) > MEMORY
    assert not figures.found, figures.found


def test_new_files_do_no_harm() -> None:
    figures = models.run(SEED, MINUTES, [str(SEED % 1000)])
    assert not figures.found, f"seed {SEED}: {figures.found}"
    assert figures.files > 20, f"seed {SEED}: {figures}"


def test_a_reader_that_does_harm_is_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BAD_READER, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(TESTS)},
        timeout=120,
    )
    found = dict(json.loads(line) for line in done.stdout.splitlines())
    for name in ("import", "exec", "open", "write", "socket", "subprocess", "system"):
        assert found[name][0].startswith("it causes "), found[name]
    assert found["hang"] == ["it takes too long"]
    assert found["memory"] == ["mlsecops itself failed to read it as bad (MemoryError)"]
    assert found["defect"] == ["mlsecops itself failed to read it as bad (IndexError)"]
    assert found["scratch"] == found["nothing"] == []
    assert "raise" not in found
    assert done.returncode != 0


def test_a_process_that_ends_is_a_finding_and_another_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_RENEWED", 1)
    unknown, known = recipe_of({"corpus": "1", "sample": "?", "mutations": ()}), kept(models.SEEDS)[0]
    figures = models.read([unknown, known], 1.0, models.Figures())
    assert [recipe for _, recipe in figures.found] == [unknown]
    assert "KeyError" in figures.found[0][0]
    assert figures.files == 2
    assert "2 files" in str(figures + models.Figures())


def test_processes_that_do_not_start_end_the_run() -> None:
    unknown = recipe_of({"corpus": "1", "sample": "?", "mutations": ()})
    with pytest.raises(RuntimeError, match="do not even start"):
        models.read([unknown] * 10, 1.0, models.Figures())


def test_what_no_outcome_may_be() -> None:
    assert wrong(Inspected(found=Inspection(formats=["zip"]))) == []
    assert wrong(Inspected(found=Inspection())) == ["it is harmless, and nobody knows its format"]


def test_a_recipe_makes_the_same_file_again() -> None:
    names = {"1": list(starts("1"))}
    first = [chosen(SEED, number, names) for number in range(40)]
    again = [recipe_of(json.loads(recipe.line())) for recipe in first]
    assert [each.data() for each in first] == [each.data() for each in again]
    assert len({each.data() for each in first}) > 20
    further = chosen(SEED, 1, names, first[:1] * 2)
    assert further.mutations[0] in (first[0].mutations[0], first[1].mutations[0])


def test_files_of_one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    names = models.samples(["1"], "GGUF")
    assert 0 < len(names["1"]) < len(starts("1")) / 4
