"""A merge loses nothing but what is there twice, says what it cuts, and never leaves half a file."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.sarif.build import Json
from mlsecops.sarif.check import check
from mlsecops.sarif.files import SarifError, read, write
from mlsecops.sarif.limits import GITHUB, gzip_size
from mlsecops.sarif.merge import MergeSummary, merge
from mlsecops.sarif.selection import Limits
from support.sarif_in_memory import combine, enforce
from support.sarif_samples import all_tools, log, noise, place, simple_run


def files(folder: Path, *logs: Json) -> list[Path]:
    """Logs as files in a folder."""
    paths = [folder / f"in{number}.sarif" for number in range(len(logs))]
    for path, each in zip(paths, logs, strict=True):
        write(path, each)
    return paths


def by_tool(sarif: Json) -> dict[str, Json]:
    """The runs of a log by the name of their tool."""
    return {run["tool"]["driver"]["name"]: run for run in sarif["runs"]}


def test_other_tools_keep_their_runs_and_one_tool_gets_one(tmp_path: Path) -> None:
    one = simple_run("semgrep", "mlsecops/sast/semgrep/", [9.0, 5.0], status="findings", expected=2)
    other = simple_run("semgrep", "mlsecops/sast/semgrep/", [9.0, 5.0, 9.0], status="incomplete", expected=1)
    logs = [log(*all_tools()["runs"]), log(one), log(other)]
    output = tmp_path / "merged.sarif"

    summary = merge(files(tmp_path, *logs), output, limits=None)

    merged = read(output)
    runs = by_tool(merged)
    assert list(runs) == ["Semgrep OSS", "Bandit", "Hadolint", "zizmor", "semgrep"]
    for name in ("Semgrep OSS", "Bandit", "zizmor"):
        assert runs[name] == by_tool(all_tools())[name]
    assert len(runs["semgrep"]["results"]) == 3
    assert runs["semgrep"]["properties"]["mlsecops"] == {"status": "incomplete", "expected": 3}
    assert len(runs["semgrep"]["invocations"]) == 1
    # hadolint reported one line twice
    assert summary == MergeSummary(runs=5, results=2 + 1 + 3 - 1 + 1 + 3, duplicates=3)
    assert check(merged) == []


def test_rules_get_new_numbers_where_files_disagree(tmp_path: Path) -> None:
    one = simple_run("t", "c/", [9.0])
    other = simple_run("t", "c/", [5.0, 9.0])
    for item, name in zip(other["tool"]["driver"]["rules"], ("R1", "R0"), strict=True):
        item["id"] = name
    for item, name in zip(other["results"], ("R1", "R0"), strict=True):
        item["ruleId"] = name
    output = tmp_path / "merged.sarif"

    merge(files(tmp_path, log(one), log(other)), output, limits=None)

    (run,) = read(output)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["R0", "R1"]
    assert [(each["ruleId"], each["ruleIndex"]) for each in run["results"]] == [
        ("R0", 0),
        ("R1", 1),
        ("R0", 0),
    ]
    assert check(read(output)) == []


def test_results_that_differ_in_anything_that_counts_both_stay(tmp_path: Path) -> None:
    run = simple_run("t", "c/", [9.0])
    (result,) = run["results"]
    others = [
        {**result, "message": {"text": "other"}},
        {**result, "level": "note"},
        {**result, "partialFingerprints": {**result["partialFingerprints"], "mlsecops/v1": "0" * 32}},
        {**result, "locations": [place("src/big.py", startLine=1, startColumn=2)]},
        {**result, "suppressions": [{"kind": "inSource"}]},
    ]
    run["results"] = [result, *others, dict(result)]
    output = tmp_path / "merged.sarif"

    summary = merge(files(tmp_path, log(run)), output, limits=None)

    assert (summary.results, summary.duplicates) == (6, 1)
    assert read(output)["runs"][0]["results"] == [result, *others]


def test_what_logs_say_as_a_whole_is_united(tmp_path: Path) -> None:
    logs = [
        {
            **log(simple_run(name, "c/", [9.0])),
            "properties": {"mlsecops": {"project": "p", "left-out": [name]}},
        }
        for name in ("a", "b")
    ]
    output = tmp_path / "merged.sarif"

    merge(files(tmp_path, *logs), output, limits=None)

    assert read(output)["properties"] == {"mlsecops": {"project": "p", "left-out": ["a", "b"]}}


def test_no_files_are_an_empty_log(tmp_path: Path) -> None:
    assert merge([], tmp_path / "merged.sarif", limits=GITHUB) == MergeSummary(
        runs=0, results=0, duplicates=0
    )
    assert read(tmp_path / "merged.sarif")["runs"] == []


def test_a_run_may_have_null_where_lists_are_due(tmp_path: Path) -> None:
    run: Json = {
        "tool": {"driver": {"name": "t"}},
        "results": None,
        "automationDetails": None,
        "artifacts": None,
    }
    output = tmp_path / "merged.sarif"

    assert (
        merge(files(tmp_path, log(run, {"tool": {"driver": {"name": "t"}}})), output, limits=GITHUB).runs == 1
    )


def test_merging_a_merged_log_changes_nothing(tmp_path: Path) -> None:
    once, twice = tmp_path / "once.sarif", tmp_path / "twice.sarif"
    merge(files(tmp_path, all_tools(), log(simple_run("big", "c/", [9.0, 2.0]))), once, limits=GITHUB)

    summary = merge([once, once], twice, limits=GITHUB)

    assert read(twice) == read(once)
    assert summary.duplicates == summary.results


def test_the_output_may_be_one_of_the_files(tmp_path: Path) -> None:
    (path,) = files(tmp_path, all_tools())

    merge([path], path, limits=None)

    assert len(read(path)["runs"]) == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not whole JSON"),
        (
            b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [{"ruleId"',
            "is not whole JSON",
        ),
        (b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "\xff"}}}]}', "is not whole JSON"),
        (b'{"version": "2.1.0", "runs": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "not a SARIF 2.1.0 log"),
        (b'{"version": "2.1.0", "runs": [{"x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}]}", "is not whole JSON"),
        (b"[]", "is not a SARIF 2.1.0 log"),
        (b'{"version": "2.0.0", "runs": []}', "is not a SARIF 2.1.0 log: its version is '2.0.0'"),
        (b'{"version": "2.1.0", "runs": [{"results": []}]}', "is not a SARIF 2.1.0 log: runs[0]"),
        (
            b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 5}}}]}',
            "is not a SARIF 2.1.0 log: runs[0]",
        ),
        (
            b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [{"level": 5}]}]}',
            "is not a SARIF 2.1.0 log: runs[0]: Expected `str`, got `int`",
        ),
    ],
)
def test_a_broken_file_is_named_and_the_old_output_stays(tmp_path: Path, content: bytes, reason: str) -> None:
    output = tmp_path / "merged.sarif"
    output.write_bytes(b"old")
    broken = tmp_path / "broken.sarif"
    broken.write_bytes(content)

    with pytest.raises(SarifError) as caught:
        merge([*files(tmp_path, all_tools()), broken], output, limits=GITHUB)

    assert str(broken) in str(caught.value)
    assert reason in str(caught.value)
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.sarif", "in0.sarif", "merged.sarif"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SarifError, match=r"gone\.sarif cannot be read"):
        merge([tmp_path / "gone.sarif"], tmp_path / "merged.sarif", limits=None)


def test_too_many_results_and_runs_are_cut_as_in_memory(tmp_path: Path) -> None:
    logs = [
        log(simple_run("a", "mlsecops/sast/a/", [2.0, 9.0, 5.0, 9.0, 2.0])),
        log(simple_run("b", "mlsecops/sast/b/", [2.0]), simple_run("c", "mlsecops/sast/c/", [7.0])),
        log(simple_run("a", "mlsecops/sast/a/", [2.0, 9.0, 5.0, 9.0, 2.0, 7.0])),
    ]
    limits = Limits(runs=2, results=3, shown=2)
    output = tmp_path / "merged.sarif"

    summary = merge(files(tmp_path, *logs), output, limits=limits)

    whole = log(*combine([run for each in logs for run in each["runs"]]))
    expected, notices = enforce(whole, limits)
    assert read(output) == expected
    assert sorted(summary.notices) == sorted(notices)
    assert (summary.runs, summary.results) == (2, 4)
    assert any("Left out of a (mlsecops/sast/a/): 3 of 6 results" in notice for notice in notices)


def test_a_severity_of_its_own_counts_before_that_of_the_rule_and_the_level(tmp_path: Path) -> None:
    run = simple_run("t", "mlsecops/sast/t/", [2.0, 5.0, 9.0, 7.0])
    run["results"][0]["properties"] = {"mlsecops": {"severity": 9.9}}
    run["results"][2]["properties"] = {"mlsecops": {"severity": 0.4}}
    run["results"][3]["level"] = "error"
    del run["tool"]["driver"]["rules"][3]["properties"]["security-severity"]
    limits = Limits(results=2)
    output = tmp_path / "merged.sarif"

    merge(files(tmp_path, log(run)), output, limits=limits)

    assert [result["ruleId"] for result in read(output)["runs"][0]["results"]] == ["R0", "R3"]
    assert read(output) == enforce(log(run), limits)[0]


def test_too_many_tags_places_steps_and_rules_are_cut_as_in_memory(tmp_path: Path) -> None:
    run = simple_run("t", "mlsecops/sast/t/", [9.0, 5.0, 2.0, 7.0])
    run["tool"]["driver"]["rules"][1]["properties"]["tags"] = ["security", *(f"tag{n}" for n in range(14))]
    run["results"] = [run["results"][1], run["results"][3]]
    run["results"][0]["locations"] = run["results"][0]["locations"] * 7
    step = {"location": place("src/big.py", startLine=1)}
    run["results"][1]["codeFlows"] = [{"threadFlows": [{"locations": [step] * 9}]}, {}]
    limits = Limits(rules=3, locations=4, flow_locations=5)
    output = tmp_path / "merged.sarif"

    summary = merge(files(tmp_path, log(run)), output, limits=limits)

    expected, notices = enforce(log(run), limits)
    assert sorted(summary.notices) == sorted(notices)
    assert len(notices) == 4
    (done,), (wanted,) = read(output)["runs"], expected["runs"]
    assert sorted(done.pop("properties")["mlsecops"]["notes"]) == sorted(notices)
    assert wanted.pop("properties")
    assert done == wanted


def test_rules_beyond_the_limit_go_when_files_are_united_too(tmp_path: Path) -> None:
    one = simple_run("t", "c/", [9.0, 5.0])
    other = simple_run("t", "c/", [2.0, 7.0])
    for number, name in enumerate(("R7", "R8")):
        other["tool"]["driver"]["rules"][number]["id"] = other["results"][number]["ruleId"] = name
    one["results"] = one["results"][1:]
    output = tmp_path / "merged.sarif"

    merge(files(tmp_path, log(one), log(other)), output, limits=Limits(rules=3))

    (run,) = read(output)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["R1", "R7", "R8"]
    assert check(read(output)) == []


def test_a_merge_that_is_too_large_loses_files_then_the_least_severe_results(tmp_path: Path) -> None:
    runs = [simple_run(name, f"mlsecops/sast/{name}/", [9.0, 2.0] * 40) for name in ("a", "b")]
    for run in runs:
        for number, result in enumerate(run["results"]):
            result["message"]["text"] += noise((run["tool"]["driver"]["name"], number), 500)
    paths = files(tmp_path, *(log(run) for run in runs))
    whole = gzip_size([orjson.dumps(log(*runs))])
    limits = Limits(gzip_bytes=whole * 2 // 3)
    output = tmp_path / "merged.sarif"

    summary = merge(paths, output, limits=limits)

    merged = read(output)
    assert gzip_size([output.read_bytes()]) <= limits.gzip_bytes
    assert all("artifacts" not in run for run in merged["runs"])
    for run in merged["runs"]:
        severities = [run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] for each in run["results"]]
        assert severities.count("R0") == 40
        assert 0 < severities.count("R1") < 40
        assert any("results" in note for note in run["properties"]["mlsecops"]["notes"])
    assert summary.results == sum(len(run["results"]) for run in merged["runs"])
    assert len(summary.notices) == 4


def test_a_merge_that_cannot_be_small_enough_leaves_nothing(tmp_path: Path) -> None:
    run = simple_run("t", "c/", [9.0])
    run["tool"]["driver"]["rules"][0]["help"]["text"] = noise(1, 20_000)
    paths = files(tmp_path, log(run))

    with pytest.raises(SarifError, match="compressed and without results"):
        merge(paths, tmp_path / "merged.sarif", limits=Limits(gzip_bytes=3_000))

    assert list(tmp_path.iterdir()) == paths


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["a", "b"]), st.lists(st.sampled_from([2.0, 5.0, 9.0]), max_size=6)),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_the_stream_does_what_the_union_in_memory_does(
    tmp_path: Path, shape: list[list[tuple[str, list[float]]]]
) -> None:
    logs = [log(*(simple_run(name, "c/", found) for name, found in runs)) for runs in shape]
    output = tmp_path / "merged.sarif"

    summary = merge(files(tmp_path, *logs), output, limits=None)

    merged = read(output)
    assert merged["runs"] == combine([run for each in logs for run in each["runs"]])
    assert summary.results == sum(len(run["results"]) for run in merged["runs"])
    assert check(merged) == []


@pytest.mark.parametrize(
    ("known", "said", "expected"),
    [
        (None, None, None),
        (None, "new", None),
        (None, "absent", "absent"),
        ({"one"}, None, "unchanged"),
        ({"one"}, "new", "unchanged"),
        ({"other"}, None, "new"),
        ({"other"}, "unchanged", "new"),
        ({"one"}, "absent", "absent"),
    ],
)
def test_a_result_says_how_it_compares_with_the_baseline_whatever_its_tool_says(
    tmp_path: Path, known: set[str] | None, said: str | None, expected: str | None
) -> None:
    run = simple_run("t", "c/", [9.0])
    run["results"][0]["partialFingerprints"] = {"mlsecops/v1": "one"}
    if said:
        run["results"][0]["baselineState"] = said

    merge(
        files(tmp_path, log(run)), tmp_path / "m", limits=GITHUB, known=(lambda _: known) if known else None
    )

    (result,) = read(tmp_path / "m")["runs"][0]["results"]
    assert result.pop("baselineState", None) == expected
    assert result.items() <= run["results"][0].items()


@pytest.mark.parametrize("content", [{}, {"ruleId": "R0"}])
def test_a_result_without_anything_has_a_state_too(tmp_path: Path, content: Json) -> None:
    run = {**simple_run("t", "c/", [9.0]), "results": [content]}

    merge(files(tmp_path, log(run)), tmp_path / "m", limits=None, known=lambda _: ())

    assert read(tmp_path / "m")["runs"][0]["results"] == [{"baselineState": "new", **content}]
