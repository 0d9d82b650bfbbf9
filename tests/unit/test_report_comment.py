from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from mlsecops.findings import LeftOut, Report
from mlsecops.report.comment import MOST_BYTES, MOST_CHARACTERS, comment, marker
from mlsecops.report.parts import Links
from mlsecops.verdict import Condition, Verdict
from support import hostile_reports, inert
from support.markup import render
from support.reports import (
    blocked,
    finding,
    incomplete,
    many,
    package_finding,
    passed,
    report,
    rich_report,
    stages,
    waiver,
)

LINKS = Links(
    run="https://host.example/o/r/actions/runs/1",
    page="https://host.example/o/r/artifacts/2",
    security="https://host.example/o/r/security/code-scanning?query=pr%3A5",
    docs="https://host.example/docs#words",
    blob="https://host.example/o/r/blob/3f2c1ab",
    head="3f2c1ab",
    base="main@9d01e77",
)


def lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


class TestHead:
    def test_first_line_is_the_marker_and_second_the_verdict_with_its_reason(self) -> None:
        first, second, *_ = lines(comment(*rich_report(), LINKS))
        assert first == "<!-- mlsecops:v1 id=default -->"
        assert second == "### ❌ mlsecops blocked: 3 new findings at or above high"

    def test_third_line_says_what_was_compared_and_what_did_not_finish(self) -> None:
        third = lines(comment(*rich_report(), LINKS))[2]
        assert third.startswith("`forecast-api` `3f2c1ab` against `main@9d01e77` · ")
        assert "**3 of 5 stages complete, model incomplete, container skipped**" in third
        assert f"[Security tab]({LINKS.security})" in third

    def test_another_identifier_is_in_marker_and_title(self) -> None:
        first, second, *_ = lines(comment(report(), passed(), Links(), "api.v2_x-1"))
        assert first == "<!-- mlsecops:v1 id=api.v2_x-1 -->"
        assert second.startswith("### ✅ mlsecops (api.v2\\_x-1) passed")

    @pytest.mark.parametrize("identifier", ["", "a b", "a-->", "a\nb", "-a", "é", "a" * 65])
    def test_refuses_an_identifier_that_could_end_the_marker(self, identifier: str) -> None:
        with pytest.raises(ValueError, match="identifier"):
            marker(identifier)

    def test_a_missing_baseline_is_said_in_the_first_lines(self) -> None:
        text = comment(report([finding(state=None)], baseline=None), blocked(finding()), Links())
        assert lines(text)[1].endswith(" (no baseline to compare with)")
        assert "#### Findings (1)" in text
        assert "New findings" not in text

    def test_without_baseline_and_findings_that_is_said_too(self) -> None:
        text = comment(report(baseline=None, incomplete=True), incomplete(), Links())
        assert "**No findings**" in text

    def test_without_addresses_nothing_is_linked(self) -> None:
        assert render(comment(*rich_report(), Links())).links == []


class TestQuiet:
    def test_nothing_new_is_three_lines_behind_the_marker(self) -> None:
        text = comment(report([finding(state="unchanged")]), passed(), Links())
        assert len(lines(text)) == 4
        assert "1 unchanged" in text
        assert "| --- |" not in text

    def test_says_what_was_left_out_and_which_stage_was_skipped(self) -> None:
        quiet = report(left_out=(LeftOut("a", "too big"), LeftOut("b", "of others", 9)))
        text = comment(quiet, passed(), Links())
        assert "10 files left out" in text
        assert "container skipped" in text

    def test_a_notice_is_never_lost(self) -> None:
        text = comment(report(notices=("a waiver ends soon",)), passed(), Links())
        assert "- a waiver ends soon" in text

    def test_a_new_finding_below_the_threshold_is_shown(self) -> None:
        text = comment(report([finding(severity="low")]), passed(), Links())
        assert "#### New findings (1)" in text

    def test_incomplete_is_never_quiet(self) -> None:
        text = comment(report(incomplete=True), incomplete(), Links())
        assert "**No new findings**" in text
        assert "Git LFS pointer" in text
        assert "<details open><summary>Stages" in text


class TestBody:
    def test_at_most_eight_conditions(self) -> None:
        conditions = tuple(Condition("findings", f"reason {number}") for number in range(11))
        text = comment(report([finding()]), replace(blocked(finding()), conditions=conditions), Links())
        assert "reason 7" in text
        assert "reason 8" not in text
        assert "- and 3 more" in text

    def test_new_findings_are_outside_of_any_fold_and_at_most_ten(self) -> None:
        text = comment(*many(100), LINKS)
        before_fold = text.split("<details")[0]
        assert len([line for line in lines(before_fold) if line.startswith("- 🔴\u00a0critical · **")]) == 10
        assert f"56 more in [the full report]({LINKS.page})" in before_fold

    def test_a_row_says_what_where_by_whom_and_how_to_fix_it(self) -> None:
        new = package_finding(uri="requirements.txt", line=3)
        (row,) = (
            each for each in lines(comment(report([new]), blocked(new), LINKS)) if each.startswith("- 🔴")
        )
        assert row.split("<br>") == [
            (
                "- 🔴\u00a0critical · **flask 2.0.1: session cookie may be sent to other clients** "
                f"**(known to be exploited)** · [`requirements.txt:3`]({LINKS.blob}/requirements.txt#L3)"
            ),
            "flask 2.0.1 has CVE-2023-30861.",
            "**Fix:** upgrade `flask` to `2.2.5` or `2.3.2`",
            (
                f"[`CVE-2023-30861`]({LINKS.security}+rule%3ACVE-2023-30861) · CWE-502 · ML06 · AML.T0010 · "
                f"found by pip-audit · [details]({LINKS.page}#finding-{new.fingerprint})"
            ),
        ]

    def test_places_link_to_their_line_at_the_scanned_commit(self) -> None:
        new = [finding(uri="src/ä b|c.py", line=7), finding(2, uri="n.ipynb", line=9, cell="cell 2")]
        links = render(comment(report(new), blocked(*new), LINKS)).links
        assert f"{LINKS.blob}/src/%C3%A4%20b%7Cc.py#L7" in links
        assert f"{LINKS.blob}/n.ipynb?plain=1#L9" in links

    def test_a_file_as_a_whole_has_no_line(self) -> None:
        new = finding(uri="models/a.onnx", line=0, cell="weights")
        rendered = render(comment(report([new]), blocked(new), LINKS))
        assert "Loading a pickle runs code · models/a.onnx (weights)" in rendered.text
        assert f"{LINKS.blob}/models/a.onnx" in rendered.links

    def test_a_rule_links_to_its_alerts_and_a_page_of_its_own_to_the_finding(self) -> None:
        new = finding(rule_id="zizmor/a b&c")
        text = comment(report([new]), blocked(new), LINKS)
        assert f"{LINKS.security}+rule%3Azizmor%2Fa+b%26c" in render(text).links
        assert "[details](" in text
        assert f"{LINKS.page}#finding-{new.fingerprint}" in render(text).links
        on_run = comment(report([new]), blocked(new), replace(LINKS, page=f"{LINKS.run}#artifacts"))
        assert "[details](" not in on_run

    def test_stages_say_what_was_and_was_not_looked_at_with_proof(self) -> None:
        rendered = render(comment(*rich_report(), LINKS))
        rows = {row[1]: row for row in rendered.rows}
        assert rows["pip-audit 1.2.3"] == [
            "sca",
            "pip-audit 1.2.3",
            "🔎 findings",
            "61 of 61, canary found",
            "OSV, 2026-11-20",
            "6.1 s",
        ]
        assert rows["modelscan 1.2.3"][2] == "⚠️ incomplete: looked at 2 of 3, not at models/forecast.onnx"
        assert rows["hadolint"][2:4] == ["⏭️ skipped: no Dockerfile in the repository", "nothing"]
        assert "data/train.bin: larger than 100 MB" in rendered.text
        assert "node_modules: packages of others, 1,700 files" in rendered.text

    def test_waivers_say_how_long_they_hold_and_which_do_nothing(self) -> None:
        text = comment(*rich_report(), LINKS)
        title = (
            "Waived (2; the first ends in 6 days), 2 suppressed in files, 1 expired waiver, 1 unused waiver"
        )
        assert f"<summary>{title}</summary>" in text
        assert "2026-12-16, 26 days left" in text
        assert "- Expired: `DL3007` in `Dockerfile`, until 2026-11-01" in text
        assert "- Matches nothing: `B101` in `src/**`, until 2026-12-16" in text
        assert "- Suppressed by comments in files: `src/service/app.py` 1, `src/b.py` 1" in text

    def test_fixed_and_unchanged_findings_and_the_command(self) -> None:
        text = comment(*rich_report(), LINKS)
        assert "- high · Secret in source · `src/config.py:70`" in text
        assert "- sast: 17 (4 critical, 4 high, 5 medium, 4 low)" in text
        assert "run it yourself: `mlsecops run .`" in text

    def test_long_lists_are_cut_and_say_so(self) -> None:
        fixed = tuple(finding(number, state="fixed") for number in range(30))
        waived = [finding(number, waiver=waiver()) for number in range(40, 70)]
        unused = tuple(waiver(rule=f"R{number}") for number in range(25))
        hidden = [finding(number, suppressed="no", uri=f"f{number}.py") for number in range(100, 125)]
        left_out = tuple(LeftOut(f"d{number}", "big") for number in range(12))
        new = finding(1)
        whole = report([new, *waived, *hidden], fixed=fixed, waivers_unused=unused, left_out=left_out)
        whole = replace(whole, notices=tuple(f"notice {number}" for number in range(7)))
        text = comment(whole, blocked(new), Links())
        assert text.count("- and 10 more") == 1  # fixed
        assert "\nand 10 more" in text  # waived
        assert "- and 5 more" in text  # unused waivers
        assert "and 5 more files" in text
        assert "- and 2 more" in text  # left out, notices

    def test_problems_of_a_tool_are_cut_and_say_so(self) -> None:
        whole = report(incomplete=True)
        stage = whole.stages[3]
        broken = replace(stage.tools[0], problems=tuple(f"model {number} is broken" for number in range(9)))
        whole = replace(whole, stages=(*whole.stages[:3], replace(stage, tools=(broken,)), whole.stages[4]))
        text = comment(whole, incomplete(), Links())
        assert "- modelscan: model 4 is broken" in text
        assert "- modelscan: and 4 more" in text

    def test_a_stage_without_a_tool_is_a_row(self) -> None:
        whole = report(incomplete=True)
        silent = replace(whole.stages[1], tools=(), status="incomplete", reason="nothing came back")
        text = comment(replace(whole, stages=(silent,)), incomplete(), Links())
        assert "| sca | — | ⚠️ incomplete: nothing came back | nothing | — | — |" in text


def swollen(text: str) -> tuple[Report, Verdict]:
    """A report in which each part is as large as its texts."""
    new = [finding(number, title=text, message=f"{number}{text}", fix=text, uri=text) for number in range(40)]
    fixed = tuple(finding(number, title=text, state="fixed") for number in range(100, 140))
    waived = [finding(number, waiver=waiver(reason=text)) for number in range(200, 240)]
    old = [finding(number, state="unchanged") for number in range(300, 310)]
    return report([*new, *waived, *old], fixed=fixed), blocked(*new)


class TestSize:
    @pytest.mark.parametrize("text", ["$", "@", "\U000e0100", "雪", "🔥", "`", "|", "\udc80"])
    def test_fits_when_every_text_is_long_and_grows_when_escaped(self, text: str) -> None:
        whole, verdict = swollen(text)
        long = text * 3000
        new = [
            replace(
                each,
                title=long,
                message=f"{number}{long}",
                uri=long,
                fix=long,
                tools=(long,) * 9,
                cwes=(long,) * 9,
                package=None,
            )
            for number, each in enumerate(whole.findings)
        ]
        worst = replace(
            whole,
            project=long,
            version=long,
            policy_source=long,
            findings=tuple(new),
            notices=(long,) * 50,
            stages=tuple(replace(each, name=long, reason=long) for each in stages() * 10),
        )
        verdict = replace(verdict, reason=long, conditions=(Condition("findings", long),) * 50)
        result = comment(worst, verdict, Links(head=long, base=long, rerun=long))
        assert len(result) <= MOST_CHARACTERS
        assert len(result.encode()) <= MOST_BYTES
        assert result.startswith("<!-- mlsecops:v1 id=default -->\n### ❌ mlsecops blocked")

    def test_sheds_in_order_the_least_missed_first(self) -> None:
        names = ["<summary>Unchanged", "<summary>Waived", "<summary>Fixed", "<summary>Stages"]
        left = []
        for characters in range(0, 200, 4):
            text = comment(*swollen("$" * characters), LINKS)
            assert len(text) <= MOST_CHARACTERS
            left.append([name in text for name in names])
        for kept in left:
            assert kept == sorted(kept)  # as long as something stays, all that is missed more stays
        assert left[0] == [True] * 4
        assert left[-1] == [False] * 4
        assert [False, False, True, True] in left

    def test_says_what_it_left_out_and_where_to_find_it(self) -> None:
        text = comment(*swollen("$" * 60), LINKS)
        words = (
            "_Left out here, because a comment has a size limit: the unchanged findings, the waived findings"
        )
        assert words in text
        assert f"See [the full report]({LINKS.page})._" in text

    def test_rows_are_the_last_to_go(self) -> None:
        text = comment(*swollen("$" * 300), Links())
        assert "some of the new findings" in text
        assert "<summary>Stages" not in text
        assert 0 < text.count("🟠") < 10
        assert "more in the full report." in text

    def test_what_cannot_fit_is_left_with_the_verdict(self) -> None:
        whole, verdict = swollen("$" * 300)
        long = tuple(Condition("findings", "\U000e0100$" * 200) for _ in range(5))
        tags = tuple(f"{number}$" * 30 for number in range(9))
        wide = replace(
            whole,
            findings=tuple(replace(each, cwes=tags) for each in whole.findings),
            notices=("$" * 999,) * 9,
        )
        text = comment(wide, replace(verdict, conditions=long), Links())
        assert len(text) <= MOST_CHARACTERS
        assert "❌ mlsecops blocked: 40 new findings" in text

    def test_twenty_five_thousand_findings_fit(self) -> None:
        text = comment(*many(25_000), LINKS)
        assert len(text) < 10_000
        assert "16,656 more in" in text


class TestHostile:
    @given(hostile_reports.reports, hostile_reports.verdicts, hostile_reports.links)
    @settings(max_examples=60, deadline=None)
    def test_any_text_anywhere_stays_text(self, whole: Report, verdict: Verdict, links: Links) -> None:
        inert.comment(comment(whole, verdict, links))

    @pytest.mark.parametrize("text", ["$", "a`", "\u202e", "<", "|", "🔥"])
    def test_a_long_text_in_every_field_fits(self, text: str) -> None:
        long = text * 70_000
        everything = hostile_reports.of_texts(lambda: long)
        inert.comment(comment(*everything, replace(LINKS, head=long, base=long, rerun=long)))

    @pytest.mark.parametrize("seed", hostile_reports.SEEDS)
    def test_hundreds_of_texts_in_every_field(self, seed: int) -> None:
        texts = hostile_reports.random_texts(seed)
        inert.comment(comment(*hostile_reports.of_texts(texts), replace(LINKS, head=texts(), rerun=texts())))
