"""A run of stages: what is written, in which order tools start, and what a defect or an interrupt does."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlsecops import chain, policy
from mlsecops import scan as evidence
from mlsecops.chain import Chain, Stage
from mlsecops.conclude import Question, conclude
from mlsecops.job import Context, InterruptedRunError, Job, Options, Parsed, Problem, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import LeftOut, Project, discover
from mlsecops.sarif.build import Json, Status
from mlsecops.sarif.files import read
from mlsecops.settling import let_stand_in
from support.contexts import toolbox


@dataclass(frozen=True)
class Fake:
    """A tool that looks at everything, and does something on the way."""

    name: str
    weight: float = 1.0
    act: Callable[[], object] = lambda: None
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset()
    timeout: float = 10.0
    unparsed: tuple[str, ...] = ()

    def run(self, job: Job) -> Parsed:
        self.act()
        problems = [Problem(uri, "unknown syntax", kind="unparsed") for uri in self.unparsed]
        read = frozenset(job.targets) - set(self.unparsed)
        return Parsed(looked_at=read, rules=[], results=[], canary=frozenset(), problems=problems)


@dataclass
class Watcher:
    """Notes what it is told."""

    seen: list[tuple[str, ...]] = field(default_factory=list)

    def started(self, stage: str, tool: str) -> None:
        self.seen.append(("started", stage, tool))

    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None:
        self.seen.append(("finished", stage, tool, status, reason))


def stage(*due: Scan | Skip, settle: Callable[[list[Json]], list[Json]] | None = None) -> Stage:
    def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
        return list(due)

    return Stage(plan, settle) if settle else Stage(plan)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text("x = 1\n", encoding="utf-8")
    return root


def make(root: Path, tmp_path: Path, cores: int = 1, policy: Policy | None = None) -> Chain:
    return Chain(
        project=discover(root),
        policy=policy or Policy(),
        options=Options(),
        toolbox=toolbox(tmp_path / "cache"),
        work=tmp_path / "work",
        keep=tmp_path / "out",
        cores=cores,
    )


def scan_of(tool: Fake) -> Scan:
    return Scan(tool, ("a.py",))


def test_each_stage_leaves_its_file_with_a_run_per_tool(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {
        "sast": stage(scan_of(Fake("one")), Skip("two", "no such thing")),
        "model": stage(Skip("x", "y")),
    }
    monkeypatch.setattr(chain, "STAGES", stages)
    watcher = Watcher()
    files = make(root, tmp_path).run(["sast", "model"], tmp_path / "out", watcher)
    assert [path.name for path in files] == ["sast.sarif", "model.sarif"]
    runs = read(files[0])["runs"]
    assert [run["tool"]["driver"]["name"] for run in runs] == ["one", "two"]
    assert [run["properties"]["mlsecops"]["status"] for run in runs] == ["passed", "skipped"]
    assert ("started", "sast", "one") in watcher.seen
    assert ("finished", "sast", "one", "passed", "") in watcher.seen
    assert ("finished", "sast", "two", "skipped", "no such thing") in watcher.seen


def test_the_longest_tool_starts_first(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = [Fake("short", 1.0), Fake("long", 9.0), Fake("middle", 5.0)]
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(*map(scan_of, tools))})
    watcher = Watcher()
    make(root, tmp_path).run(["sast"], tmp_path / "out", watcher)
    assert [each[2] for each in watcher.seen if each[0] == "started"] == ["long", "middle", "short"]


def test_tools_run_side_by_side_up_to_the_cores(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)
    tools = [Fake("one", act=both.wait), Fake("two", act=both.wait)]
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(*map(scan_of, tools))})
    files = make(root, tmp_path, cores=2).run(["sast"], tmp_path / "out", Watcher())
    assert {run["properties"]["mlsecops"]["status"] for run in read(files[0])["runs"]} == {"passed"}


def test_tools_that_wait_for_each_other_take_one_core(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = threading.Barrier(2, timeout=20)
    turn = threading.Lock()

    def taken() -> None:
        assert turn.acquire(blocking=False)
        beside.wait()
        turn.release()

    served = [scan_of(Fake(name, weight=9.0, act=taken)) for name in ("one", "two", "three")]
    others = [scan_of(Fake(name, act=beside.wait)) for name in ("four", "five", "six")]
    stages = {"dast": replace(stage(*served), in_turn=True), "sast": stage(*others)}
    monkeypatch.setattr(chain, "STAGES", stages)
    files = make(root, tmp_path, cores=2).run(["dast", "sast"], tmp_path / "out", Watcher())
    reasons = [run["properties"]["mlsecops"]["reason"] for file in files for run in read(file)["runs"]]
    assert reasons == [""] * 6


def test_tools_in_turn_and_side_by_side_together_keep_to_the_cores(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = threading.Lock()

    def alone() -> None:
        assert core.acquire(blocking=False)
        time.sleep(0.01)
        core.release()

    tools = [scan_of(Fake(name, act=alone)) for name in ("one", "two", "three")]
    stages = {"dast": replace(stage(*tools), in_turn=True), "sast": stage(*tools)}
    monkeypatch.setattr(chain, "STAGES", stages)
    files = make(root, tmp_path, cores=1).run(["dast", "sast"], tmp_path / "out", Watcher())
    reasons = [run["properties"]["mlsecops"]["reason"] for file in files for run in read(file)["runs"]]
    assert reasons == [""] * 6


def test_a_file_of_an_earlier_run_does_not_stay(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    out.mkdir()
    (out / "sast.sarif").write_text("old", encoding="utf-8")
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(scan_of(Fake("one", act=stop)))})
    with pytest.raises(InterruptedRunError, match="0 running tools were ended, no reports were written"):
        make(root, tmp_path).run(["sast"], out, Watcher())
    assert not (out / "sast.sarif").exists()


def test_a_defect_ends_one_tool_as_incomplete(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan(tool: Fake, targets: tuple[str, ...], context: Context) -> Json:
        if tool.name == "broken":
            raise FileNotFoundError("canary")
        return real(tool, targets, context)

    real = evidence.scan
    monkeypatch.setattr(chain, "scan", scan)
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(scan_of(Fake("sound")), scan_of(Fake("broken")))})
    files = make(root, tmp_path).run(["sast"], tmp_path / "out", Watcher())
    runs = read(files[0])["runs"]
    states = {run["tool"]["driver"]["name"]: run["properties"]["mlsecops"]["status"] for run in runs}
    assert states == {"sound": "passed", "broken": "incomplete"}


def test_a_stage_that_the_policy_switches_off_is_skipped(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(scan_of(Fake("one")))})
    policy = Policy(switched_off=frozenset({"sast"}))
    files = make(root, tmp_path, policy=policy).run(["sast"], tmp_path / "out", Watcher())
    own = read(files[0])["runs"][0]["properties"]["mlsecops"]
    assert (own["status"], own["reason"]) == ("skipped", "the policy switches the stage sast off")


def test_a_stage_settles_its_runs_at_the_end(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = stage(scan_of(Fake("one")), scan_of(Fake("two")), settle=lambda runs: runs[:1])
    monkeypatch.setattr(chain, "STAGES", {"sast": settled})
    files = make(root, tmp_path).run(["sast"], tmp_path / "out", Watcher())
    assert len(read(files[0])["runs"]) == 1


def test_what_a_neighbour_may_have_read_is_told_when_that_is_known(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mend(runs: list[Json]) -> list[Json]:
        return let_stand_in(runs, {"blind": "sound"})

    blind = Fake("blind", weight=2.0, unparsed=("a.py",))
    both = stage(scan_of(blind), scan_of(Fake("sound")), settle=mend)
    monkeypatch.setattr(chain, "STAGES", {"sast": both})
    watcher = Watcher()
    make(root, tmp_path).run(["sast"], tmp_path / "out", watcher)
    assert [each[2:] for each in watcher.seen if each[0] == "finished"] == [
        ("sound", "passed", ""),
        ("blind", "passed", ""),
    ]


def test_what_could_not_be_read_is_never_green(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "STAGES", {"sast": stage(scan_of(Fake("one")))})
    sound = make(root, tmp_path)
    row = LeftOut("locked-\udcff", "permission denied", 1, "unreadable")
    out = tmp_path / "out"
    question = Question(policy=Policy(), expected=["sast"], generated=datetime.now(UTC))
    sound.run(["sast"], out, Watcher())
    assert conclude(out, out, question).verdict.word == "passed"
    replace(sound, project=replace(sound.project, left_out=(row,))).run(["sast"], out, Watcher())
    verdict = conclude(out, out, question).verdict
    assert verdict.word == "incomplete"
    assert verdict.reason == "could not read locked-\\udcff (permission denied)"


def test_a_command_that_scans_nothing_starts_without_the_stages() -> None:
    listed = "import sys, mlsecops.cli; print(*(each for each in sys.modules if 'mlsecops.' in each))"
    started = subprocess.run([sys.executable, "-c", listed], check=True, capture_output=True, text=True)
    assert "mlsecops.github.cli" in started.stdout.split()
    assert not re.search(r"mlsecops\.(chain|stages|dast)\b", started.stdout)


def test_every_stage_that_a_policy_names_is_one() -> None:
    assert tuple(chain.STAGES) == policy.STAGES
