"""Hostile pull requests: each is judged as on GitHub, by the policy and the baseline of the base.

None passes, none writes anything outside the output folder, and each that hides a weakness is shown with it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hostile.attacks import containers, dependencies, model_files, source, tests_that_lie
from hostile.attacks.attack import Attack
from hostile.attacks.tests_that_lie import SECRET
from mlsecops.chain import STAGES, write_atomically
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Scan
from mlsecops.policy import Policy
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.scan import scan
from mlsecops.toolbox import cache_folder
from support import services, small_project
from support.contexts import context
from support.markup import render

ATTACKS: Mapping[str, Attack] = {
    f"{family}-{name}": attack
    for family, attacks in (
        ("source", source.ATTACKS),
        ("container", containers.ATTACKS),
        ("model", model_files.ATTACKS),
        ("dependencies", dependencies.ATTACKS),
        ("tests", tests_that_lie.ATTACKS),
    )
    for name, attack in attacks.items()
}


# The advisories that are shipped are old, and nothing newer can be had here.
POLICY = Policy(max_data_age=timedelta(days=36_500))


@dataclass
class Base:
    """Reports of the clean project, one for each group of tools, made when they are first asked for."""

    folder: Path
    reports: dict[tuple[str, ...], Path] = field(default_factory=dict)

    def report(self, attack: Attack) -> Path:
        """What the base branch's run left."""
        if attack.tools not in self.reports:
            root = small_project.make(self.folder / "-".join(attack.tools) / "project")
            self.reports[attack.tools] = judged(root, attack, None).files["report.sarif"]
        return self.reports[attack.tools]


@pytest.fixture(name="base", scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A runner with a user's folder and secrets; no index is asked, and no earlier run counts."""
    monkeypatch.setenv("MLSECOPS_CACHE", str(cache_folder()))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("CI", "true")
    for name in ("env", "path", "output", "step_summary"):
        (tmp_path / "runner").mkdir(exist_ok=True)
        (tmp_path / "runner" / name).write_text("")
        monkeypatch.setenv(f"GITHUB_{name.upper()}", str(tmp_path / "runner" / name))
    (tmp_path / "home").mkdir()
    for name in (".netrc", ".profile"):
        (tmp_path / "home" / name).write_text(f"# {SECRET}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("UV_CACHE_DIR", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "scratch" / name))
    for name in ("GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)


@pytest.fixture(autouse=True, scope="module")
def _neighbour() -> Iterator[None]:
    """A process of the same user, with a secret in its variables."""
    with subprocess.Popen(["/bin/sleep", "600"], env={**os.environ, "TOKEN": SECRET}) as process:
        yield
        process.kill()


def judged(root: Path, attack: Attack, baseline: Path | None) -> Conclusion:
    """What the attacked tools and the gate make of a project, by the policy of the base."""
    around = context(attack.stage, root, root.parent / "scratch", policy=POLICY)
    plan = STAGES[attack.stage].plan(around.project, around.policy, around.options)
    due = [each for each in plan if isinstance(each, Scan) and each.tool.name in attack.tools]
    runs = STAGES[attack.stage].settle([scan(each.tool, each.targets, around) for each in due])
    left_out = [
        {"path": each.path, "reason": each.reason, "files": each.files, "kind": each.kind}
        for each in around.project.left_out
    ]
    log: Json = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": runs,
        "properties": {"mlsecops": {"project": "small", "left-out": left_out}},
    }
    out = root.parent / "out"
    (out / "stages").mkdir(parents=True)
    write_atomically(out / "stages" / f"{attack.stage}.sarif", log)
    question = Question(
        policy=POLICY, expected=[attack.stage], generated=datetime.now(UTC), baseline=baseline
    )
    return conclude(out / "stages", out, question)


def everything(folder: Path) -> dict[Path, str]:
    """All that lies below a folder but the output and the scratch folder, with the hash of what is in it."""
    tops = [each for each in folder.iterdir() if each.name not in {"out", "scratch"}]
    return {path: _hash(path) for top in tops for path in (top, *top.rglob("*"))}


def apart() -> dict[str, Attack]:
    """What is judged by itself: each attack, but those that are joined as one."""
    joined = [each for each in ATTACKS.values() if each.joined]
    files = {name: content for each in joined for name, content in each.files.items()}
    alone = {name: each for name, each in ATTACKS.items() if not each.joined}
    return {**alone, "joined": replace(joined[0], files=files)}


def reports(folder: Path) -> list[Path]:
    """All that a run leaves for people and machines."""
    return [each for name in ("out", "scratch/keep") for each in (folder / name).rglob("*") if each.is_file()]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""


@pytest.mark.parametrize("name", apart())
def test_it_does_not_get_past_the_gate(name: str, base: Base, tmp_path: Path) -> None:
    attack = apart()[name]
    baseline = base.report(attack)
    root = small_project.make(tmp_path / "project")
    attack.apply(root)
    before = everything(tmp_path)

    conclusion = judged(root, attack, baseline)

    told = [condition.text for condition in conclusion.verdict.conditions]
    assert conclusion.verdict.word == attack.word, told
    if attack.sees:
        seen = [each.rule_id for each in conclusion.report.findings if each.open and each.state == "new"]
        assert any(attack.sees in rule for rule in seen), (seen, told)
        messages = [each.message for each in conclusion.report.findings]
        assert len(seen) == 1 or not attack.joined, messages
    assert attack.says in " ".join(told), told
    work = tmp_path / "scratch" / "work"
    assert not [each for each in work.glob("*") if not each.name.startswith(f"{attack.stage}-")]
    assert not services.processes(tmp_path)
    assert SECRET.encode() not in b"".join(each.read_bytes() for each in reports(tmp_path))
    assert everything(tmp_path) == before
    comment = conclusion.files["comment.md"].read_text(encoding="utf-8")
    shown = render(comment)
    assert (shown.links, shown.images, shown.references) == ([], [], [])
    assert "\n::" not in comment
    assert "\x1b" not in comment


def test_the_clean_project_passes(base: Base) -> None:
    for attack in {each.tools: each for each in ATTACKS.values() if each.stage != "sca"}.values():
        report = base.report(attack).with_name("report.json").read_text(encoding="utf-8")
        assert '"word": "passed"' in report, report


def test_there_are_many() -> None:
    assert len(ATTACKS) >= 60
    assert all(attack.tries for attack in ATTACKS.values())


def test_the_threat_model_names_each_of_them_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert {
        name.strip("| `"): (tries, outcome.split(",")[0].strip(" |")) for name, tries, outcome in rows
    } == {name: (attack.tries, attack.word) for name, attack in ATTACKS.items()}
