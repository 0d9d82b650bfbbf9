"""What GitHub does not take is cut, the gravest stays, and every cut is said."""

from __future__ import annotations

import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.sarif.build import Json
from mlsecops.sarif.check import check
from mlsecops.sarif.files import SarifError
from mlsecops.sarif.limits import GITHUB, gzip_size, with_notes
from mlsecops.sarif.rules import severity_of
from mlsecops.sarif.selection import Limits, Selection, Tally
from support.sarif_in_memory import enforce
from support.sarif_samples import all_tools, log, noise, place, simple_run


def severities(run: Json) -> list[float]:
    """The severity of every result of a run."""
    rules = run["tool"]["driver"]["rules"]
    return [severity_of(result, rules[result["ruleIndex"]]) for result in run["results"]]


def notes_of(run: Json) -> list[str]:
    """What a run says of itself."""
    notes = run.get("properties", {}).get("mlsecops", {}).get("notes", [])
    assert isinstance(notes, list)
    return notes


def test_a_log_within_the_limits_stays_as_it_is() -> None:
    sarif = all_tools()

    assert enforce(sarif) == (sarif, [])


def test_the_gravest_results_stay_in_their_order_and_the_rest_is_counted() -> None:
    run = simple_run("semgrep", "mlsecops/sast/semgrep/", [2.0, 9.0, 5.0, 9.0, 2.0, 7.0])

    cut, notices = enforce(log(run), Limits(results=4))

    assert severities(cut["runs"][0]) == [9.0, 5.0, 9.0, 7.0]
    (notice,) = notices
    assert notice == (
        "Left out of semgrep (mlsecops/sast/semgrep/): 2 of 6 results, the least severe "
        "(severity 2.0 and below), for GitHub takes 4 in one run."
    )
    assert notes_of(cut["runs"][0]) == notices
    assert check(cut) == []


def test_of_equally_severe_results_the_first_stay() -> None:
    run = simple_run("t", "c/", [5.0] * 6)

    cut, _ = enforce(log(run), Limits(results=2))

    assert [result["message"]["text"][-1] for result in cut["runs"][0]["results"]] == ["1", "2"]


def test_what_github_takes_but_does_not_show_is_said() -> None:
    cut, notices = enforce(log(simple_run("t", "c/", [5.0] * 6)), Limits(shown=4))

    assert notices == ["GitHub shows the 4 gravest of the 6 results of t (mlsecops/sast/tool/)."]
    assert len(cut["runs"][0]["results"]) == 6


def test_runs_beyond_the_limit_go_and_are_named() -> None:
    runs = [
        simple_run("a", "mlsecops/sast/a/", [2.0]),
        simple_run("b", "mlsecops/sast/b/", []),
        simple_run("c", "mlsecops/sast/c/", [9.0]),
        simple_run("d", "mlsecops/sast/d/", [2.0, 2.0]),
    ]

    cut, notices = enforce(log(*runs), Limits(runs=2))

    assert [run["tool"]["driver"]["name"] for run in cut["runs"]] == ["c", "d"]
    assert notices == [
        "Left out: 2 runs (mlsecops/sast/a/, mlsecops/sast/b/), for GitHub takes 2 in one file."
    ]
    assert notes_of(cut["runs"][0]) == notices
    assert notes_of(cut["runs"][1]) == []


def test_runs_of_one_category_become_one() -> None:
    one = simple_run("t", "mlsecops/sast/t/", [9.0])
    other = simple_run("t", "mlsecops/sast/t/", [9.0, 5.0])

    cut, notices = enforce(log(one, other))

    assert len(cut["runs"]) == 1
    assert severities(cut["runs"][0]) == [9.0, 5.0]
    assert notices == ["Joined with others: 1 run, for GitHub takes one of each tool and category."]
    assert check(cut) == []


def test_a_log_that_is_too_large_loses_its_files_first_then_the_least_severe_results() -> None:
    runs = [simple_run(name, f"mlsecops/sast/{name}/", [9.0, 2.0] * 40) for name in ("a", "b")]
    for run in runs:
        for number, result in enumerate(run["results"]):
            result["message"]["text"] += noise((run["tool"]["driver"]["name"], number), 500)
    whole = gzip_size([orjson.dumps(log(*runs))])

    limits = Limits(gzip_bytes=whole * 2 // 3)
    cut, notices = enforce(log(*runs), limits)

    assert gzip_size([orjson.dumps(cut)]) <= limits.gzip_bytes
    assert gzip_size([orjson.dumps(cut)]) > limits.gzip_bytes * 0.8
    for run in cut["runs"]:
        assert severities(run).count(9.0) == 40
        assert 0 < severities(run).count(2.0) < 40
        assert "artifacts" not in run
    assert len(notices) == 4
    assert all("compressed SARIF" in notice for notice in notices)
    assert any("a (mlsecops/sast/a/): the list of 1 file that it looked at" in notice for notice in notices)


def test_a_log_that_cannot_be_small_enough_is_an_error() -> None:
    run = simple_run("t", "mlsecops/sast/t/", [9.0] * 3)
    run["tool"]["driver"]["rules"][0]["help"]["text"] = noise(1, 20_000)

    with pytest.raises(SarifError, match=r"compressed and without results"):
        enforce(log(run), Limits(gzip_bytes=5_000))


def test_tags_places_steps_and_texts_are_cut_and_counted() -> None:
    run = simple_run("t", "mlsecops/sast/t/", [9.0, 9.0, 9.0])
    rule = run["tool"]["driver"]["rules"][0]
    rule["properties"]["tags"] = ["security", *(f"tag{number}" for number in range(14))]
    rule["shortDescription"]["text"] = "s" * 2_000
    first, second, _ = run["results"]
    first["locations"] = first["locations"] * 101
    step = {"location": place("src/big.py", startLine=1)}
    flow = {"threadFlows": [{"locations": [step] * 600}, {"locations": [step] * 600}]}
    second["codeFlows"] = [flow, flow]

    cut, notices = enforce(log(run))

    done = cut["runs"][0]
    assert len(done["tool"]["driver"]["rules"][0]["properties"]["tags"]) == 10
    assert len(done["tool"]["driver"]["rules"][0]["shortDescription"]["text"]) == 1_024
    assert len(done["results"][0]["locations"]) == 100
    lengths = [
        [len(each["locations"]) for each in flow["threadFlows"]] for flow in done["results"][1]["codeFlows"]
    ]
    assert lengths == [[600, 400]]
    assert notices == [
        "Only the first 10 tags of 1 rule of t are kept, as on GitHub.",
        "Only the first 100 places of 1 result of t are kept, as on GitHub.",
        "Only the first 1,000 steps of the code flows of 1 result of t are kept, as on GitHub.",
    ]
    assert notes_of(done) == notices
    assert len(first["locations"]) == 101


def test_rules_without_results_go_first() -> None:
    run = simple_run("t", "mlsecops/sast/t/", [9.0, 5.0, 2.0, 7.0])
    run["results"] = [run["results"][1], run["results"][3]]

    cut, notices = enforce(log(run), Limits(rules=3))

    assert [rule["id"] for rule in cut["runs"][0]["tool"]["driver"]["rules"]] == ["R0", "R1", "R3"]
    assert [result["ruleIndex"] for result in cut["runs"][0]["results"]] == [1, 2]
    assert notices == ["Left out of t: 1 of 4 rules, those without a result, for GitHub takes 3 in one run."]
    assert check(cut) == []


def test_notes_are_added_once_to_what_is_there() -> None:
    run = with_notes({"properties": {"mlsecops": {"notes": ["old"], "status": "passed"}}}, ["old", "new"])

    assert run["properties"]["mlsecops"] == {"notes": ["old", "new"], "status": "passed"}
    odd = with_notes({"properties": {"mlsecops": {"notes": "odd"}}}, ["n"])
    assert odd["properties"]["mlsecops"]["notes"] == ["n"]
    assert with_notes({}, []) == {}


def test_gzip_size_is_that_of_gzip() -> None:
    data = orjson.dumps(all_tools())

    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    assert gzip_size([data[:100], data[100:]]) == len(packer.compress(data) + packer.flush())


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([2.0, 5.0, 7.0, 9.5]), max_size=12), min_size=1, max_size=5),
    st.integers(1, 6),
    st.integers(0, 400),
)
def test_a_selection_never_keeps_a_lesser_result_of_a_run_for_a_graver_one(
    runs: list[list[float]], per_run: int, budget: int
) -> None:
    tallies = [
        Tally(category=(f"t{number}", "c/"), severities=run, sizes=[10] * len(run), artifacts=0)
        for number, run in enumerate(runs)
    ]
    selection = Selection.of(tallies, Limits(results=per_run, runs=3, gzip_bytes=max(budget, 1)))

    for step in range(3):
        for run, flags in zip(runs, selection.flags, strict=True):
            kept = [severity for severity, flag in zip(run, flags, strict=True) if flag]
            gone = [severity for severity, flag in zip(run, flags, strict=True) if not flag]
            assert len(kept) <= per_run
            assert not kept or not gone or min(kept) >= max(gone)
        said = " ".join(selection.notices())
        left = {tally.category[0] for number, tally in enumerate(tallies) if number not in selection.runs}
        assert selection.whole == (not left and all(all(flags) for flags in selection.flags))
        assert selection.whole or "Left out" in said
        if step < 2 and any(any(flags) for flags in selection.flags):
            selection = selection.smaller(1_000)


def test_the_numbers_are_those_of_github() -> None:
    assert (GITHUB.runs, GITHUB.results, GITHUB.rules, GITHUB.gzip_bytes) == (20, 25_000, 25_000, 10_000_000)


def test_the_real_limit_of_results_holds() -> None:
    run = simple_run("t", "mlsecops/sast/t/", [9.0, 5.0])
    run["results"] = [run["results"][1]] * 25_000 + [run["results"][0]] * 2

    cut, notices = enforce(log(run))

    assert len(cut["runs"][0]["results"]) == 25_000
    assert severities(cut["runs"][0]).count(9.0) == 2
    assert "2 of 25,002 results" in notices[0]
