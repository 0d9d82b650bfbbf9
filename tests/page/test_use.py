"""The page in a real browser: what readers look for is found, by mouse, by keys alone and on paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mlsecops.findings import Finding
from support.browser import Browser, Tab
from support.reports import finding, passed, report

from .conftest import Written

ROWS = "[...document.querySelectorAll('#findings .finding')].map((row) => row.innerText)"
RANGE = "document.getElementById('range').textContent"
FOCUS = "document.activeElement.id || document.activeElement.textContent"


def rows(tab: Tab) -> list[str]:
    """The findings that can be seen, each as one line."""
    return [" ".join(each.split()) for each in tab.read(ROWS)]


def choose(tab: Tab, name: str, value: str) -> None:
    """Pick from a list."""
    tab.pick(f"#{name}", value)


def search(tab: Tab, text: str) -> None:
    """Replace what is searched for."""
    tab.press("/", "Control+A", "Delete")
    tab.type(text)


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "shown", "told"),
        [
            ("none", 0, "0 findings"),
            ("one", 1, "1 to 1 of 1 finding"),
            ("fifty", 50, "1 to 50 of 50 findings"),
            ("most", 50, "1 to 50 of 25,000 findings"),
        ],
    )
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_rows_are_there_soon_and_nothing_is_asked_for(
        self, name: str, shown: int, told: str, scheme: str, browser: Browser, pages: dict[str, Path]
    ) -> None:
        with browser.tab(pages[name], scheme=scheme) as tab:
            assert len(rows(tab)) == shown
            assert tab.read(RANGE) == told
            seen = tab.seen()
        assert seen.requests == [pages[name].as_uri()]
        assert (seen.errors, seen.dialogs, seen.refused, seen.pages) == ([], [], [], 1)
        assert 0 < seen.ready < 5_000  # about 300 on a quiet machine, see tests/benchmarks/page.py

    def test_typing_into_the_search_of_25_000_findings_keeps_up(
        self, browser: Browser, pages: dict[str, Path]
    ) -> None:
        with browser.tab(pages["most"]) as tab:
            begin = tab.read("performance.now()")
            search(tab, "module_77 value_")
            assert tab.read("performance.now()") - begin < 10_000
            assert {"module_77" in each for each in rows(tab)} == {True}

    @pytest.mark.parametrize("width", [360, 800, 1280])
    def test_nothing_sticks_out_sideways(self, width: int, browser: Browser, pages: dict[str, Path]) -> None:
        with browser.tab(pages["rich"], width=width) as tab:
            tab.read("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            for number in range(3):
                tab.read(f"document.querySelectorAll('.open-row')[{number}].click()")
            assert tab.read("document.documentElement.scrollWidth") <= width


class TestFinding:
    def test_words_are_searched_for_in_everything_that_names_a_finding(
        self, browser: Browser, written: Written
    ) -> None:
        found = [
            finding(1, rule_id="aaa-rule", uri="src/one.py", rules=("aaa-rule", "other-rule"), tools=("t1",)),
            finding(2, title="Second title", message="a *strange* message", uri="src/two.py"),
            finding(3, package="flask", aliases=("GHSA-1",), cwes=("CWE-1",), uri="src/three.py"),
        ]
        with browser.tab(written(report(found), passed())) as tab:
            for text, place in {
                "AAA-rule": "one",
                "other-rule t1": "one",
                "second  title": "two",
                "*strange*": "two",
                "three.py": "three",
                "flask": "three",
                "ghsa-1 cwe-1": "three",
                found[0].fingerprint: "one",
            }.items():
                search(tab, text)
                assert [f"src/{place}.py" in each for each in rows(tab)] == [True], text
            search(tab, "one two")
            assert rows(tab) == []
            assert tab.read("document.getElementById('nothing').innerText") == "No open finding matches."

    def test_filters(self, browser: Browser, pages: dict[str, Path]) -> None:
        with browser.tab(pages["rich"]) as tab:
            for name, value, told in [
                ("state", "new", 5),
                ("state", "unchanged", 17),
                ("state", "fixed", 1),
                ("state", "waived", 2),
                ("state", "suppressed", 2),
                ("state", "all", 27),
                ("stage", "sca", 1),
                ("stage", "model", 2),
                ("stage", "", 27),
                ("tool", "picklescan", 1),
            ]:
                choose(tab, name, value)
                assert tab.read(RANGE).split(" of ")[1].split() == [str(told), "finding" + "s" * (told > 1)]

    def test_a_finding_of_two_stages_is_found_in_both(self, browser: Browser, written: Written) -> None:
        both = finding(1, stage="sca", stages=("sca", "container"))
        with browser.tab(written(report([both]), passed())) as tab:
            for stage in both.stages:
                choose(tab, "stage", stage)
                assert ["sca, container" in each for each in rows(tab)] == [True]

    def test_severities_are_switched_off(self, browser: Browser, pages: dict[str, Path]) -> None:
        with browser.tab(pages["rich"]) as tab:
            tab.click(".chip input[value=high]")
            tab.click(".chip input[value=low]")
            assert {each.split()[0] for each in rows(tab)} == {"critical", "medium"}

    def test_a_column_sorts_both_ways(self, browser: Browser, pages: dict[str, Path]) -> None:
        order = ["critical", "high", "medium", "low"]
        patterns = {
            "severity": r"^(critical|high|medium|low) ",
            "where": r"(src/package_\d+/module_\d+\.py)",
            "stage": r" (container|model|sast|sca) ",
            "state": r"(new|unchanged)$",
        }

        def values(tab: Tab, key: str) -> list[Any]:
            words = [found[1] for each in rows(tab) if (found := re.search(patterns[key], each))]
            return [order.index(each) for each in words] if key == "severity" else words

        with browser.tab(pages["fifty"]) as tab:
            tab.click("#findings th[data-key=finding] .sort")
            for key in patterns:
                column = f"#findings th[data-key={key}]"
                tab.click(f"{column} .sort")
                assert tab.read(f"document.querySelector('{column}').ariaSort") == "ascending"
                upward = values(tab, key)
                assert len(upward) == 50
                assert upward == sorted(upward)
                tab.click(f"{column} .sort")
                assert tab.read(f"document.querySelector('{column}').ariaSort") == "descending"
                assert values(tab, key) == sorted(upward, reverse=True) != upward
                assert tab.read("document.querySelectorAll('[aria-sort]').length") == 1

    def test_groups_have_a_heading_with_their_counts(self, browser: Browser, pages: dict[str, Path]) -> None:
        with browser.tab(pages["rich"]) as tab:
            for value in ("severity", "stage", "rule", "file", "package", "tools"):
                choose(tab, "group", value)
                headings = tab.read("[...document.querySelectorAll('.group')].map((each) => each.innerText)")
                counts = [re.search(r"(\d+) finding", each) for each in headings]
                assert sum(int(each[1]) for each in counts if each) == 22
            choose(tab, "group", "package")
            headings = tab.read("[...document.querySelectorAll('.group')].map((each) => each.innerText)")
            assert "flask 1 finding: 1 critical" in headings

    def test_pages_of_fifty_are_turned(self, browser: Browser, pages: dict[str, Path]) -> None:
        with browser.tab(pages["most"]) as tab:
            for button, told in [
                ("next", "51 to 100"),
                ("last", "24,951 to 25,000"),
                ("previous", "24,901 to 24,950"),
                ("first", "1 to 50"),
            ]:
                tab.click(f"#{button}")
                assert tab.read(RANGE) == f"{told} of 25,000 findings"
            tab.click("#last")
            assert tab.read("document.getElementById('next').disabled")
            search(tab, "module_77")
            assert tab.read(RANGE).startswith("1 to 50 of ")


class TestDetail:
    def opened(self, browser: Browser, written: Written, one: Finding) -> str:
        with browser.tab(written(report([one]), passed())) as tab:
            tab.click(".open-row")
            return str(tab.read("document.querySelector('.detail').innerText"))

    def test_it_says_what_is_known_of_a_finding(self, browser: Browser, written: Written) -> None:
        one = finding(1, rules=("r1", "r2"), stages=("sast", "model"), tools=("bandit", "semgrep"))
        text = " ".join(self.opened(browser, written, one).split())
        for words in (
            "What pickle.load runs what the file says",
            "Why A pickle is a program.",
            "Read more",
            "Fix load with skops.io.load",
            "Severity high, 8.1",
            "Found by bandit, semgrep (stage sast, model)",
            "Rules r1 r2",
            "Classes CWE-502, ML06, AML.T0010",
            f"Fingerprint {one.fingerprint}",
            "See it again mlsecops run . --stage sast",
            'waivers: - rule: "mlsecops.python.unsafe-load" path: "src/service/app.py"',
        ):
            assert words in text

    def test_a_finding_with_its_own_command_shows_that(self, browser: Browser, written: Written) -> None:
        text = self.opened(browser, written, finding(1, reproduce="curl -s http://127.0.0.1:8000/<x>"))
        assert "curl -s http://127.0.0.1:8000/<x>" in text
        assert "--stage" not in text

    def test_what_is_copied_is_what_is_shown(self, browser: Browser, written: Written) -> None:
        with browser.tab(written(report([finding(1, reproduce="first --command")]), passed())) as tab:
            tab.click(".open-row")
            tab.click(".detail pre + button")
            assert tab.read("navigator.clipboard.readText()") == "first --command"
            assert tab.read("document.querySelector('.detail pre + button').textContent") == "Copied"

    def test_an_address_opens_its_finding(self, browser: Browser, pages: dict[str, Path]) -> None:
        address = f"{pages['rich'].as_uri()}#finding-{finding(60).fingerprint}"  # a fixed one
        with browser.tab(address) as tab:
            assert [each.endswith("fixed") for each in rows(tab)] == [True]
            assert "Secret in source" in rows(tab)[0]
            assert tab.read("document.querySelectorAll('.detail').length") == 1
            tab.read(f"location.hash = '#finding-{finding(3).fingerprint}'")
            assert ["src/service/app.py:13" in each for each in rows(tab)] == [True]
            tab.read("location.hash = '#finding-unknown'")
            assert len(rows(tab)) == 1
            tab.read(f"location.hash = '#finding-{finding(4).id}'")
            assert ["Debug mode is on" in each for each in rows(tab)] == [True]
            assert tab.read("document.querySelector('.detail a[href^=\"#\"]').hash") == (
                f"#finding-{finding(4).fingerprint}"
            )

    def test_links_lead_to_the_line_and_tell_nobody_where_from(
        self, browser: Browser, written: Written
    ) -> None:
        with browser.tab(written(report([finding(1, uri="a/b c.ipynb")]), passed())) as tab:
            link = tab.read("document.querySelector('.where a').outerHTML")
        assert 'href="https://host.example/blob/1/a/b%20c.ipynb?plain=1#L11"' in link
        assert 'rel="noreferrer noopener"' in link


class TestKeys:
    def test_everything_is_reached_and_used_by_keys_alone(
        self, browser: Browser, pages: dict[str, Path]
    ) -> None:
        with browser.tab(pages["rich"]) as tab:
            tab.press("Tab")
            assert tab.read(FOCUS) == "Skip to the findings"
            tab.press("Enter", "Tab")
            assert tab.read(FOCUS) == "search"
            tab.type("pickle")
            assert len(rows(tab)) == 21
            tab.press("Tab", "Space")  # without the critical ones
            assert {each.split()[0] for each in rows(tab)} == {"high", "medium", "low"}
            tab.press("Tab", "Tab", "Tab", "Tab")
            assert tab.read(FOCUS) == "state"
            tab.press("ArrowDown")
            assert {each.split()[-1] for each in rows(tab)} == {"new"}
            tab.press("Tab", "Tab", "Tab", "Tab")
            assert tab.read(FOCUS) == "Severity"
            tab.press("Enter", "Tab", "Enter")
            assert tab.read("document.querySelector('[data-key=finding]').ariaSort") == "ascending"
            tab.press("Tab", "Tab", "Tab", "Tab", "Tab")
            assert tab.read("document.activeElement.className") == "open-row"
            tab.press("Enter")
            assert tab.read("document.activeElement.ariaExpanded") == "true"
            assert tab.read("document.querySelectorAll('.detail').length") == 1
            tab.press("Enter")
            assert tab.read("document.activeElement.ariaExpanded") == "false"
            assert tab.read("document.querySelectorAll('.detail').length") == 0

    def test_a_slash_leads_to_the_search_and_is_typed_there(
        self, browser: Browser, pages: dict[str, Path]
    ) -> None:
        with browser.tab(pages["rich"]) as tab:
            tab.press("/")
            tab.type("a/b")
            assert tab.read("document.getElementById('search').value") == "a/b"

    def test_the_focus_is_seen_everywhere(self, browser: Browser, pages: dict[str, Path]) -> None:
        seen = (
            "(() => { const of = (each) => getComputedStyle(each).outlineStyle;"
            " const at = document.activeElement;"
            " return [at.tagName, of(at), of(at.parentNode)]; })()"
        )
        with browser.tab(pages["one"]) as tab:
            for _ in range(30):
                tab.press("Tab")
                tag, own, around = tab.read(seen)
                assert tag == "BODY" or "none" not in {own, around} or own != around, tab.read(FOCUS)


class TestWithoutScript:
    def test_the_worst_findings_are_read_and_no_control_is_dead(
        self, browser: Browser, pages: dict[str, Path]
    ) -> None:
        with browser.tab(pages["most"], javaScript=False) as tab:
            shown = tab.read("document.querySelectorAll('#findings tbody tr').length")
            controls = "[...document.querySelectorAll('button, input, select')]"
            dead = tab.read(f"{controls}.some((each) => each.checkVisibility())")
        assert (shown, dead) == (200, False)


class TestPaper:
    def test_print_shows_more_rows_and_nothing_to_press(
        self, browser: Browser, pages: dict[str, Path], tmp_path: Path
    ) -> None:
        with browser.tab(pages["most"], scheme="dark") as tab:
            count = "document.querySelectorAll('.finding').length"
            tab.read(f"window.addEventListener('beforeprint', () => {{ window.printed = {count}; }})")
            tab.pdf(tmp_path / "page.pdf")
            assert tab.read("window.printed") == 500
            assert len(rows(tab)) == 50
            tab.media(media="print")
            hidden = "[...document.querySelectorAll('.controls, .pager button, .skip')]"
            assert tab.read(f"{hidden}.every((each) => each.checkVisibility() === false)")
        assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes())) > 5

    def test_paper_is_white_in_the_dark_too(self, browser: Browser, pages: dict[str, Path]) -> None:
        colours = (
            "[document.body, document.querySelector('section')]"
            ".map((each) => getComputedStyle(each).backgroundColor)"
        )
        with browser.tab(pages["one"], scheme="dark") as tab:
            assert "rgb(255, 255, 255)" not in tab.read(colours)
            tab.media(media="print")
            assert tab.read(colours) == ["rgb(255, 255, 255)"] * 2
