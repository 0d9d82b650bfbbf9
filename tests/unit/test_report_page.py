from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from mlsecops.findings import LeftOut, ModelChange, Report
from mlsecops.report.charts import history, severity_by_stage, timeline
from mlsecops.report.escape import plain, visible
from mlsecops.report.page import page
from mlsecops.report.page_data import page_data
from mlsecops.report.parts import Links
from mlsecops.verdict import Verdict
from support import hostile_reports, inert
from support.markup import Page
from support.reports import (
    NOW,
    blocked,
    finding,
    incomplete,
    many,
    model,
    package_finding,
    passed,
    past,
    report,
    rich_report,
    stage,
    tool,
    waiver,
)

LINKS = Links(
    run="https://host.example/run",
    security="https://host.example/security",
    docs="https://host.example/docs",
    blob="https://host.example/blob/1",
    head="3f2c1ab",
)


def between(html: str, start: str, end: str) -> str:
    return html.split(start, 1)[1].split(end, 1)[0]


def embedded(html: str) -> Any:
    return json.loads(between(html, '<script type="application/json" id="data">', "</script>"))


class TestPage:
    def test_loads_nothing_and_allows_nothing_but_its_own_script_and_style(self) -> None:
        html = page(*rich_report(), LINKS)
        policy = next(
            a["content"] for tag, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy is not None
        quiet = {
            a.get("http-equiv") or a.get("name"): a["content"]
            for _, a in Page(html).elements
            if "content" in a
        }
        assert (quiet["x-dns-prefetch-control"], quiet["referrer"]) == ("off", "no-referrer")
        script = between(html, "<script>", "</script>")
        style = between(html, "<style>", "</style>")

        def source(text: str) -> str:
            return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

        assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
            "default-src": "'none'",
            "script-src": source(script),
            "style-src": source(style),
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "require-trusted-types-for": "'script'",
        }
        assert "url(" not in style
        assert "@import" not in style
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|XMLHttp|import\(", script
        )
        for tag, attributes in Page(html).elements:
            assert not {"style", "src", "srcset"} & set(attributes)
            assert not any(name.startswith("on") for name in attributes)
            if "href" in attributes:
                href = attributes["href"] or ""
                assert href.startswith(("#", "https://host.example/")) or (tag, href) == ("link", "data:,")

    def test_shows_verdict_reason_conditions_and_facts(self) -> None:
        text = " ".join(Page(page(*rich_report(), LINKS)).text)
        for words in (
            "✘ Blocked",
            "3 new findings at or above high",
            "model: modelscan: looked at 2 of 3, not at models/forecast.onnx",
            "comments in the files suppress 2 findings",
            "2026-11-20 09:30 UTC",
            "main@9d01e77",
            ".github/mlsecops.yml",
        ):
            assert words in text

    @pytest.mark.parametrize(
        ("verdict", "words"),
        [(passed(), "✔ Passed"), (incomplete(), "! Incomplete"), (blocked(), "✘ Blocked")],
    )
    def test_verdict_has_a_word_and_a_class(self, verdict: Verdict, words: str) -> None:
        html = page(report(), verdict, Links())
        assert words in " ".join(Page(html).text)
        assert f'<div class="verdict {verdict.word}">' in html

    def test_says_that_there_is_no_baseline(self) -> None:
        html = page(report([finding(state=None)], baseline=None), blocked(finding()), Links())
        assert "There is no baseline to compare with" in html
        assert "new critical" not in html
        assert '<option value="new">' not in html

    def test_stages_show_the_proof_of_work(self) -> None:
        whole, verdict = rich_report()
        busy = tool("semgrep", "sast", suppressed=3, targets=tuple(f"f{number}.py" for number in range(700)))
        whole = replace(whole, stages=(*whole.stages[:2], stage("sast", busy), *whole.stages[3:]))
        text = " ".join(" ".join(Page(page(whole, verdict, LINKS)).text).split())
        for words in (
            "61 of 61, canary found",
            "OSV, 2026-11-20",
            "looked at 2 of 3, not at models/forecast.onnx",
            "models/forecast.onnx: this is a Git LFS pointer, not the file",
            "no Dockerfile in the repository",
            "coverage: 93 %",
            "700 files looked at, 09:29:40 to 09:29:43, 3 findings suppressed in them",
            "and 200 more, in the SARIF file",
            "src/module_11.py",
        ):
            assert words in text

    def test_a_stage_from_which_nothing_came_says_so(self) -> None:
        silent = replace(
            report().stages[0], tools=(), status="incomplete", reason="nothing came back from it"
        )
        assert "nothing came back from it" in page(report(stages=(silent,)), incomplete(), Links())

    def test_earlier_runs_of_this_project_stand_beside_this_one(self) -> None:
        runs = [past(99, "blocked", critical=1_234), past(98, project="another"), past(-1, low=77)]
        html = page(report([finding()]), blocked(finding()), LINKS, runs)
        text = " ".join(" ".join(Page(html).text).split())
        assert "Open findings of the last 2 runs" in text
        assert "2026-08-13 09:30 blocked 1,234 0 0 0" in text
        assert "2026-11-20 09:30 blocked 0 1 0 0" in text
        assert "2026-08-13 09:30, blocked: 1234 critical" in text

    def test_without_an_earlier_run_there_is_no_history(self) -> None:
        assert "runs</h2>" not in page(report(), passed(), LINKS, [past(2, project="another")])

    def test_a_reviewer_sees_what_changes_in_a_model(self) -> None:
        before = model(imports=frozenset({"sklearn.svm.SVC"}))
        after = model(sha256="b" * 64, imports=frozenset({"posix.system"}), size=3_000_000, whole=False)
        changes = (
            ModelChange(kind="changed", before=before, after=after),
            ModelChange(kind="renamed", before=model(uri="old.pkl"), after=before),
            ModelChange(
                kind="new", after=model(operators=frozenset(f"op{number:03}" for number in range(103)))
            ),
        )
        html = page(report(model_changes=changes), passed(), LINKS)
        text = " ".join(" ".join(Page(html).text).split())
        for words in (
            "models/a.pkl changed pickle, 2.0 kB → 3.0 MB, made by sklearn not read to its end",
            "+ posix.system − sklearn.svm.SVC",
            f"{'a' * 64} → {'b' * 64}",
            "models/a.pkl renamed was old.pkl",
            "+ op099 + 3 more",
        ):
            assert words in text
        assert "op100" not in text

    def test_of_many_changed_models_some_are_counted(self) -> None:
        changes = tuple(ModelChange(kind="new", after=model(uri=f"m{each}")) for each in range(502))
        assert "and 2 more models" in page(report(model_changes=changes), passed(), LINKS)

    def test_without_javascript_the_worst_findings_are_there(self) -> None:
        html = page(*many(1000), LINKS)
        assert between(html, "<tbody>", "</tbody>").count("<tr>") == 200
        assert "The 200 worst of 1,000 open findings." in html
        assert 'href="https://host.example/blob/1/src/package_' in html

    def test_few_findings_need_no_note(self) -> None:
        assert "static-note" not in between(
            page(report([finding()]), blocked(finding()), LINKS), "<body>", "<script"
        )

    def test_waivers_and_left_out_files_are_listed(self) -> None:
        waived = [finding(number, waiver=waiver()) for number in range(210)]
        whole = report(
            waived,
            waivers_expired=(waiver(rule="DL3007"),),
            waivers_unused=(waiver(rule="B101"),),
            left_out=tuple(LeftOut(f"d{number}", "packages of others", 1700) for number in range(501)),
        )
        text = " ".join(Page(page(whole, passed(), Links())).text)
        assert "2026-12-16, 26 days left" in text
        assert "and 10 more waived findings" in text
        assert "expired" in text
        assert "matches nothing" in text
        assert "1,700" in text
        assert "and 1 more, in the SARIF file" in text

    def test_without_findings_there_is_no_list_and_no_empty_chart(self) -> None:
        html = page(report(), passed(), Links())
        assert '<p id="nothing" class="nothing">No findings.</p>' in html
        assert "Open findings by stage" not in html
        assert '<table id="findings" class="list" hidden>' in html

    def test_every_identifier_is_there_once_and_known_to_the_script(self) -> None:
        html = page(*rich_report(), LINKS)
        ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        script = between(html, "<script>", "</script>")
        assert set(re.findall(r'byId\("([\w-]+)"\)', script)) <= {*ids, "static-note"}

    def test_twenty_five_thousand_findings_stay_small(self) -> None:
        html = page(*many(25_000), LINKS)
        assert len(html.encode()) < 8_000_000
        assert len(embedded(html)["findings"]) == 25_000

    @given(hostile_reports.reports, hostile_reports.verdicts, hostile_reports.links)
    @settings(max_examples=40, deadline=None)
    def test_any_text_anywhere_stays_text(self, whole: Report, verdict: Verdict, links: Links) -> None:
        html = page(whole, verdict, links, [past(1, project=whole.project), past(2)])
        inert.whole_page(html)
        assert len(embedded(html)["findings"]) == len(whole.findings) + len(whole.fixed)


class TestHostile:
    """Any text in any field is shown as text, and comes back from the data as it was put there."""

    @pytest.mark.parametrize("seed", hostile_reports.SEEDS)
    def test_hundreds_of_texts_in_every_field(self, seed: int) -> None:
        texts = hostile_reports.random_texts(seed)
        whole, verdict = hostile_reports.of_texts(texts)
        links = replace(LINKS, head=texts(), rerun=texts())
        html = page(whole, verdict, links, [replace(past(1), project=visible(whole.project))])
        inert.whole_page(html)
        parsed, usual = Page(html), Page(page(*rich_report(), LINKS, [past(1)]))
        for tag in ("table", "section", "svg"):
            assert len([1 for each, _ in parsed.elements if each == tag]) == len(
                [1 for each, _ in usual.elements if each == tag]
            )
        data = page_data(whole, links)
        assert embedded(html) == json.loads(json.dumps(data))
        known = {plain(each.message) for each in whole.findings}
        assert known <= set(data["strings"])


class TestPageData:
    def row(self, **changes: Any) -> tuple[Any, Any, dict[str, Any]]:
        data = page_data(report([finding(**changes)]), LINKS)
        return data, data["findings"][0], data["findings"][0][8]

    def test_rows_point_into_the_tables(self) -> None:
        data, row, extra = self.row()
        strings = data["strings"]
        stage_name, rule, title, fix, help_, uri, tags = data["rules"][row[2]]
        assert row[0] == finding().fingerprint
        assert row[1] == 1
        assert (stage_name, strings[rule], strings[title]) == ("sast", finding().rule_id, finding().title)
        assert strings[fix] == finding().fix
        assert [strings[each] for each in help_] == [
            "A pickle is a program. Who writes the file owns the process.",
            "Use a format without code.",
        ]
        assert (uri, tags) == ("https://docs.example/unsafe-load", ("CWE-502", "ML06", "AML.T0010"))
        assert [strings[each] for each in data["tools"][row[3]]] == ["bandit", "semgrep"]
        assert data["states"][row[4]] == "new"
        assert data["files"][row[5]] == ("src/service/app.py", "src/service/app.py")
        assert (row[6], strings[row[7]]) == (11, finding().message)
        assert extra == {"score": 8.1}

    def test_what_repeats_is_stored_once(self) -> None:
        data = page_data(report([finding(number) for number in range(50)]), LINKS)
        assert len(data["rules"]) == len(data["files"]) == len(data["tools"]) == 1

    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({}, "new"),
            ({"state": "unchanged"}, "unchanged"),
            ({"state": None}, "present"),
            ({"waiver": waiver(), "suppressed": "x"}, "waived"),
            ({"suppressed": ""}, "suppressed"),
            ({"state": "fixed", "waiver": waiver()}, "fixed"),
        ],
    )
    def test_state(self, changes: dict[str, Any], state: str) -> None:
        data, row, _ = self.row(**changes)
        assert data["states"][row[4]] == state

    def test_packages_are_waived_by_advisory(self) -> None:
        extra = page_data(report([package_finding()]), LINKS)["findings"][0][8]
        assert extra["advisory"] == "CVE-2023-30861"
        assert (extra["package"], extra["installed"], extra["fixed"]) == ("flask", "2.0.1", "2.2.5, 2.3.2")
        named = package_finding(rule_id="PYSEC-2023-62", aliases=("GHSA-M2QF-HXJV-5GPQ", "CVE-2023-30861"))
        assert page_data(report([named]), LINKS)["findings"][0][8]["advisory"] == "CVE-2023-30861"
        unnamed = package_finding(rule_id="yanked", aliases=())
        assert "advisory" not in page_data(report([unnamed]), LINKS)["findings"][0][8]

    def test_suggests_an_expiry_ninety_days_ahead(self) -> None:
        assert page_data(report(), LINKS)["expires"] == (NOW.date() + timedelta(days=90)).isoformat()

    def test_a_path_that_is_not_utf_8_is_shown_and_linked(self) -> None:
        data, row, _ = self.row(uri="caf\udce9 #1.py")
        assert data["files"][row[5]] == ("caf\\xe9 #1.py", "caf%E9%20%231.py")

    def test_a_notebook_is_linked_where_it_has_lines(self) -> None:
        data, row, _ = self.row(uri="a.ipynb")
        assert data["files"][row[5]] == ("a.ipynb", "a.ipynb?plain=1")

    def test_further_places_waiver_and_cell(self) -> None:
        whole, _ = rich_report()
        data = page_data(whole, LINKS)
        extras = [row[8] for row in data["findings"]]
        assert [data["files"][file][0] for each in extras for file, _ in each.get("also", ())] == [
            "src/train.py",
            "src/eval.py",
        ]
        assert {"cell 7", "archive/data.pkl"} == {each["cell"] for each in extras if "cell" in each}
        assert ("2026-12-16", waiver().reason) in {(each.get("until"), each.get("reason")) for each in extras}

    def test_all_rules_all_stages_and_how_to_see_it_again(self) -> None:
        data, _, extra = self.row(
            rules=("a", "b"), stages=("sast", "container"), reproduce="curl  http://127.0.0.1/x"
        )
        assert [data["strings"][each] for each in extra["rules"]] == ["a", "b"]
        assert extra["stages"] == ["sast", "container"]
        assert data["strings"][extra["again"]] == "curl http://127.0.0.1/x"
        assert data["rerun"] == LINKS.rerun

    def test_an_address_that_is_none_is_dropped(self) -> None:
        data, row, _ = self.row(help_uri="javascript:alert(1)")
        assert data["rules"][row[2]][5] == ""


class TestCharts:
    def test_bars_of_a_stage_lie_side_by_side_and_the_longest_is_full(self) -> None:
        found = [*(finding(number, severity="high") for number in range(3)), finding(9, severity="low")]
        found.append(finding(10, stage="model"))
        rows = {row.name: row for row in severity_by_stage(report(found))}
        assert [(bar.kind, bar.start, bar.width) for bar in rows["sast"].bars] == [
            ("high", 0, 75),
            ("low", 75, 25),
        ]
        assert rows["sast"].value == "4 findings: 3 high, 1 low"
        assert [(bar.start, bar.width) for bar in rows["model"].bars] == [(0, 25)]
        assert rows["container"].bars == ()
        assert rows["container"].value == "skipped"

    def test_a_small_part_of_many_is_still_seen_and_bars_never_leave_the_chart(self) -> None:
        found = [*(finding(number, severity="low") for number in range(999)), finding(0, severity="critical")]
        bars = severity_by_stage(report(found))[2].bars
        assert bars[0].width == 0.6
        assert bars[-1].start + bars[-1].width <= 100
        found = [finding(0, severity=each) for each in ("high", "medium", "low")]
        found += [finding(number, severity="critical") for number in range(997)]
        assert all(bar.width > 0 for bar in severity_by_stage(report(found))[2].bars)

    def test_tools_are_placed_by_their_start_and_end(self) -> None:
        line = timeline(report())
        rows = {row.name: row.bars[0] for row in line.rows}
        assert rows["pytest"].start == 0
        assert rows["pytest"].width == 100
        assert rows["bandit"].start == pytest.approx(100 * 10 / 12.4, abs=0.1)
        assert "hadolint" not in rows
        assert [words for _, words in line.ticks] == ["5.0 s", "10 s"]

    def test_a_stage_spans_its_tools_which_come_in_the_order_of_their_start(self) -> None:
        late = tool("a", "sast", started=NOW + timedelta(seconds=6), ended=NOW + timedelta(seconds=8))
        early = tool("b", "sast", started=NOW, ended=NOW + timedelta(seconds=2), status="incomplete")
        only = stage("sast", late, early)
        assert [
            (row.kind, row.name, [(bar.kind, bar.start, bar.width) for bar in row.bars])
            for row in timeline(report(stages=(only,))).rows
        ] == [
            ("stage", "sast", [("incomplete", 0, 100)]),
            ("tool", "b", [("incomplete", 0, 25)]),
            ("tool", "a", [("passed", 75, 25)]),
        ]

    def test_of_many_runs_the_newest_are_shown_side_by_side(self) -> None:
        runs = [past(100 - day, critical=day) for day in range(80)]
        columns = history(runs)
        assert [column.run for column in columns] == runs[-60:]
        assert all(one.start + one.width < other.start for one, other in pairwise(columns))
        assert columns[-1].start + columns[-1].width <= 100
        assert (columns[-1].bars[0].kind, columns[-1].bars[0].width) == ("critical", 100)
        assert history([past(1)])[0].bars == ()

    def test_tools_without_times_have_no_timeline(self) -> None:
        untimed = stage("sast", tool("bandit", "sast", started=None, ended=None))
        assert timeline(report(stages=(untimed,))).rows == ()

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 0.7, 61, 7000, 400_000])
    def test_any_length_has_few_ticks_within_the_chart(self, seconds: float) -> None:
        one = tool("bandit", "sast", started=NOW, ended=NOW + timedelta(seconds=seconds))
        line = timeline(report(stages=(stage("sast", one),)))
        assert len(line.ticks) <= 6
        assert all(0 < place <= 97 for place, _ in line.ticks)
        assert line.rows[0].bars[0].start + line.rows[0].bars[0].width <= 100
