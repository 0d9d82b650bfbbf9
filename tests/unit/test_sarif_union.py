"""Several runs of one tool say together what each of them says, and no better."""

from __future__ import annotations

from typing import Any

import pytest
from mlsecops.sarif.build import Json
from mlsecops.sarif.check import check
from mlsecops.sarif.union import unite, unite_properties
from support.sarif_in_memory import combine
from support.sarif_samples import log, simple_run


def evidence(**said: Any) -> Json:
    """A run that only says something of itself."""
    return {"tool": {"driver": {"name": "t"}}, "properties": {"mlsecops": said}}


def together(one: Json, other: Json) -> Json:
    """What two runs say together."""
    united, _ = unite(one, other)
    said = united["properties"]["mlsecops"]
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("passed", "findings", "findings"),
        ("passed", "incomplete", "incomplete"),
        ("skipped", "passed", "passed"),
        ("findings", "incomplete", "incomplete"),
        ("passed", "unheard-of", "unheard-of"),
    ],
)
def test_the_worst_status_counts(one: str, other: str, both: str) -> None:
    assert together(evidence(status=one), evidence(status=other))["status"] == both
    assert together(evidence(status=other), evidence(status=one))["status"] == both


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("found", "not found", "not found"),
        ("found", "not needed", "found"),
        ("not needed", "not needed", "not needed"),
    ],
)
def test_a_canary_that_was_missed_once_was_missed(one: str, other: str, both: str) -> None:
    assert together(evidence(canary=one), evidence(canary=other))["canary"] == both


def test_counts_add_up_reasons_join_and_the_oldest_data_counts() -> None:
    one = evidence(
        expected=2,
        scanned=1,
        seconds=0.5,
        suppressed=1,
        reason="one failed",
        notes=["a"],
        data={"source": "new", "date": "2026-11-01"},
        stage="sca",
    )
    other = evidence(
        expected=3,
        scanned=3,
        seconds=1.0,
        notes=["a", "b"],
        data={"source": "old", "date": "2026-01-01"},
        reason="",
    )

    assert together(one, other) == {
        "expected": 5,
        "scanned": 4,
        "seconds": 1.5,
        "suppressed": 1,
        "reason": "one failed",
        "notes": ["a", "b"],
        "data": {"source": "old", "date": "2026-01-01"},
        "stage": "sca",
    }


def test_one_side_may_say_nothing() -> None:
    nothing: Json = {"tool": {"driver": {"name": "t"}}}

    assert together(nothing, evidence(status="passed")) == {"status": "passed"}
    assert together(evidence(status="passed"), nothing) == {"status": "passed"}
    assert "properties" not in unite(nothing, nothing)[0]


def test_rules_files_and_invocations_are_united() -> None:
    one = simple_run("t", "c/", [9.0, 5.0])
    other = simple_run("t", "c/", [5.0, 2.0])
    for number, rule in enumerate(other["tool"]["driver"]["rules"], start=1):
        rule["id"] = f"R{number}"
    other["artifacts"][0]["location"] = {"uri": "other.py"}
    other["invocations"].append({"executionSuccessful": False})

    united, moved = unite(one, other)

    assert [rule["id"] for rule in united["tool"]["driver"]["rules"]] == ["R0", "R1", "R2"]
    assert moved == {0: 1, 1: 2}
    assert [each["location"]["uri"] for each in united["artifacts"]] == ["src/big.py", "other.py"]
    assert [each["executionSuccessful"] for each in united["invocations"]] == [True, False]
    assert len(one["tool"]["driver"]["rules"]) == 2


def test_combining_renumbers_rules_and_keeps_equal_results_once() -> None:
    one = simple_run("t", "c/", [9.0])
    other = simple_run("t", "c/", [5.0, 9.0])
    for rule, name in zip(other["tool"]["driver"]["rules"], ("R1", "R0"), strict=True):
        rule["id"] = name
    for result, name in zip(other["results"], ("R1", "R0"), strict=True):
        result["ruleId"] = name
    other["results"].append(one["results"][0])

    (run,) = combine([one, other])

    assert [result["ruleId"] for result in run["results"]] == ["R0", "R1", "R0"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]
    assert check(log(run)) == []


def test_runs_of_other_tools_or_categories_stay_apart() -> None:
    run = simple_run("t", "c/", [9.0])
    runs = [
        run,
        {**run, "automationDetails": {"id": "mlsecops/other/sast/t/"}},
        {**run, "tool": {"driver": {**run["tool"]["driver"], "name": "u"}}},
    ]

    assert combine(runs) == runs


def test_property_bags_unite_by_kind() -> None:
    one = {"left-out": [1, 2], "project": "a", "deep": {"x": [1]}}
    other = {"left-out": [2, 3], "project": "b", "deep": {"x": [2], "y": 1}, "more": True}

    assert unite_properties(one, other) == {
        "left-out": [1, 2, 3],
        "project": "a",
        "deep": {"x": [1, 2], "y": 1},
        "more": True,
    }
    assert one["left-out"] == [1, 2]
