"""Whatever a tool writes, the run that comes out keeps the contract and tells nothing of this machine."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.sarif.build import SCHEMA, Json, Location, Result, Rule, level_of
from mlsecops.sarif.check import check
from mlsecops.sarif.files import read, write
from mlsecops.sarif.normalise import DEFAULT_ANCHOR, normalise_run
from mlsecops.sarif.text import MESSAGE_LENGTH
from support.sarif_samples import (
    all_tools,
    bandit,
    hadolint,
    log,
    normal,
    place,
    read_lines,
    semgrep,
    zizmor,
)


def one_result(**changes: Any) -> Json:
    """A run with one result of one rule."""
    result = {"ruleId": "R", "message": {"text": "found"}, "locations": [place("Dockerfile", startLine=2)]}
    return {"tool": {"driver": {"name": "t", "rules": []}}, "results": [result | changes]}


def only(run: Json, **options: Any) -> Json:
    """The one result of a run, normalised."""
    (result,) = normal(run, **options)["results"]
    assert isinstance(result, dict)
    return result


def uri_of(result: Json) -> str:
    """The URI of a result's first place."""
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def rule_of(run: Json, number: int = 0) -> Json:
    """A rule of a normalised run."""
    rule = run["tool"]["driver"]["rules"][number]
    assert isinstance(rule, dict)
    return rule


def test_what_every_tool_writes_passes_our_lint() -> None:
    assert check(all_tools()) == []


def test_nothing_of_this_machine_is_left() -> None:
    text = orjson.dumps(all_tools()).decode()

    assert "secret-folder" not in text
    assert "/home/me" not in text
    assert "requires login" not in text


def test_semgrep_keeps_flows_fixes_and_suppressions() -> None:
    run = normal(semgrep(), raw_uris=True)
    first, second = run["results"]

    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps] == [4, 5]
    assert steps[0]["nestingLevel"] == 0
    change = first["fixes"][0]["artifactChanges"][0]
    assert change["artifactLocation"]["uri"] == "src/load%20model.py"
    assert change["replacements"][0] == {
        "deletedRegion": {"startLine": 5, "startColumn": 12, "endColumn": 23},
        "insertedContent": {"text": "safe_load"},
    }
    assert second["suppressions"] == [{"kind": "inSource"}]
    assert first["level"] == "error"
    assert first["locations"][0]["physicalLocation"]["region"]["snippet"]["text"].startswith("    return")


def test_semgrep_rules_get_a_title_a_cwe_a_severity_and_their_stated_confidence() -> None:
    rule = rule_of(normal(semgrep(), raw_uris=True))

    assert rule["shortDescription"]["text"] == "Loading runs code."
    assert rule["help"]["markdown"] == "Loading **runs** code."
    assert rule["name"] == "UnsafeLoad"
    assert rule["properties"] == {
        "precision": "low",
        "tags": ["security", "external/cwe/cwe-502"],
        "security-severity": "8.0",
    }


def test_bandit_rules_get_texts_and_a_level_from_their_results() -> None:
    run = normal(bandit())
    rule = rule_of(run)

    assert rule["help"]["text"] == "Pickle can be unsafe. Do not load what you did not make."
    assert rule["shortDescription"]["text"] == "Pickle can be unsafe."
    assert rule["defaultConfiguration"]["level"] == "warning"
    assert rule["properties"]["security-severity"] == "5.5"
    assert rule["helpUri"] == "https://bandit.example/b301"
    assert uri_of(run["results"][0]) == "src/load%20model.py"
    assert run["results"][0]["level"] == "warning"
    assert "contextRegion" not in run["results"][0]["locations"][0]["physicalLocation"]
    assert run["invocations"] == [{"executionSuccessful": True, "endTimeUtc": "2026-11-20T11:50:00Z"}]


def test_hadolint_gets_rules_and_a_version() -> None:
    run = normal(hadolint(), "hadolint", "container")

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["DL3007", "DL3003"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 1]
    assert run["tool"]["driver"]["semanticVersion"] == "2.15.1"
    assert rule_of(run, 1)["defaultConfiguration"]["level"] == "note"
    assert run["automationDetails"] == {"id": "mlsecops/container/hadolint/"}


def test_zizmor_keeps_its_steps_and_loses_its_symbols() -> None:
    result = only(zizmor(), raw_uris=True)

    assert result["kind"] == "fail"
    assert "logicalLocations" not in result["locations"][0]
    assert result["codeFlows"][0]["threadFlows"][0]["locations"][0]["importance"] == "essential"
    assert result["locations"][0]["message"]["text"] == "does not set persist-credentials: false"


def test_our_own_results_stay_as_they_are_built() -> None:
    rule = Rule(id="R", name="Own", summary="s", help="h", fix="f", severity=9.5, tags=("owasp-ml/ML06",))
    result = Result(
        rule_id="R",
        message="m",
        location=Location(uri="src/load model.py", start_line=5, logical="load"),
        related=(("see", Location(uri="Dockerfile", start_line=2)),),
        severity=5.0,
        identity=("a", "b"),
        suppression="known",
    )

    run = normal(
        {"tool": {"driver": {"name": "own", "rules": [rule.to_sarif()]}}, "results": [result.to_sarif()]}
    )

    assert rule_of(run) == rule.to_sarif()
    built = result.to_sarif()
    (done,) = run["results"]
    assert {key: done[key] for key in built} == built
    assert done["properties"]["mlsecops"] == {"identity": ["a", "b"], "severity": 5.0}


@pytest.mark.parametrize(
    ("uri", "raw", "expected"),
    [
        ("Dockerfile", False, "Dockerfile"),
        ("./a//b/../c.py", False, "a/c.py"),
        ("a%20b.py", False, "a%20b.py"),
        ("a%20b.py", True, "a%2520b.py"),
        ("a b.py", False, "a%20b.py"),
        ("100%.py", False, "100%25.py"),
        ("ü.py", False, "%C3%BC.py"),
        ("C#.py", False, "C%23.py"),
        ("what?.py", False, "what%3F.py"),
        ("a:b.py", True, "a%3Ab.py"),
        ("file:///tmp/work/copy/src/a%20b.py", False, "src/a%20b.py"),
        ("/tmp/work/copy/src/a.py", False, "src/a.py"),
        ("/tmp/work/copy/vendor/a.py", False, "third_party/a.py"),
        ("copy/x.py", False, "x.py"),
        ("a\udcff.py", True, "a%FF.py"),
        ("a\ud800.py", True, "a%EF%BF%BD.py"),
        ("line\nbreak.py", True, "line%0Abreak.py"),
    ],
)
def test_uris_are_relative_and_encoded_once(uri: str, raw: bool, expected: str) -> None:
    roots = {"/tmp/work/copy": "", "/tmp/work/copy/vendor/": "third_party", "copy": ""}

    result = only(one_result(locations=[place(uri, startLine=1)]), raw_uris=raw, roots=roots)

    assert uri_of(result) == expected
    assert result["message"]["text"] == "found"


@pytest.mark.parametrize(
    "uri",
    [
        "https://host/x?y=1",
        "/etc/passwd",
        "../up.py",
        "a/../../up.py",
        ".",
        "",
        "pkg:pypi/flask@2",
        "docker://a/b",
    ],
)
def test_places_outside_of_the_repository_are_anchored_and_named(uri: str) -> None:
    result = only(one_result(locations=[place(uri, startLine=7)]), anchor="Dockerfile")

    assert uri_of(result) == "Dockerfile"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert result["message"]["text"] == (f"found (reported at {uri})" if uri else "found")
    assert check({"$schema": SCHEMA, "version": "2.1.0", "runs": [normal(one_result())]}) == []


def test_a_root_is_not_taken_for_a_folder_that_starts_like_it() -> None:
    result = only(one_result(locations=[place("/tmp/work-of-others/a.py")]), roots={"/tmp/work": ""})

    assert "work-of-others" in result["message"]["text"]


def test_results_without_any_place_are_anchored_to_a_file_that_was_looked_at() -> None:
    run = one_result(locations=[])

    assert uri_of(only(run)) == DEFAULT_ANCHOR
    assert (
        uri_of(only({**run, "artifacts": [{"location": {"uri": "src/load%20model.py"}}]}))
        == "src/load%20model.py"
    )


def test_a_place_in_the_repository_is_kept_beside_one_outside_and_the_other_is_named() -> None:
    result = only(one_result(locations=[place("https://host/x"), place("Dockerfile", startLine=2)]))

    assert [uri_of({"locations": [each]}) for each in result["locations"]] == ["Dockerfile"]
    assert result["message"]["text"] == "found (reported at https://host/x)"


def test_base_ids_and_artifact_indices_are_resolved() -> None:
    run = one_result(
        locations=[
            {"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 1}}},
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "src/a.py", "uriBaseId": "ROOT"},
                    "region": {"startLine": 1},
                }
            },
        ]
    )
    run["artifacts"] = [{"location": {"uri": "Dockerfile"}, "contents": {"text": "FROM x"}, "length": 4}]
    run["originalUriBaseIds"] = {"ROOT": {"uri": "file:///tmp/work/"}, "BAD": 5}

    done = normal(run, roots={"/tmp/work": "app"})

    places = done["results"][0]["locations"]
    assert [uri_of({"locations": [each]}) for each in places] == ["Dockerfile", "app/src/a.py"]
    assert done["artifacts"] == [
        {"location": {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"}, "length": 4},
    ]
    assert "file:" not in str(done)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ({}, {"startLine": 1}),
        ({"startLine": 0}, {"startLine": 1}),
        ({"startLine": -3, "startColumn": -1}, {"startLine": 1}),
        ({"startLine": "2"}, {"startLine": 1}),
        ({"startLine": True}, {"startLine": 1}),
        ({"startLine": 99, "endLine": 120}, {"startLine": 3, "endLine": 3}),
        ({"startLine": 2, "endLine": 1}, {"startLine": 2}),
        ({"startLine": 2, "startColumn": 5, "endColumn": 3}, {"startLine": 2, "startColumn": 5}),
        ({"startLine": 2, "startColumn": 500, "endColumn": 600}, {"startLine": 2}),
        (
            {"startLine": 2, "startColumn": 1, "endColumn": 500},
            {"startLine": 2, "startColumn": 1, "endColumn": 33},
        ),
        ({"startLine": 1, "endLine": 2, "startColumn": 9, "endColumn": 2}, None),
        ({"startLine": 1, "charOffset": 7, "byteOffset": 7}, {"startLine": 1}),
    ],
)
def test_regions_lie_on_lines_that_exist(region: Json, expected: Json | None) -> None:
    result = only(one_result(locations=[place("Dockerfile", **region)]))

    assert result["locations"][0]["physicalLocation"]["region"] == (region if expected is None else expected)


def test_regions_of_unread_files_stay() -> None:
    region = {"startLine": 99, "startColumn": 4, "endLine": 100, "endColumn": 2}

    assert only(one_result(locations=[place("model.bin", **region)]))["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "model.bin", "uriBaseId": "%SRCROOT%"},
        "region": region,
    }


def test_messages_are_clean_short_and_never_empty() -> None:
    colours = only(one_result(message={"text": "\x1b[31mbad\x1b[0m\x00"}))
    empty = only(one_result(message={"text": " \n"}))
    long = only(one_result(message={"text": "x" * 9_000}, locations=[place("https://h/y")]))

    assert colours["message"] == {"text": "bad"}
    assert empty["message"] == {"text": "R"}
    assert len(long["message"]["text"]) == MESSAGE_LENGTH
    assert long["message"]["text"].endswith("[9,000 characters] (reported at https://h/y)") is False
    assert long["message"]["text"].endswith("(reported at https://h/y)")
    assert "characters]" in long["message"]["text"]


def test_message_strings_of_the_rule_are_filled_in() -> None:
    run = one_result(message={"id": "default", "arguments": ["flask", "2.3"]})
    run["tool"]["driver"]["rules"] = [
        {"id": "R", "messageStrings": {"default": {"text": "{0} {1} {2} is old"}}}
    ]

    assert only(run)["message"]["text"] == "flask 2.3 {2} is old"


def test_markdown_stands_in_for_a_missing_text() -> None:
    assert only(one_result(message={"markdown": "**bad**"}))["message"] == {
        "text": "**bad**",
        "markdown": "**bad**",
    }


@pytest.mark.parametrize(
    ("changes", "rules", "level"),
    [
        ({"level": "error"}, [], "error"),
        ({}, [], "warning"),
        ({"level": "fatal"}, [], "warning"),
        ({}, [{"id": "R", "defaultConfiguration": {"level": "note"}}], "note"),
        ({}, [{"id": "R", "properties": {"security-severity": "9.8"}}], "error"),
        ({"kind": "pass", "level": "error"}, [], "none"),
    ],
)
def test_every_result_says_its_level(changes: Json, rules: list[Json], level: str) -> None:
    run = one_result(**changes)
    run["tool"]["driver"]["rules"] = rules

    assert only(run)["level"] == level


def test_a_result_that_is_not_of_its_rules_level_has_a_severity_of_its_own() -> None:
    run = one_result(level="error")
    run["tool"]["driver"]["rules"] = [{"id": "R", "properties": {"security-severity": "2.5"}}]
    own = one_result(level="error", properties={"mlsecops": {"severity": 7.1}})

    result = only(run)

    assert result["properties"]["mlsecops"] == {"severity": 8.0}
    assert level_of(result["properties"]["mlsecops"]["severity"]) == "error"
    assert only(own)["properties"]["mlsecops"] == {"severity": 7.1}


@pytest.mark.parametrize(
    "result",
    [
        {"ruleId": "B"},
        {"ruleIndex": 1},
        {"rule": {"id": "B"}},
        {"rule": {"index": 1}},
        {"rule": {"index": 0, "toolComponent": {"index": 0}}},
    ],
)
def test_rules_are_found_however_a_result_names_them(result: Json) -> None:
    run = one_result(**result)
    run["results"][0] = {"message": {"text": "m"}, "locations": [], **result}
    run["tool"] = {
        "driver": {"name": "t", "rules": [{"id": "A"}, {"id": "B"}]},
        "extensions": [{"name": "e", "rules": [{"id": "B"}]}],
    }

    done = normal(run)

    assert done["results"][0]["ruleId"] == "B"
    assert rule_of(done, done["results"][0]["ruleIndex"])["id"] == "B"
    assert "extensions" not in done["tool"]


@pytest.mark.parametrize(
    "result", [{}, {"ruleIndex": 9}, {"rule": {"index": 3, "toolComponent": {"index": 8}}}]
)
def test_a_result_without_a_rule_gets_one_of_the_tools_name(result: Json) -> None:
    run = {"tool": {"driver": {"name": "T"}}, "results": [{"message": {"text": "m"}, **result}]}

    done = normal(run, "thetool")

    assert done["results"][0]["ruleId"] == "thetool"
    assert rule_of(done)["id"] == "thetool"


def test_better_rules_win_and_ids_are_renamed_first() -> None:
    run = one_result(ruleId="tmp.rules.R")
    run["tool"]["driver"]["rules"] = [{"id": "tmp.rules.R", "help": {"text": "poor"}}]
    better = {"R": {"help": {"text": "good"}, "properties": {"security-severity": "9.1", "tags": ["CWE-79"]}}}

    done = normal(run, rules=better, rename_rule=lambda name: name.removeprefix("tmp.rules."))

    assert done["results"][0]["ruleId"] == "R"
    assert rule_of(done)["help"]["text"] == "good"
    assert rule_of(done)["properties"]["tags"] == ["security", "external/cwe/cwe-79"]
    assert len(done["tool"]["driver"]["rules"]) == 1


def test_a_run_of_ours_keeps_its_category_and_evidence() -> None:
    run = one_result() | {
        "automationDetails": {"id": "mlsecops/api/sast/bandit/", "guid": "x"},
        "properties": {"mlsecops": {"status": "passed", "notes": ["\x1b[1mhi"]}, "metrics": {"/tmp/x": 1}},
        "columnKind": "utf16CodeUnits",
    }

    done = normal(run)

    assert done["automationDetails"] == {"id": "mlsecops/api/sast/bandit/"}
    assert done["properties"] == {"mlsecops": {"status": "passed", "notes": ["hi"]}}
    assert done["columnKind"] == "utf16CodeUnits"
    assert (
        normal({**run, "automationDetails": {"id": "run-4711"}})["automationDetails"]["id"]
        == "mlsecops/sast/tool/"
    )


def test_notifications_keep_message_level_and_places_of_the_repository() -> None:
    run = one_result()
    run["invocations"] = [
        {
            "executionSuccessful": "yes",
            "exitCode": 3,
            "startTimeUtc": "yesterday",
            "toolExecutionNotifications": [
                {
                    "level": "error",
                    "message": {"text": "\x1b[31mcannot parse"},
                    "locations": [place("Dockerfile", startLine=1), place("/usr/lib/x.py")],
                    "descriptor": {"id": "syntax"},
                    "exception": {"stack": "/home/me"},
                },
                {"level": "odd"},
            ],
        }
    ]

    (invocation,) = normal(run)["invocations"]

    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    assert "startTimeUtc" not in invocation
    first, second = invocation["toolExecutionNotifications"]
    assert first["message"] == {"text": "cannot parse"}
    assert first["descriptor"] == {"id": "syntax"}
    assert [uri_of({"locations": [each]}) for each in first["locations"]] == ["Dockerfile"]
    assert set(first) == {"level", "message", "locations", "descriptor"}
    assert second["level"] == "warning"
    assert second["message"]["text"]


def test_related_places_and_steps_outside_are_anchored_and_named() -> None:
    outside = {**place("/usr/lib/python3/pickle.py", startLine=3), "message": {"text": "defined here"}}
    run = one_result(
        relatedLocations=[{**outside, "id": 1}, place("/usr/lib/os.py")],
        codeFlows=[
            {"threadFlows": [{"locations": [{"location": outside}, {"index": 4}]}]},
            {"threadFlows": [{"locations": []}]},
        ],
    )

    result = only(run, anchor="Dockerfile")

    named, unnamed = result["relatedLocations"]
    assert named["id"] == 1
    assert uri_of({"locations": [named]}) == "Dockerfile"
    assert named["message"]["text"] == "defined here (at /usr/lib/python3/pickle.py)"
    assert unnamed["message"]["text"] == "at /usr/lib/os.py"
    assert len(result["codeFlows"]) == 1
    assert len(result["codeFlows"][0]["threadFlows"][0]["locations"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"artifactLocation": {"uri": "/etc/passwd"}, "replacements": [{"deletedRegion": {"startLine": 1}}]},
        {"artifactLocation": {"uri": "Dockerfile"}, "replacements": [{"deletedRegion": {"byteOffset": 4}}]},
        {"artifactLocation": {"uri": "Dockerfile"}, "replacements": []},
    ],
)
def test_a_fix_that_is_not_whole_is_no_fix(change: Json) -> None:
    good = {"artifactLocation": {"uri": "Dockerfile"}, "replacements": [{"deletedRegion": {"startLine": 1}}]}

    assert "fixes" not in only(
        one_result(fixes=[{"artifactChanges": [good, change]}, {"artifactChanges": []}])
    )
    assert only(one_result(fixes=[{"artifactChanges": [good]}]))["fixes"]


def test_suppressions_keep_kind_status_and_reason() -> None:
    run = one_result(
        suppressions=[
            {"kind": "external", "status": "accepted", "justification": "why\x00", "guid": "x"},
            {"kind": "?", "status": "?"},
        ]
    )

    assert only(run)["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "why"},
        {"kind": "inSource"},
    ]


@pytest.mark.parametrize(("state", "kept"), [("unchanged", True), ("odd", False), (True, False)])
def test_the_state_beside_a_baseline_stays(state: object, kept: bool) -> None:
    assert ("baselineState" in only(one_result(baselineState=state))) is kept


def test_lines_are_asked_for_once_per_file() -> None:
    asked: list[str] = []

    def counting(path: str) -> list[str]:
        asked.append(path)
        return ["x"]

    normalise_run(hadolint(), stage="container", tool="hadolint", read_lines=counting)

    assert asked == ["Dockerfile"]


def test_normalising_twice_is_normalising_once() -> None:
    once = all_tools()["runs"]

    assert [normal(run) for run in once] == once


KEYS = (
    *("text", "id", "uri", "index", "rules", "results", "locations", "message", "level", "tags", "region"),
    *("physicalLocation", "startLine", "artifactLocation", "ruleId", "ruleIndex", "properties", "mlsecops"),
    *("threadFlows", "location", "kind", "name"),
)
RUN_KEYS = (
    "tool",
    "results",
    "invocations",
    "artifacts",
    "automationDetails",
    "originalUriBaseIds",
    "properties",
)
RESULT_KEYS = (
    "ruleId",
    "ruleIndex",
    "rule",
    "message",
    "level",
    "kind",
    "locations",
    "relatedLocations",
    "codeFlows",
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([*RUN_KEYS, "properties", "columnKind"]),
    ODD,
    st.sampled_from([*RESULT_KEYS, "codeFlows", "fixes", "suppressions", "properties"]),
    ODD,
)
def test_any_shape_comes_out_whole(key: str, value: Any, part: str, odd: Any) -> None:
    run = {**one_result(**{part: odd}), key: value}

    done = normal(run)

    assert check(log(done)) == []


def test_what_comes_out_can_be_written_and_read_again(tmp_path: Any) -> None:
    write(tmp_path / "log.sarif", all_tools())

    assert read(tmp_path / "log.sarif") == all_tools()
    assert read_lines("nowhere") is None
