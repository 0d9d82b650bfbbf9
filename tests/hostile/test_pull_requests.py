"""Hostile pull requests: each is judged as on GitHub, by the policy and the baseline of the base.

None passes, none writes anything outside the output folder, and each that hides a weakness is shown with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hostile.attacks import containers, dependencies, model_files, source
from hostile.attacks.attack import Attack
from mlsecops.chain import STAGES, write_atomically
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Scan
from mlsecops.policy import Policy
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.scan import scan
from support import small_project
from support.contexts import context
from support.markup import render

ATTACKS: Mapping[str, Attack] = {
    f"{family}-{name}": attack
    for family, attacks in (
        ("source", source.ATTACKS),
        ("container", containers.ATTACKS),
        ("model", model_files.ATTACKS),
        ("dependencies", dependencies.ATTACKS),
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
def _cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is asked, and what earlier runs remember of models does not count."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("CI", "true")


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
    """All that lies below a folder, with the hash of what is in it."""
    return {path: _hash(path) for path in folder.rglob("*")}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""


@pytest.mark.parametrize("name", ATTACKS)
def test_it_does_not_get_past_the_gate(name: str, base: Base, tmp_path: Path) -> None:
    attack = ATTACKS[name]
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
    assert attack.says in " ".join(told), told
    ours = {tmp_path / "out", tmp_path / "scratch"}
    after = everything(tmp_path).items()
    assert {path: digest for path, digest in after if ours.isdisjoint([path, *path.parents])} == before
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
