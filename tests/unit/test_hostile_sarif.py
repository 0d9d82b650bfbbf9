"""Whatever texts a SARIF file holds, every report that is made of it is well-formed and does nothing."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from corpus.chance import Chance
from mlsecops.chain import STAGES
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.findings.sightings import rule_text
from mlsecops.github import upload
from mlsecops.github.judgement import announce
from mlsecops.github.step import Step
from mlsecops.policy import Policy, Waiver
from mlsecops.report.explanation import finding_view, rule_view
from mlsecops.report.parts import Links
from mlsecops.report.terminal import verdict_view
from mlsecops.sarif.check import check
from mlsecops.sarif.files import read
from rich.console import Console
from support import hostile_sarif, inert

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
# From every text to one of many, so that what holds a report together is there too.
SHARES = (1, 2, 8, 40)
CASES = int(os.environ.get("MLSECOPS_CASES", "10000"))
# Four seeds plant some 1,200 texts.
SEEDS = range(4 * (1 + CASES // 1_100))


def chosen_by(seed: int) -> Callable[[], bool]:
    """Which places of a log get another text."""
    chance, share = Chance(f"places {seed}"), SHARES[seed % len(SHARES)]
    return lambda: chance.below(share) == 0


def concluded(folder: Path, seed: int, *, doubted: bool) -> Conclusion:
    """A run of which the texts come from strangers."""
    text, chosen = hostile_sarif.texts(seed), chosen_by(seed)
    stages = folder / "stages"
    stages.mkdir()
    for stage, sarif in [*hostile_sarif.results().items(), ("baseline", hostile_sarif.baseline())]:
        where = folder if stage == "baseline" else stages
        (where / f"{stage}.sarif").write_bytes(orjson.dumps(hostile_sarif.planted(sarif, text, chosen)[0]))
    question = Question(
        policy=Policy(waivers=tuple(waivers(stages, text)), source=text()),
        expected=tuple(STAGES),
        generated=NOW,
        project=text(),
        baseline=folder / "baseline.sarif",
        baseline_source=text(),
        absent={"dast": text()},
        doubts=[text()] if doubted else [],
        notices=[text()],
        links=Links(
            run="https://host.example/run", blob="https://host.example/blob/1", head=text(), rerun=text()
        ),
    )
    return conclude(stages, folder / "out", question)


def waivers(stages: Path, text: Callable[[], str]) -> list[Waiver]:
    """Waivers with a stranger's reasons, of the rules that are there and of none."""
    sarif = read(stages / "sast.sarif")
    rules = {str(each["ruleId"]) for each in sarif["runs"][0]["results"]}
    end = date(2026, 12, 31)
    return [
        *(Waiver(rule=each, path="**", reason=text(), expires=end) for each in sorted(rules)),
        Waiver(advisory=text(), package=text(), path=text(), reason=text(), expires=end),
        Waiver(rule=text(), path=text(), reason=text(), expires=date(2026, 1, 1)),
    ]


def announced(folder: Path, conclusion: Conclusion) -> str:
    """What a step of a workflow prints of it."""
    event = folder / "event.json"
    event.write_text(json.dumps({"ref": "refs/heads/main", "repository": {"default_branch": "main"}}))
    environ = {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_RUN_ID": "1",
    }
    out = io.StringIO()
    announce(Step.read(environ, out, tuple(STAGES)), conclusion)
    return out.getvalue()


def printed(conclusion: Conclusion, *, colours: bool, width: int) -> str:
    """What a person sees at the end of a run, and of each finding."""
    out = Console(file=io.StringIO(), force_terminal=colours, width=width, legacy_windows=False)
    out.print(verdict_view(conclusion.report, conclusion.verdict, conclusion.files))
    for finding in conclusion.report.findings:
        out.print(finding_view(finding, "mlsecops run ."))
    for each in read(conclusion.files["report.sarif"])["runs"]:
        for known in each["tool"]["driver"].get("rules", ()):
            out.print(rule_view(rule_text(known)))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("seed", SEEDS)
def test_hundreds_of_texts_in_every_place(tmp_path: Path, seed: int) -> None:
    conclusion = concluded(tmp_path, seed, doubted=seed % 3 == 0)

    texts = {name: path.read_text("utf-8") for name, path in conclusion.files.items()}
    inert.comment(texts["comment.md"])
    inert.summary(texts["summary.md"])
    data = inert.whole_page(texts["index.html"])
    assert len(data["findings"]) == len(conclusion.report.findings) + len(conclusion.report.fixed)
    json.loads(texts["report.json"])
    colours = seed % 2 == 0
    inert.terminal(printed(conclusion, colours=colours, width=40 + seed * 9), colours=colours)
    inert.log(announced(tmp_path, conclusion), {"error", "notice"})


def test_they_are_as_many_as_asked_for() -> None:
    sarif = {**hostile_sarif.results(), "baseline": hostile_sarif.baseline()}.values()
    counts = [
        hostile_sarif.planted(each, str, chosen_by(seed))[1] for seed in range(len(SHARES)) for each in sarif
    ]
    assert sum(counts) * len(SEEDS) // len(SHARES) >= CASES


@pytest.mark.parametrize("seed", SEEDS[3 :: len(SHARES)])
def test_what_code_scanning_gets_is_what_it_takes(tmp_path: Path, seed: int) -> None:
    conclusion = concluded(tmp_path, seed, doubted=False)

    uploaded = upload.write(
        sorted((tmp_path / "stages").iterdir()),
        (tmp_path / "one.sarif", tmp_path / "two.sarif"),
        report=conclusion.report,
        project="services/a",
    )

    assert all(check(read(path)) == [] for path in uploaded.files)
    assert uploaded.files
