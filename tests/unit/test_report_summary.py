from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from mlsecops.findings import Report
from mlsecops.report.parts import Links, parts
from mlsecops.report.rows import packed
from mlsecops.report.summary import MOST_BYTES, summary
from mlsecops.verdict import Condition, Verdict
from support import hostile_reports, inert
from support.markup import render
from support.reports import blocked, finding, incomplete, many, passed, report, rich_report

LINKS = Links(page="https://host.example/page", blob="https://host.example/blob/1")


class TestSummary:
    def test_has_all_findings_of_a_usual_report(self) -> None:
        new = [finding(number, title=f"Weakness {number}") for number in range(30)]
        old = [finding(number, title=f"Weakness {number}", state="unchanged") for number in range(30, 60)]
        text = summary(report([*new, *old]), blocked(*new), LINKS)
        assert "#### New findings (30)" in text
        assert "#### Unchanged findings (30)" in text
        assert all(f"Weakness {number}" in text for number in range(60))
        assert "did not fit" not in text

    def test_counts_by_severity_and_state(self) -> None:
        rows = render(summary(*rich_report(), LINKS)).rows
        assert ["New", "2", "1", "1", "1", "5"] in rows
        assert ["Unchanged", "4", "4", "5", "4", "17"] in rows
        assert ["Fixed", "0", "1", "0", "0", "1"] in rows
        assert ["Waived", "0", "2", "0", "0", "2"] in rows
        assert ["Suppressed in files", "0", "2", "0", "0", "2"] in rows

    def test_without_a_baseline_findings_are_only_open(self) -> None:
        text = summary(report([finding(state=None)], baseline=None), blocked(finding()), Links())
        assert "no baseline to compare with" in text
        assert ["Open", "0", "1", "0", "0", "1"] in render(text).rows
        assert "#### Findings (1)" in text

    def test_shows_stages_proof_notes_and_what_was_accepted(self) -> None:
        text = summary(*rich_report(), LINKS)
        assert "- model: incomplete, 1 critical, 4.0 s" in text
        assert (
            "| sca | pip-audit 1.2.3 | 🔎 findings | 61 of 61, canary found | OSV, 2026-11-20 | 6.1 s |"
            in text
        )
        assert "- pytest: coverage: 93 %" in text
        assert "#### Fixed (1)" in text
        assert "#### Waived (2; the first ends in 6 days)" in text

    def test_of_nothing_has_no_empty_parts(self) -> None:
        text = summary(report(), passed(), Links())
        assert "findings (" not in text
        assert "#### Fixed" not in text
        assert "Why it is" not in text

    def test_says_how_many_findings_did_not_fit(self) -> None:
        whole, verdict = many(25_000)
        text = summary(whole, verdict, LINKS)
        assert len(text.encode()) <= MOST_BYTES
        assert len(text.encode()) > MOST_BYTES * 0.8
        new = text.partition("#### New findings")[2].partition("####")[0]
        shown = sum(1 for line in new.splitlines() if line.startswith("- "))
        rows = packed(parts(whole).new)
        rest = f"{sum(len(row.findings) for row in rows[shown:]):,} more did not fit"
        assert f"{rest}; they are in [the full report](https://host.example/page)" in new

    @pytest.mark.parametrize("character", ["$", "雪"])
    def test_stays_within_the_limit_when_everything_is_long(self, character: str) -> None:
        long = character * 3000
        whole, verdict = many(500)
        worst = replace(
            whole,
            fixed=tuple(finding(number, title=long, uri=long, state="fixed") for number in range(300)),
            notices=(long,) * 300,
            stages=tuple(
                replace(
                    each,
                    tools=tuple(
                        replace(tool, notes=(long,) * 99, problems=(long,) * 99) for tool in each.tools
                    ),
                )
                for each in whole.stages * 40
            ),
        )
        text = summary(worst, replace(verdict, conditions=(Condition("findings", long),) * 99), Links())
        assert len(text.encode()) <= MOST_BYTES
        assert "did not fit" in text

    def test_incomplete_names_the_reason(self) -> None:
        assert "⚠️ mlsecops incomplete: model: modelscan" in summary(
            report(incomplete=True), incomplete(), Links()
        )

    @given(hostile_reports.reports, hostile_reports.verdicts, hostile_reports.links)
    @settings(max_examples=30, deadline=None)
    def test_any_text_anywhere_stays_text(self, whole: Report, verdict: Verdict, links: Links) -> None:
        inert.summary(summary(whole, verdict, links))

    @pytest.mark.parametrize("seed", hostile_reports.SEEDS)
    def test_hundreds_of_texts_in_every_field(self, seed: int) -> None:
        texts = hostile_reports.random_texts(seed)
        inert.summary(summary(*hostile_reports.of_texts(texts), replace(LINKS, head=texts(), rerun=texts())))
