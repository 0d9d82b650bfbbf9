from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mlsecops.findings import StageReport
from mlsecops.report import parts
from mlsecops.report.parts import Links
from support.reports import finding, package_finding, report, stage, tool, waiver


class TestParts:
    def test_without_a_baseline_every_open_finding_is_shown_as_new(self) -> None:
        found = parts.parts(
            report([finding(1, state=None), finding(2, state=None, suppressed="x")], baseline=None)
        )
        assert [each.line for each in found.new] == [11]
        assert [each.line for each in found.suppressed] == [12]

    def test_a_finding_is_in_one_part_only(self) -> None:
        accepted = finding(1, waiver=waiver(), suppressed="too")
        found = parts.parts(report([accepted, finding(2), finding(3, state="unchanged")]))
        assert [len(each) for each in (found.new, found.unchanged, found.waived, found.suppressed)] == [
            1,
            1,
            1,
            0,
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "upgrade `flask` to `2.2.5` or `2.3.2`"),
        ({"fixed_in": "2.2.5"}, "upgrade `flask` to `2.2.5`"),
        ({"fixed_in": None}, "no fixed version is known"),
        ({"fixed_in": None, "fix": "remove it"}, "remove it"),
        ({"fixed_in": None, "aliases": ()}, ""),
    ],
)
def test_remedy_of_a_package(changes: dict[str, Any], words: str) -> None:
    assert parts.remedy(package_finding(**changes)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (41.4, "41 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7200, "120 min 0 s"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert parts.duration(seconds) == words


def test_place_names_the_part_of_the_file() -> None:
    assert parts.place(finding(cell="cell 3", uri="a.ipynb", line=4)) == "a.ipynb:4 (cell 3)"


def test_looked_at() -> None:
    assert parts.looked_at(tool("x", "sast", expected=1200, scanned=3, canary="not found")) == (
        "3 of 1,200, canary not found"
    )
    assert parts.looked_at(tool("x", "sast", status="skipped")) == "nothing"


def test_a_reason_does_not_name_its_tool_again() -> None:
    assert parts.reason(tool("x", "sast", reason="x: no network")) == "no network"
    assert parts.reason(tool("x", "sast", reason="no network")) == "no network"


def test_a_problem_that_is_the_reason_is_not_told_twice() -> None:
    broken = tool("x", "sast", reason="x: no network", problems=("no network", "a.py: unreadable"))
    assert parts.problems(broken) == ("a.py: unreadable",)


def test_stages_in_words() -> None:
    assert parts.stages_in_words(report().stages[:4]) == "all 4 stages complete"
    words = "3 of 5 stages complete, model incomplete, container skipped"
    assert parts.stages_in_words(report(incomplete=True).stages) == words
    every = [stage(f"s{number}", tool("x", f"s{number}", status="skipped")) for number in range(12)]
    assert parts.stages_in_words(every).endswith("s6, s7 and 4 more skipped")
    worst = [*every[:2], *(replace(each, status="incomplete") for each in every[2:5])]
    words = "0 of 5 stages complete, s2, s3 and s4 incomplete, s0 and s1 skipped"
    assert parts.stages_in_words(worst) == words
    assert parts.stages_in_words([StageReport(name="a", status="findings")]) == "1 stage complete"


def test_explanation_leaves_out_the_fix_that_is_shown_anyway() -> None:
    text = "# Why\n\nIt **runs**\ncode.\n\n**Fix:** do not."
    assert parts.explanation(finding(help=text, fix="do not.")) == ("Why", "It runs code.")
    assert parts.explanation(finding(help=text, fix="")) == ("Why", "It runs code.", "Fix: do not.")


def test_classes_are_the_published_ones() -> None:
    tags = ("security", "external/cwe/cwe-502", "owasp-ml/ML06", "correctness", "mitre-atlas/AML.T0010")
    assert parts.classes(finding(cwes=("CWE-502",), tags=tags)) == ("CWE-502", "ML06", "AML.T0010")


def test_links_need_an_address_of_the_files() -> None:
    assert Links().file("a.py", 3) == ""
    assert (
        Links(blob="https://host.example/b").file("a b.md", 3) == "https://host.example/b/a%20b.md?plain=1#L3"
    )
