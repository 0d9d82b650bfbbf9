from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.findings import Report
from mlsecops.report.progress import worst_of
from mlsecops.report.terminal import Progress, verdict_view
from mlsecops.verdict import Condition, Verdict
from rich.console import Console
from support import hostile_reports, inert
from support.hostile_text import hostile
from support.markup import BREAK
from support.reports import blocked, finding, incomplete, many, passed, report, rich_report, stage, tool

# What rich itself writes: colours, and for the live view cursor moves and line erasing.
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def console(*, terminal: bool = False, width: int = 110) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, legacy_windows=False)


def output(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def shown(whole: Report, verdict: Verdict, files: dict[str, Path] | None = None, limit: int = 10) -> str:
    out = console()
    out.print(verdict_view(whole, verdict, files, limit=limit))
    return output(out)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sends_nothing(
    whole: Report, verdict: Verdict, files: Mapping[str, Path], *, terminal: bool, width: int
) -> None:
    """Whether a terminal gets no sequence but colours, and a log no command."""
    out = console(terminal=terminal, width=width)
    out.print(verdict_view(whole, verdict, files))
    inert.terminal(output(out), colours=terminal)


class TestVerdictView:
    def test_says_verdict_reason_conditions_and_files(self) -> None:
        text = shown(*rich_report(), {"page": Path("out/index.html"), "SARIF": Path("out/report.sarif")})
        assert " BLOCKED  3 new findings at or above high" in text
        assert "  · model: modelscan: looked at 2 of 3, not at models/forecast.onnx" in text
        assert re.search(r"page +out/index\.html", text)
        assert re.search(r"SARIF +out/report\.sarif", text)

    def test_says_what_each_tool_did_and_why_not(self) -> None:
        text = shown(*rich_report())
        assert re.search(r"sca +pip-audit 1\.2\.3 +● findings +61 of 61 +2026-11-20 +6\.1 s", text)
        assert "✘ model / modelscan: looked at 2 of 3, not at models/forecast.onnx" in text
        assert "– container / hadolint: no Dockerfile in the repository" in text

    def test_a_reason_that_tools_of_a_stage_share_is_said_once(self) -> None:
        idle = [tool(name, "container", status="skipped", reason="no engine") for name in ("a", "b", "c")]
        text = shown(report(stages=(stage("container", *idle),)), passed())
        assert "container / a, b, c: no engine\n" in text
        assert text.count("no engine") == 1

    def test_a_canary_that_was_not_found_is_said(self) -> None:
        blind = stage(
            "sast", tool("bandit", "sast", status="incomplete", canary="not found", reason="bandit: blind")
        )
        assert "12 of 12, canary not found" in shown(report(stages=(blind,)), incomplete())

    def test_shows_new_findings_with_their_fix(self) -> None:
        text = shown(*rich_report())
        assert "New findings (5)" in text
        assert "critical Code runs when the model is loaded" in text
        assert "models/forecast.pkl:1 (archive/data.pkl)" in text
        assert "fix: upgrade `flask` to `2.2.5` or `2.3.2`" in text
        assert "known to be exploited" in text
        assert "src/service/app.py:13 and 2 more places" in text

    def test_counts_the_others(self) -> None:
        text = shown(*rich_report())
        for name, words in (
            ("unchanged", r"17 \(4 critical, 4 high, 5 medium, 4 low\)"),
            ("fixed", r"1 \(1 high\)"),
            ("waived", r"2 \(2 high\)"),
            ("suppressed in files", r"2 \(2 high\)"),
            ("expired waivers", "1"),
            ("unused waivers", "1"),
            ("files left out", "1,701"),
        ):
            assert re.search(rf"^{name} +{words}", text, re.MULTILINE)

    def test_at_most_the_limit(self) -> None:
        text = shown(*many(100), limit=3)
        assert text.count("found by") == 3
        assert "and 63 more, in the reports" in text

    def test_a_missing_baseline_is_said(self) -> None:
        text = shown(report([finding(state=None)], baseline=None), blocked(finding()))
        assert "! there is no baseline to compare with" in text
        assert "Findings (1)" in text
        assert "New findings" not in text

    def test_of_nothing_is_short(self) -> None:
        text = shown(report(), passed())
        assert " PASSED  every stage finished, with no new finding at or above high" in text
        assert "findings (" not in text
        assert "!" not in text

    def test_a_reason_is_not_repeated_as_the_only_condition(self) -> None:
        text = shown(report(incomplete=True), incomplete())
        assert text.count("INCOMPLETE") == 1
        assert "  · " not in text

    def test_long_lists_are_cut_and_say_so(self) -> None:
        conditions = tuple(Condition("findings", f"condition {number}") for number in range(14))
        notices = tuple(f"notice {number}" for number in range(13))
        text = shown(report(notices=notices), replace(blocked(), conditions=conditions))
        assert "· and 4 more" in text
        assert "! and 3 more notices" in text

    def test_a_stage_without_tools_is_a_row_with_its_reason(self) -> None:
        silent = replace(report().stages[0], tools=(), status="incomplete", reason="nothing came back")
        text = shown(report(stages=(silent,)), incomplete())
        assert re.search(r"test +— +✘ incomplete +nothing", text)
        assert "✘ test: nothing came back" in text

    @given(
        hostile_reports.reports,
        hostile_reports.verdicts,
        st.booleans(),
        st.sampled_from([30, 80, 400]),
        st.dictionaries(st.just("page"), hostile.filter(lambda text: "\0" not in text).map(Path)),
    )
    @settings(max_examples=40, deadline=None)
    def test_any_text_anywhere_sends_no_control_sequence_and_no_command(
        self, whole: Report, verdict: Verdict, terminal: bool, width: int, files: dict[str, Path]
    ) -> None:
        sends_nothing(whole, verdict, files, terminal=terminal, width=width)

    @pytest.mark.parametrize("seed", hostile_reports.SEEDS)
    def test_hundreds_of_texts_in_every_field(self, seed: int) -> None:
        texts = hostile_reports.random_texts(seed)
        files = {"page": Path(texts().replace("\0", ""))}
        sends_nothing(*hostile_reports.of_texts(texts), files, terminal=seed % 2 == 0, width=40 + seed * 9)


class TestProgress:
    @pytest.mark.parametrize("terminal", [True, False])
    def test_any_text_anywhere_sends_nothing(self, *, terminal: bool) -> None:
        texts, plain = hostile_reports.random_texts(5), console(width=90)
        for _ in range(100):
            out, stage, tool = console(terminal=terminal, width=90), texts(), texts()
            progress = Progress(out, [stage], Clock())
            progress.started(stage, tool)
            plain.print(progress.view())
            progress.finished(stage, tool, "incomplete", texts(), 1.0)
            progress.finished(stage, texts(), "skipped", texts(), 0.0)
            inert.terminal(output(out), colours=terminal)
            plain.print(progress.view())
        inert.terminal(output(plain))

    def test_without_a_terminal_each_event_is_a_line(self) -> None:
        out, clock = console(), Clock()
        with Progress(out, ["sca"], clock) as progress:
            progress.started("sca", "pip-audit")
            clock.now += 3.25
            progress.finished("sca", "pip-audit", "incomplete", "pip-audit: no network", 3.2)
            progress.finished("container", "hadolint", "skipped", "no Dockerfile", 0.0)
            progress.finished("sast", "bandit", "findings", "", 0.5)
        assert output(out).splitlines() == [
            "[   0.0 s] sca / pip-audit: started",
            "[   3.2 s] sca / pip-audit: incomplete after 3.2 s: no network",
            "[   3.2 s] container / hadolint: skipped: no Dockerfile",
            "[   3.2 s] sast / bandit: findings after 0.5 s",
        ]

    def test_on_a_terminal_there_is_a_line_per_stage_with_its_tools(self) -> None:
        out, clock = console(terminal=True), Clock()
        progress = Progress(out, ["test", "sca", "sast", "model"], clock)
        progress.started("sca", "pip-audit")
        progress.started("sca", "cyclonedx-bom")
        clock.now += 4
        progress.finished("sca", "cyclonedx-bom", "passed", "", 1.4)
        progress.finished("sast", "zizmor", "skipped", "no workflows", 0.0)
        progress.finished("sast", "bandit", "findings", "", 120.0)
        plain = console(width=110)
        plain.print(progress.view())
        lines = output(plain).splitlines()
        assert [line.split()[1] for line in lines] == ["test", "sca", "sast", "model"]
        assert "waiting" in lines[0]
        assert "pip-audit 4 s · cyclonedx-bom passed 1.4 s" in lines[1]
        assert lines[2].startswith("●")
        assert "zizmor skipped · bandit findings 120 s" in lines[2]

    def test_on_a_terminal_what_did_not_finish_stays_visible(self) -> None:
        out = console(terminal=True)
        with Progress(out, ["sca"], Clock()) as progress:
            progress.started("sca", "pip-audit")
            progress.finished("sca", "pip-audit", "incomplete", "pip-audit: no network", 3.2)
            progress.finished("sca", "cyclonedx-bom", "passed", "", 1.0)
        text = _SEQUENCE.sub("", output(out))
        assert "sca / pip-audit: incomplete after 3.2 s: no network" in text
        assert "cyclonedx-bom: passed after" not in text

    def test_gives_the_cursor_back_after_an_interruption(self) -> None:
        out = console(terminal=True)

        def interrupted() -> None:
            with Progress(out, ["sca"], Clock()) as progress:
                progress.started("sca", "pip-audit")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert "\x1b[?25l" in output(out)
        assert output(out).rindex("\x1b[?25h") > output(out).rindex("\x1b[?25l")

    def test_many_threads_lose_nothing(self) -> None:
        out = console()
        progress = Progress(out, [])

        def work(stage: str) -> None:
            for number in range(50):
                progress.started(stage, f"tool{number}")
                progress.finished(stage, f"tool{number}", "passed", "", 0.1)

        threads = [Thread(target=work, args=(f"stage{number}",)) for number in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        lines = output(out).splitlines()
        assert len(lines) == 400
        assert all(
            re.fullmatch(r"\[ +\d+\.\d s\] stage\d / tool\d+: (started|passed after 0\.1 s)", each)
            for each in lines
        )

    @given(hostile, hostile, hostile)
    @settings(deadline=None)
    def test_any_text_stays_on_its_line(self, stage: str, tool: str, reason: str) -> None:
        out = console()
        progress = Progress(out, [])
        progress.started(stage, tool)
        progress.finished(stage, tool, "incomplete", reason, 1)
        lines = output(out).split("\n")
        assert len(lines) == 3
        assert all(line.startswith("[") for line in lines[:2])
        assert all(each.isprintable() for each in output(out).replace(BREAK, "").split("\n"))

    def test_the_worst_status_counts(self) -> None:
        assert worst_of(["passed", "skipped", "findings"]) == "findings"
        assert worst_of(["passed", "incomplete", "findings"]) == "incomplete"
        assert worst_of(["skipped", "passed"]) == "passed"
        assert worst_of([]) is None
