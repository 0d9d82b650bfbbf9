"""The processes that read model files: dealt out, started anew where one breaks, never silently short."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import Job, Parsed, ToolError
from mlsecops.model_scanning.processes import Crew, Readings, share
from mlsecops.models import worker
from mlsecops.models.outcome import Inspected
from mlsecops.programs import each_file
from support.contexts import context

# Does what the name of each file says, in the place of the interpreter that reads model files.
PROGRAM = """#!{python}
import json, os, signal, sys, time
order, output = json.load(open(sys.argv[-2])), sys.argv[-1]
with open(output, "w") as out:
    for path in order["files"]:
        name = os.path.basename(path)
        if name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        elif name.startswith("half"):
            out.write('{{"path": ')
            out.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        elif name.startswith("hang"):
            time.sleep(60)
        elif name.startswith("exit"):
            sys.exit("it gave up")
        elif name.startswith("garbage"):
            out.write("<html>\\n")
        elif not name.startswith("skip"):
            out.write(json.dumps({{"path": path, "said": len(name)}}) + "\\n")
        out.flush()
"""


@dataclass(frozen=True)
class Idle:
    """A tool that is only there to have a name."""

    name: str = "idle"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset()
    weight: float = 0.0
    timeout: float = 60.0

    def run(self, job: Job) -> Parsed:
        raise NotImplementedError


@pytest.fixture(name="crew")
def _crew(tmp_path: Path) -> Crew[int]:
    (tmp_path / "project").mkdir()
    (tmp_path / "work").mkdir()
    shared = context("model", tmp_path / "project", tmp_path)
    job = Job(tool=Idle(), context=shared, targets=(), work=tmp_path / "work")
    program = tmp_path / "python"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return Crew(
        job=job,
        python=str(program),
        program="any",
        parse=lambda line: int(line["said"]),
        processes=1,
        seconds=30.0,
        order={"known": []},
    )


def read(crew: Crew[int], tmp_path: Path, *names: str) -> Readings[int]:
    paths = []
    for size, name in enumerate(reversed(names)):
        path = tmp_path / name
        path.write_bytes(b"x" * size)  # the largest comes first
        paths.append(str(path))
    return crew.read(paths, str(tmp_path / "canary.pkl"))


def test_all_is_read_and_the_canary_with_it(crew: Crew[int], tmp_path: Path) -> None:
    seen = read(crew, tmp_path, "a", "b")
    assert set(seen.read) == {str(tmp_path / "a"), str(tmp_path / "b")}
    assert seen.read[str(tmp_path / "a")] == 1
    assert len(seen.canaries) == 1
    assert seen.lost == {}


def test_without_files_the_canary_is_read(crew: Crew[int]) -> None:
    seen = crew.read([], "canary.pkl")
    assert (seen.read, len(seen.canaries)) == ({}, 1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash", "it broke the reader: it was ended by signal 11"),
        ("half", "it broke the reader: it was ended by signal 9"),
        ("exit", "it broke the reader: it ended with exit code 1: it gave up"),
    ],
)
def test_a_file_that_breaks_the_reader_costs_itself_alone(
    crew: Crew[int], tmp_path: Path, name: str, reason: str
) -> None:
    seen = read(crew, tmp_path, "a", f"{name}1", "b", f"{name}2", "c")
    assert {Path(path).name for path in seen.read} == {"a", "b", "c"}
    assert {Path(path).name: why for path, why in seen.lost.items()} == {
        f"{name}1": reason,
        f"{name}2": reason,
    }
    assert len(seen.canaries) == 3


def test_the_last_file_may_break_it_too(crew: Crew[int], tmp_path: Path) -> None:
    seen = read(crew, tmp_path, "a", "crash")
    assert len(seen.canaries) == 1
    assert set(seen.lost) == {str(tmp_path / "crash")}


def test_where_the_time_runs_out_the_rest_is_lost(crew: Crew[int], tmp_path: Path) -> None:
    seen = read(replace(crew, seconds=1.0), tmp_path, "a", "hang", "b")
    assert {Path(path).name for path in seen.read} == {"a"}
    assert {Path(path).name: why for path, why in seen.lost.items()} == {
        "hang": "it broke the reader: it did not end within 1 s and was stopped",
        "b": "there was no time left to read it",
    }


def test_a_file_that_is_passed_over_is_lost(crew: Crew[int], tmp_path: Path) -> None:
    seen = read(crew, tmp_path, "a", "skip", "b")
    assert seen.lost == {str(tmp_path / "skip"): "the reader passed it over"}


@pytest.mark.parametrize(
    ("canary", "reason"),
    [("crash", "signal 11"), ("exit", "exit code 1"), ("garbage", "its output cannot be read")],
)
def test_a_reader_that_does_not_get_beyond_the_canary_is_broken(
    crew: Crew[int], tmp_path: Path, canary: str, reason: str
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ToolError, match=reason):
        crew.read([str(tmp_path / "a")], canary)


def test_an_interpreter_that_is_missing(crew: Crew[int]) -> None:
    with pytest.raises(ToolError, match="it is missing"):
        replace(crew, python=f"{crew.python}-none").read([], "canary")


def test_few_small_files_are_one_share_and_large_ones_are_spread(tmp_path: Path) -> None:
    paths = []
    for number, size in enumerate((40 << 20, 30 << 20, 20 << 20, 1, 1)):
        path = tmp_path / str(number)
        with path.open("wb") as stream:
            stream.truncate(size)
        paths.append(str(path))
    assert share(paths[3:], 8, 100) == [paths[3:]]
    assert share([], 8, 100) == [[]]
    spread = share([*paths, str(tmp_path / "missing")], 2, 100)
    assert sorted(path for part in spread for path in part) == sorted([*paths, str(tmp_path / "missing")])
    assert [paths[0] in part for part in spread] == [True, False]
    assert [paths[1] in part for part in spread] == [False, True]
    assert len(share(paths, 8, 100)) == 3
    assert len(share([f"{tmp_path}/none{number}" for number in range(250)], 8, 100)) == 3


def test_many_shares_are_read_side_by_side(crew: Crew[int], tmp_path: Path) -> None:
    names = [f"file{number}" for number in range(250)]
    seen = read(replace(crew, processes=2), tmp_path, *names)
    assert (len(seen.read), len(seen.canaries)) == (250, 2)


class TestWorker:
    @staticmethod
    def run(tmp_path: Path, *files: Path, known: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        order, lines = tmp_path / "order.json", tmp_path / "lines.json"
        settings = {"scratch": str(tmp_path), "seconds": 30.0, "rate": 1, "memory": 1 << 40, "known": known}
        order.write_text(json.dumps({"files": [str(file) for file in files], **settings}))
        assert worker.main([str(order), str(lines)]) == 0
        return [json.loads(line) for line in lines.read_text().splitlines()]

    @pytest.fixture(autouse=True)
    def _harmless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No limits and no hook that would stay with the process of the tests."""
        monkeypatch.setattr("mlsecops.programs.each_file.resource.setrlimit", lambda kind, limits: None)
        monkeypatch.setattr("sys.addaudithook", lambda hook: None)

    def test_a_line_for_each_file(self, tmp_path: Path) -> None:
        odd = tmp_path / os.fsdecode(b"odd \xff\n")
        odd.write_bytes(b"nothing known")
        lines = self.run(tmp_path, odd, tmp_path / "missing")
        assert [line["path"] for line in lines] == [str(odd), str(tmp_path / "missing")]
        assert [Inspected.from_json(line).reason for line in lines] == [
            "its format is not known",
            "it cannot be read: No such file or directory",
        ]
        assert lines[1]["mark"] == ""

    def test_what_an_earlier_run_has_read_is_only_hashed(self, tmp_path: Path) -> None:
        content = b"nothing known"
        (tmp_path / "file").write_bytes(content)
        digest = sha256(content).hexdigest()
        [line] = self.run(tmp_path, tmp_path / "file", known=(digest,))
        seen = Inspected.from_json(line)
        assert (seen.known, seen.sha256, seen.found.unread) == (True, digest, [])

    def test_a_system_without_limits(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(kind: int, limits: tuple[int, int]) -> None:
            raise ValueError

        monkeypatch.setattr("mlsecops.programs.each_file.resource.setrlimit", refuse)
        assert self.run(tmp_path) == []

    def test_a_file_has_its_time(self, tmp_path: Path) -> None:
        def endless(path: Path) -> dict[str, str]:
            while True:
                pass

        line = each_file.timed(endless, lambda reason: {"said": reason}, tmp_path / "missing", 0.2, 1)
        assert line == {"said": "it took more than 0 s to read"}

    def test_what_took_too_long_is_not_scanned(self) -> None:
        seen = Inspected.from_json(worker.late("it took more than 0 s to read"))
        assert (seen.outcome, seen.reason) == ("not scanned", "it took more than 0 s to read")

    @pytest.mark.parametrize(
        "event", ["os.system", "subprocess.Popen", "socket.connect", "pickle.find_class"]
    )
    def test_nothing_of_a_file_can_be_brought_about(self, event: str) -> None:
        with pytest.raises(RuntimeError, match=event):
            each_file.forbid(event, ())

    def test_reading_is_allowed(self) -> None:
        each_file.forbid("open", ("file", "r", 0))
