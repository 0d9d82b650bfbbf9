"""What a question says about stages, doubts and the baseline reaches every report that people read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from mlsecops.conclude import WRITTEN, Conclusion, Question, conclude
from mlsecops.policy import Policy
from mlsecops.report.terminal import verdict_view
from mlsecops.sarif.files import SarifError, read, write
from rich.console import Console
from support.sarif_logs import log, result, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def concluded(folder: Path, *, expected: tuple[str, ...] = ("sast",), **changes: Any) -> Conclusion:
    if not (folder / "sast.sarif").exists():
        write(folder / "sast.sarif", log(run("sast", "bandit")))
    question = Question(policy=Policy(), expected=expected, generated=NOW, **changes)
    return conclude(folder, folder / "out", question)


def texts(conclusion: Conclusion) -> dict[str, str]:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(verdict_view(conclusion.report, conclusion.verdict, conclusion.files))
    written = {name: path.read_text(encoding="utf-8") for name, path in conclusion.files.items()}
    del written["report.sarif"]
    return {**written, "terminal": captured.get()}


def test_a_sound_stage_passes_and_every_report_is_written(tmp_path: Path) -> None:
    conclusion = concluded(tmp_path)

    assert conclusion.verdict.word == "passed"
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(WRITTEN)


def test_why_a_stage_is_absent_is_said_everywhere(tmp_path: Path) -> None:
    conclusion = concluded(tmp_path, expected=("sast", "sca"), absent={"sca": "its job was cancelled"})

    assert conclusion.verdict.reason == "sca: its job was cancelled"
    for name, text in texts(conclusion).items():
        assert "its job was cancelled" in text, name


def test_a_doubt_keeps_it_from_passing_and_is_said_everywhere(tmp_path: Path) -> None:
    doubt = "the policy of the base commit cannot be read"

    conclusion = concluded(tmp_path, doubts=[doubt, "something else is amiss"])

    assert (conclusion.verdict.word, conclusion.verdict.exit_code) == ("incomplete", 3)
    for name, text in texts(conclusion).items():
        assert doubt in text, name
        assert "something else is amiss" in text, name


def test_notices_are_said_with_the_others(tmp_path: Path) -> None:
    conclusion = concluded(tmp_path, notices=["code scanning is off"])

    assert conclusion.verdict.word == "passed"
    assert conclusion.report.notices == ("code scanning is off",)


@pytest.mark.parametrize(("source", "said"), [(None, "old.sarif"), ("main@9d01e77", "main@9d01e77")])
def test_the_baseline_is_called_by_its_source_or_its_file(
    tmp_path: Path, source: str | None, said: str
) -> None:
    write(tmp_path / "old.sarif", log(run("sast", "bandit", [result("B301")])))

    conclusion = concluded(tmp_path, baseline=tmp_path / "old.sarif", baseline_source=source)

    assert conclusion.report.baseline is not None
    assert conclusion.report.baseline.source == said
    assert len(conclusion.report.fixed) == 1
    assert orjson.loads(conclusion.files["report.json"].read_bytes())["baseline"]["source"] == said


def test_a_result_that_cannot_be_read_makes_its_stage_incomplete(tmp_path: Path) -> None:
    (tmp_path / "sast.sarif").write_text("{", encoding="utf-8")

    conclusion = concluded(tmp_path)

    assert conclusion.verdict.word == "incomplete"
    assert conclusion.verdict.reason.startswith("sast: its result cannot be read: ")


@pytest.mark.parametrize(
    "own", [7, [], {"left-out": 7}, {"left-out": [7, "a"]}, {"left-out": None, "project": []}]
)
def test_what_a_log_says_as_a_whole_may_be_anything(tmp_path: Path, own: Any) -> None:
    write(tmp_path / "sast.sarif", {**log(run("sast", "bandit")), "properties": {"mlsecops": own}})

    assert concluded(tmp_path).report.left_out == ()


def test_a_baseline_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SarifError, match="cannot be read"):
        concluded(tmp_path, baseline=tmp_path / "none.sarif")


def test_the_report_that_is_replaced_may_be_the_history(tmp_path: Path) -> None:
    first = concluded(tmp_path)
    later = concluded(tmp_path, history=[tmp_path / "out"])
    assert "Open findings of the last" not in texts(later)["index.html"]  # the same moment is the same run

    earlier = texts(first)["report.json"].replace("2026-11-20T", "2026-11-19T")
    (tmp_path / "out" / "report.json").write_text(earlier, encoding="utf-8")
    again = concluded(tmp_path, history=[tmp_path / "out"])
    assert "Open findings of the last 2 runs" in texts(again)["index.html"]


def test_every_run_stays_to_be_compared_with(tmp_path: Path) -> None:
    """GitHub takes twenty in one file; a baseline without the rest would make all of its findings new."""
    every = [run("sast", f"tool-{number}", [result("eval", line=number)]) for number in range(1, 31)]
    write(tmp_path / "sast.sarif", log(*every))
    first = concluded(tmp_path)
    assert len(orjson.loads(first.files["report.sarif"].read_bytes())["runs"]) == 30
    again = concluded(tmp_path, baseline=first.files["report.sarif"].rename(tmp_path / "base.sarif"))
    assert {each.state for each in again.report.findings} == {"unchanged"}


def test_the_merged_log_says_what_is_new_and_is_itself_a_baseline(tmp_path: Path) -> None:
    def baseline_states(conclusion: Conclusion) -> dict[str, str | None]:
        (merged,) = read(conclusion.files["report.sarif"])["runs"]
        return {each["ruleId"]: each.get("baselineState") for each in merged["results"]}

    lines = {"B301": 1, "B102": 2}
    text = {"app.py": "a()\nb()\n"}

    def scanned(name: str, *rules: str, before: Conclusion | None = None) -> Conclusion:
        results = [result(each, line=lines[each]) for each in rules]
        (tmp_path / name).mkdir()
        write(tmp_path / name / "sast.sarif", log(run("sast", "bandit", results, files=text)))
        return concluded(tmp_path / name, baseline=before.files["report.sarif"] if before else None)

    then = scanned("then", "B301")
    now = scanned("now", "B301", "B102", before=then)
    later = scanned("later", "B102", before=now)

    assert baseline_states(then) == {"B301": None}
    assert baseline_states(now) == {"B301": "unchanged", "B102": "new"}
    # What is fixed is told in the reports, and is no result: readers that know no states would show it.
    assert baseline_states(later) == {"B102": "unchanged"}
    assert [each.rule_id for each in later.report.fixed] == ["B301"]


def test_a_result_that_cannot_be_read_is_told_without_where_it_lies_on_the_machine(tmp_path: Path) -> None:
    (tmp_path / "sast.sarif").write_text("{")

    conclusion = concluded(tmp_path)

    assert conclusion.verdict.reason.startswith(
        "sast: its result cannot be read: sast.sarif is not whole JSON"
    )
    for name, text in texts(conclusion).items():
        assert str(tmp_path / "sast.sarif") not in text, name
