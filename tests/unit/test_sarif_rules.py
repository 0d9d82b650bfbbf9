"""Rules: severities are numbers in text, tags are few and sorted, texts are there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.sarif.build import level_of
from mlsecops.sarif.rules import (
    SEVERITY_OF_LEVEL,
    normalise_rule,
    parse_severity,
    severity_of,
    worst_level,
)


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        ("7.5", 7.5),
        (9, 9.0),
        (" 3 ", 3.0),
        ("HIGH", 8.0),
        ("critical", 9.5),
        (0.01, 0.1),
        ("0.0", None),
        ("11", None),
        (-1, None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        (10**400, None),
        ("severe", None),
        (True, None),
        (None, None),
        ([7], None),
    ],
)
def test_parse_severity(value: object, severity: float | None) -> None:
    assert parse_severity(value) == severity


@pytest.mark.parametrize("level", ["error", "warning", "note"])
def test_a_level_stands_for_a_severity_of_that_level(level: str) -> None:
    assert level_of(SEVERITY_OF_LEVEL[level]) == level


@pytest.mark.parametrize(
    ("given_rule", "level", "severity"),
    [
        ({}, "warning", "5.5"),
        ({"defaultConfiguration": {"level": "error"}}, "error", "8.0"),
        ({"defaultConfiguration": {"level": "odd"}}, "warning", "5.5"),
        ({"properties": {"security-severity": "9.8"}}, "error", "9.8"),
        ({"properties": {"security-severity": 3}}, "note", "3.0"),
        ({"properties": {"security-severity": "none"}}, "warning", "5.5"),
        (
            {"defaultConfiguration": {"level": "note"}, "properties": {"security-severity": "9.8"}},
            "note",
            "9.8",
        ),
    ],
)
def test_level_and_severity_complete_each_other(
    given_rule: dict[str, Any], level: str, severity: str
) -> None:
    rule = normalise_rule({"id": "R", **given_rule}, level="warning", message="")

    assert rule["defaultConfiguration"] == {"level": level}
    assert rule["properties"]["security-severity"] == severity


def test_tags_are_sorted_named_as_github_wants_and_at_most_ten() -> None:
    tags = [
        "python",
        "CWE-079: Cross-site",
        "cwe-79",
        "CWE502",
        "external/cwe/cwe-022",
        "HIGH CONFIDENCE",
        "owasp-ml/ML06",
        "mitre-atlas/AML.T0010",
        7,
        "",
        *(f"extra{number}" for number in range(9)),
    ]

    rule = normalise_rule({"id": "R", "properties": {"tags": tags}}, level="error", message="m")

    assert rule["properties"]["tags"] == [
        "security",
        "external/cwe/cwe-79",
        "external/cwe/cwe-502",
        "external/cwe/cwe-22",
        "owasp-ml/ML06",
        "mitre-atlas/AML.T0010",
        "python",
        "extra0",
        "extra1",
        "extra2",
    ]
    assert rule["properties"]["precision"] == "high"


@pytest.mark.parametrize(
    ("given_rule", "short", "full", "text"),
    [
        ({}, "Said by a result.", "Said by a result. More.", "Said by a result. More."),
        ({"fullDescription": {"text": "Full. Rest."}}, "Full.", "Full. Rest.", "Full. Rest."),
        ({"help": {"markdown": "**Do** it."}}, "Said by a result.", "**Do** it.", "**Do** it."),
        ({"help": {"text": "Do it. Now."}}, "Do it.", "Do it. Now.", "Do it. Now."),
        ({"shortDescription": {"text": "About R"}}, "Said by a result.", "Said by a result. More.", None),
        ({"shortDescription": {"text": "About it"}}, "About it", "Said by a result. More.", None),
    ],
)
def test_texts_stand_in_for_each_other(
    given_rule: dict[str, Any], short: str, full: str, text: str | None
) -> None:
    rule = normalise_rule({"id": "R", **given_rule}, level="note", message="Said by a result. More.")

    assert rule["shortDescription"]["text"] == short
    assert rule["fullDescription"]["text"] == full
    assert rule["help"]["text"] == (text or full)
    assert rule["help"]["markdown"]


def test_a_rule_that_says_nothing_still_has_every_text() -> None:
    rule = normalise_rule({"id": "my-rule"}, level="note", message="")

    assert rule["shortDescription"]["text"] == rule["help"]["text"] == "my-rule"
    assert rule["name"] == "MyRule"


@pytest.mark.parametrize(
    ("identifier", "name", "message", "expected"),
    [
        ("B301", "blacklist", "", "blacklist"),
        ("B301", "B301", "Pickle is unsafe", "PickleIsUnsafe"),
        ("a.b-c_d", None, "", "ABCD"),
        ("DL3007", None, "", "DL3007"),
    ],
)
def test_names_do_not_say_the_id_again(
    identifier: str, name: str | None, message: str, expected: str
) -> None:
    given_rule = {"id": identifier} if name is None else {"id": identifier, "name": name}

    assert normalise_rule(given_rule, level="note", message=message)["name"] == expected


@pytest.mark.parametrize(
    ("uri", "kept"),
    [("https://a.example/x#y", True), ("javascript:alert(1)", False), ("https://a b", False), (7, False)],
)
def test_only_web_addresses_are_help(uri: object, kept: bool) -> None:
    assert ("helpUri" in normalise_rule({"id": "R", "helpUri": uri}, level="note", message="m")) is kept


def test_long_texts_are_within_what_github_shows() -> None:
    long = {"text": "word " * 1_000}
    rule = normalise_rule(
        {"id": "R", "name": "n" * 900, "shortDescription": long, "fullDescription": long},
        level="note",
        message="",
    )

    assert len(rule["name"]) == 255
    assert len(rule["shortDescription"]["text"]) == len(rule["fullDescription"]["text"]) == 1_024


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"properties": {"mlsecops": {"severity": 4.4}}, "level": "error"}, "9.0", 4.4),
        ({"level": "note"}, "9.0", 9.0),
        ({"level": "error"}, None, 8.0),
        ({"level": "odd"}, None, 5.5),
        ({}, None, 5.5),
        ({"properties": {"mlsecops": {"severity": "?"}}}, "odd", 5.5),
    ],
)
def test_severity_of(result: dict[str, Any], rule: str | None, severity: float) -> None:
    described = None if rule is None else {"properties": {"security-severity": rule}}

    assert severity_of(result, described) == severity


def test_worst_level() -> None:
    assert worst_level(["note", "error", "warning"]) == "error"
    assert worst_level([]) == "warning"


@given(st.text(max_size=20), st.lists(st.text(max_size=30) | st.integers(), max_size=15))
def test_any_tags_and_severity_come_out_right(severity: str, tags: list[object]) -> None:
    rule = normalise_rule(
        {"id": "R", "properties": {"security-severity": severity, "tags": tags}}, level="warning", message="m"
    )["properties"]

    assert 0.1 <= float(rule["security-severity"]) <= 10.0
    assert rule["tags"][0] == "security"
    assert len(rule["tags"]) == len(set(rule["tags"])) <= 10
