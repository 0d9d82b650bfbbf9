"""Evidence of pytest's runs -> results, units, canary, JUnit and coverage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from defusedxml.ElementTree import fromstring
from mlsecops.project import Project, TestSetup
from mlsecops.tools.pytest import canary_token, plant_canaries
from mlsecops.tools.pytest_output import junit_documents
from mlsecops.tools.pytest_results import canaries_failed, joined_junit, line_share, parse_runs, run_failed

SOURCE = Path("/scratch/project")
CANARY = "/scratch/project/tests/test_mlsecops_canary_0a_0.py"
CANARIES = {CANARY: "/scratch/project/tests"}
CANARY_ITEM = "tests/test_mlsecops_canary_0a_0.py::test_canary"


def trouble(nodeid: str, when: str = "call", line: int = 3, message: str = "no") -> dict[str, Any]:
    return {"nodeid": nodeid, "when": when, "line": line, "message": message}


def evidence(**changes: Any) -> dict[str, Any]:
    """A run with one test that passes and the canary that fails."""
    items = {"tests/test_a.py::test_one": "/scratch/project/tests/test_a.py", CANARY_ITEM: CANARY}
    seen: dict[str, Any] = {
        "pytest": "9.0",
        "workers": False,
        "items": items,
        "deselected": [],
        "ended": list(items),
        "skipped": [],
        "troubles": [trouble(CANARY_ITEM)],
        "uncollected": [],
    }
    return seen | changes


def project(*files: str) -> Project:
    return Project(root=SOURCE, tests=TestSetup(paths=("tests",), files=files))


def test_a_sound_run_has_its_units_and_canary_and_no_result() -> None:
    parsed = parse_runs([evidence()], project("tests/test_a.py"), SOURCE, CANARIES)
    assert parsed.due == parsed.looked_at == {"tests/test_a.py::test_one"}
    assert parsed.canary == {"test-failed"}
    assert (parsed.results, parsed.notes, parsed.problems) == ([], [], [])


@pytest.mark.parametrize(
    ("when", "rule"), [("call", "test-failed"), ("setup", "test-error"), ("teardown", "test-error")]
)
def test_a_failure_is_a_result_on_its_line(when: str, rule: str) -> None:
    troubles = [trouble(CANARY_ITEM), trouble("tests/test_a.py::test_one", when, 7, "a\x1bb")]
    parsed = parse_runs([evidence(troubles=troubles)], project("tests/test_a.py"), SOURCE, CANARIES)
    (result,) = parsed.results
    place = result["locations"][0]["physicalLocation"]
    assert result["ruleId"] == rule
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("tests/test_a.py", 7)
    assert "test_one" in result["message"]["text"]
    assert "a\\x1bb" in result["message"]["text"]


def test_a_test_that_did_not_end_or_vanished_is_missing() -> None:
    parsed = parse_runs([evidence(ended=[CANARY_ITEM])], project("tests/test_a.py"), SOURCE, CANARIES)
    assert parsed.due is not None
    assert parsed.due - parsed.looked_at == {"tests/test_a.py::test_one"}


def test_what_was_left_out_skipped_or_empty_is_told() -> None:
    items = evidence()["items"] | {"tests/test_a.py::test_two": "/scratch/project/tests/test_a.py"}
    run = evidence(
        items=items, deselected=["tests/test_a.py::test_two"], skipped=["tests/test_a.py::test_one"]
    )
    files = project("tests/test_a.py", "tests/test_b.py", "tests/test_c.py")
    parsed = parse_runs([run], files, SOURCE, CANARIES)
    assert parsed.notes == [
        "1 test was left out by the project's own settings or command",
        "1 of 1 tests were skipped",
        "pytest collected nothing from tests/test_b.py and 1 more",
    ]


def test_a_test_that_one_of_two_runs_selects_is_due() -> None:
    left_out = evidence(deselected=["tests/test_a.py::test_one"], ended=[CANARY_ITEM])
    parsed = parse_runs([left_out, evidence()], project("tests/test_a.py"), SOURCE, CANARIES)
    assert parsed.due == parsed.looked_at == {"tests/test_a.py::test_one"}
    assert parsed.notes == []


def test_a_collection_error_is_a_problem_with_its_file() -> None:
    uncollected = [{"path": "/scratch/project/tests/test_b.py", "message": "NameError: x"}]
    parsed = parse_runs([evidence(uncollected=uncollected)], project("tests/test_b.py"), SOURCE, CANARIES)
    assert [(each.uri, each.message) for each in parsed.problems] == [
        ("tests/test_b.py", "it cannot be collected: NameError: x")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"troubles": []},
        {"troubles": [trouble(CANARY_ITEM, "setup")]},
        {"items": {"tests/test_a.py::test_one": "/scratch/project/tests/test_a.py"}},
    ],
)
def test_a_canary_that_is_not_seen_to_fail_is_lost(changes: dict[str, Any]) -> None:
    assert canaries_failed(evidence(), CANARIES)
    assert not canaries_failed(evidence(**changes), CANARIES)
    both = parse_runs([evidence(), evidence(**changes)], project(), SOURCE, CANARIES)
    assert both.canary == frozenset()
    assert parse_runs([], project(), SOURCE, CANARIES).canary == frozenset()


def test_each_folder_that_tests_come_from_needs_its_own_canary() -> None:
    other = {"/scratch/project/deep/test_mlsecops_canary_0a_1.py": "/scratch/project/deep"}
    assert canaries_failed(evidence(), CANARIES | other)
    items = evidence()["items"] | {"deep/test_x.py::test_x": "/scratch/project/deep/test_x.py"}
    assert not canaries_failed(evidence(items=items), CANARIES | other)


def test_canaries_are_named_as_the_tests_of_their_folder(tmp_path: Path) -> None:
    for folder in ("a", "b", "c", "d"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one.py").touch()
    files = ["a/test_x.py", "a/test_y.py", "b/x_test.py", "c/tests.py"]
    planted = plant_canaries(files, ["a", "b", "c", "d", "one.py::test_x"], tmp_path, "0a")
    names = [Path(path).relative_to(tmp_path.resolve()).as_posix() for path in planted]
    assert names == [
        "a/test_mlsecops_canary_0a_0.py",
        "b/mlsecops_canary_0a_1_test.py",
        "c/mlsecops_canary_0a_2/tests.py",
        "d/test_mlsecops_canary_0a_3.py",
        "mlsecops_canary_0a_4/one.py",
    ]
    assert [Path(each).name for each in planted.values()] == ["a", "b", "c", "d", tmp_path.name]
    assert [canary_token(name) for name in names] == [f"mlsecops_canary_0a_{n}" for n in range(5)]


def test_the_kept_junit_file_has_no_canary_and_true_counts() -> None:
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", tests="3", failures="2", errors="0", skipped="0", hostname="mine")
    SubElement(suite, "testcase", classname="tests.test_a", name="test_one")
    for name in ("tests.test_a", "tests.test_mlsecops_canary_0a_0"):
        SubElement(SubElement(suite, "testcase", classname=name, name="test_two"), "failure")
    (kept,) = fromstring(joined_junit([root], ["mlsecops_canary_0a_0"])).iter("testsuite")
    assert [case.get("name") for case in kept.iter("testcase")] == ["test_one", "test_two"]
    assert kept.attrib == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}


def test_the_share_of_lines_counts_the_named_files_only() -> None:
    def file(statements: int, covered: int) -> dict[str, Any]:
        return {"summary": {"num_statements": statements, "covered_lines": covered}}

    report = {"files": {"app.py": file(3, 1), "b/c.py": file(1, 1), "tests/test_a.py": file(90, 90)}}
    assert line_share(report, ["app.py", "b/c.py"]) == 50.0
    assert line_share(report, ["none.py"]) is None


def test_a_run_that_fails_though_no_test_does_is_a_result() -> None:
    result = run_failed("coverage is too low", project("tests/test_a.py"))
    assert result["ruleId"] == "test-run-failed"
    assert "coverage is too low" in result["message"]["text"]


def test_a_report_that_has_no_end_or_is_no_file_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "evidence.json.1.junit").touch()
    os.truncate(tmp_path / "evidence.json.1.junit", 4 << 30)
    os.mkfifo(tmp_path / "evidence.json.2.junit")
    documents, notes = junit_documents(tmp_path / "evidence.json")
    assert documents == []
    assert ["more than 134,217,728 bytes" in notes[0], "Not a regular file" in notes[1]] == [True, True]
