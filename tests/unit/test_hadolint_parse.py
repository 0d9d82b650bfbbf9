"""hadolint's output is read without losing anything, and its copies say what the originals do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops import dockerfiles
from mlsecops.job import Parsed, Problem
from mlsecops.sarif.build import Json
from mlsecops.tools.hadolint import Copy, Hadolint, parse, prepare

CANARY = "/work/canary/Dockerfile"
PATH = "/work/dockerfiles/0"


def finding(code: str, line: int, message: str = "a message", file: str = PATH) -> Json:
    """One finding as hadolint prints it."""
    return {"code": code, "column": 1, "file": file, "level": "warning", "line": line, "message": message}


def read(text: str, *findings: Json, ignored: dict[str, str] | None = None) -> Parsed:
    """What is made of findings in one Dockerfile."""
    return parse(findings, {PATH: prepare("a/Dockerfile", text)}, CANARY, ignored or {})


def proof(copy: Copy) -> Json:
    """The finding that proves that a copy was read to its end."""
    return finding("DL4000", len(copy.lines))


def own(result: Json) -> Json:
    """Our own properties of a result."""
    bag: Json = result.get("properties", {}).get("mlsecops", {})
    return bag


def reasons(parsed: Parsed) -> list[str | None]:
    """Why each result is suppressed."""
    return [
        next((each["justification"] for each in result.get("suppressions", [])), None)
        for result in parsed.results
    ]


def test_a_finding() -> None:
    parsed = read("FROM a\nRUN apt-get install x\n", finding("DL3008", 2, "Pin versions"))
    (result,), (rule,) = parsed.results, parsed.rules
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["message"]["text"]) == ("DL3008", "Pin versions")
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a/Dockerfile", 2)
    assert rule["helpUri"] == "https://github.com/hadolint/hadolint/wiki/DL3008"
    assert rule["properties"]["security-severity"] == "1.5"
    assert rule["properties"]["mlsecops"]["fix"].startswith("Pin versions")


def test_each_rule_once() -> None:
    parsed = read("FROM a\nRUN x\nRUN y\n", finding("DL3059", 2), finding("DL3059", 3), finding("SC2086", 3))
    assert [rule["id"] for rule in parsed.rules] == ["DL3059", "SC2086"]
    assert len(parsed.results) == 3


def test_rules_without_an_entry_in_the_table() -> None:
    parsed = read("FROM a\n", finding("DL9999", 1, "Something new"), finding("SC1234", 1, "Odd shell"))
    new, shell = parsed.rules
    assert (new["shortDescription"]["text"], new["properties"]["security-severity"]) == (
        "Something new",
        "1.0",
    )
    assert (shell["shortDescription"]["text"], shell["helpUri"]) == (
        "Odd shell",
        "https://www.shellcheck.net/wiki/SC1234",
    )


def test_the_proof_is_no_finding() -> None:
    text = "FROM a\nMAINTAINER someone\n"
    copy = prepare("Dockerfile", text)
    parsed = read(text, finding("DL4000", 2), proof(copy))
    assert parsed.looked_at == {"a/Dockerfile"}
    assert [result["ruleId"] for result in parsed.results] == ["DL4000"]


@pytest.mark.parametrize("code", ["DL3008", "DL3061"])
def test_nothing_else_proves_it(code: str) -> None:
    text = "FROM a\nMAINTAINER someone\n"
    parsed = read(text, finding("DL4000", 2), finding(code, len(prepare("x", text).lines)))
    assert parsed.looked_at == frozenset()
    assert [result["ruleId"] for result in parsed.results] == ["DL4000"]


def test_the_canary_is_no_finding() -> None:
    parsed = read("FROM a\n", *(finding(code, 1, file=CANARY) for code in ("DL3002", "SC2086")))
    assert parsed.canary == {"DL3002", "SC2086"}
    assert not parsed.results


@pytest.mark.parametrize(
    ("code", "line", "expected"),
    [
        ("DL1000", 2, "hadolint cannot parse it: unexpected 'x'"),
        ("DL1000", 4, "hadolint cannot parse it: unexpected 'x'"),
        ("SC1072", 2, "shellcheck cannot parse the commands: unexpected 'x'"),
        ("SC1088", 2, "shellcheck cannot parse the commands: unexpected 'x'"),
    ],
)
def test_what_it_cannot_read_is_a_problem(code: str, line: int, expected: str) -> None:
    parsed = read("FROM a\nRUN x", finding(code, line, "unexpected 'x'\nexpecting 'y'"))
    assert parsed.problems == [Problem("a/Dockerfile", expected, 2, kind="unparsed")]
    assert (parsed.results, parsed.looked_at) == ([], frozenset())


def test_a_shell_it_does_not_know_is_a_note() -> None:
    parsed = read('FROM a\nSHELL ["zsh"]\nRUN x\n', finding("SC1071", 3))
    assert parsed.notes == ["a/Dockerfile:3: shellcheck does not know the shell of this instruction"]
    assert (parsed.problems, parsed.results) == ([], [])


@pytest.mark.parametrize("broken", [{"code": "DL3008"}, {**finding("DL3008", 1), "file": "/elsewhere"}])
def test_output_of_another_shape(broken: Json) -> None:
    with pytest.raises(LookupError):
        read("FROM a\n", broken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# hadolint ignore=DL3004\nRUN sudo x", "hadolint ignore in line 2"),
        ("# hadolint ignore=DL3004 # old script\nRUN sudo x", "old script"),
        ("  #hadolint  ignore = DL1 , DL3004\nRUN sudo x", "hadolint ignore in line 2"),
        ("RUN sudo x\n# hadolint global ignore=DL3004", "hadolint ignore in line 3"),
        ("# hadolint ignore=DL3004 old script\nRUN sudo x", None),
        ("# hadolint ignore=DL3003\nRUN sudo x", None),
        ("# hadolint ignore=DL3004\n\nRUN sudo x", None),
        ("# hadolint ignore=DL3004\n# more\nRUN sudo x", None),
        ("RUN y \\\n# hadolint global ignore=DL3004\n && sudo x", None),
        ("# shellcheck disable=DL3004\nRUN sudo x", None),
    ],
)
def test_pragmas(text: str, expected: str | None) -> None:
    line = next(number for number, each in enumerate(text.split("\n"), start=2) if each.startswith("RUN"))
    assert reasons(read(f"FROM a\n{text}\n", finding("DL3004", line))) == [expected]


@pytest.mark.parametrize(
    ("directive", "suppressed"),
    [
        ("# shellcheck disable=SC2086", True),
        ("  #shellcheck shell=sh disable=SC1000,SC2086", True),
        ("# shellcheck disable=SC2000-SC2100", True),
        ("# shellcheck disable=all", True),
        ("# shellcheck disable=SC2000-SC2085", False),
        ("# shellcheck source=x", False),
    ],
)
def test_directives_of_shellcheck(directive: str, suppressed: bool) -> None:
    text = f"FROM a\nRUN <<E\n{directive}\necho $X\nE\n"
    expected = "shellcheck disable in line 3" if suppressed else None
    assert reasons(read(text, finding("SC2086", 2), finding("DL3004", 2))) == [expected, None]
    assert ("shellcheck" in prepare("x", text).text) is ("disable" not in directive)


def test_settings_of_the_project_are_counted() -> None:
    parsed = read("FROM a\n", finding("DL3006", 1), ignored={"DL3006": "ignored in .hadolint.yaml"})
    assert reasons(parsed) == ["ignored in .hadolint.yaml"]


def test_root_weighs_more_where_it_ships() -> None:
    text = "FROM a AS b\nUSER root\nFROM a\nUSER root\n"
    build, final = read(text, finding("DL3002", 2), finding("DL3002", 4)).results
    assert own(build) == {"severity": 2.0}
    assert own(final) == {"identity": ["dockerfile", "dockerfile-root-user", "a/Dockerfile"]}


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("ENV TOKENIZERS_PARALLELISM=false", {"severity": 2.0}),
        ("ENV API_KEY=a1b2c3d4e5", {"severity": 8.5}),
        (
            "ARG A_TOKEN",
            {"identity": ["dockerfile", "dockerfile-secret-argument", "a/Dockerfile", "A_TOKEN"]},
        ),
    ],
)
def test_names_of_secrets(instruction: str, expected: Json) -> None:
    (result,) = read(f"FROM a\n{instruction}\n", finding("DL3064", 2)).results
    assert own(result) == expected


def test_one_finding_with_our_own_check() -> None:
    untagged, stage, unknown = read(
        "ARG B\nFROM a\nFROM a:latest AS c\nFROM $B\n", *(finding("DL3006", line) for line in (2, 3, 4))
    ).results
    assert own(untagged)["identity"] == ["dockerfile", "dockerfile-base-tag", "a/Dockerfile", "", "a"]
    assert own(stage)["identity"][-1] == "a"
    assert own(unknown) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", "FROM a\n\nMAINTAINER mlsecops"),
        ("FROM a\r\nRUN x\r\n", "FROM a\nRUN x\n\n\nMAINTAINER mlsecops"),
        ("FROM a\nRUN <<E\nx\nE\nUSER y", "FROM a\nRUN <<E\nx\nE\n\nUSER y\n\nMAINTAINER mlsecops"),
        ("RUN <<-E\n\tx\n\tE\n", "RUN <<E\nx\nE\n\n\n\nMAINTAINER mlsecops"),
        ("RUN x \\\n", "RUN x \n\n\nMAINTAINER mlsecops"),
        ("# escape=`\nRUN x `\n# c", "# escape=`\nRUN x \n# c\n\nMAINTAINER mlsecops"),
        ("", "\n\nMAINTAINER mlsecops"),
    ],
)
def test_copies(text: str, expected: str) -> None:
    assert prepare("x", text).text == expected


def test_lines_of_a_copy_lead_to_the_original() -> None:
    text = "FROM a\nRUN <<E\nx\nE\nUSER root\nRUN <<E\nE\nUSER root\n"
    copy = prepare("x", text)
    spelled = copy.text.split("\n")
    assert len(spelled) == len(copy.lines)
    users = [copy.lines[index] for index, line in enumerate(spelled) if line == "USER root"]
    assert users == [5, 8]


_PIECES = st.sampled_from(
    ["FROM a", "RUN <<E", "RUN <<-E", "E", "\tE", "x \\", "# shellcheck disable=SC1", "\n", "\\"]
)


@given(st.lists(_PIECES | st.text(max_size=4), max_size=20).map("\n".join))
def test_copies_keep_every_line(text: str) -> None:
    copy = prepare("x", text)
    original = dockerfiles.parse(text).lines
    assert copy.text.split("\n")[-1] == "MAINTAINER mlsecops"
    assert sorted(set(copy.lines)) == list(range(1, len(original) + 1))
    assert list(copy.lines) == sorted(copy.lines)


def test_the_canary_is_due() -> None:
    assert {"DL3002", "SC2086", "DL4000"} <= Hadolint().canary_rules
