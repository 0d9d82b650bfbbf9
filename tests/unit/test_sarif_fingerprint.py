"""GitHub's line hash as GitHub computes it, and an identity that stays while the code around it changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.sarif.build import Json, Location, Result
from mlsecops.sarif.fingerprint import (
    GITHUB,
    OWN,
    add_fingerprints,
    finding_id,
    line_hashes,
    split_lines,
)
from support.sarif_samples import place

FIVE_LINES = ["e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1"]
FIVE_LINES += ["b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"]


# The numbers are those that GitHub's own action is tested with (github/codeql-action, fingerprints.test.ts).
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            " a\nb\n  \t\tc\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
        (
            " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End",
            [
                "8b7cf3e952e7aeb2:1",
                "b1ae1287ec4718d9:1",
                "bff680108adb0fcc:1",
                "c6805c5e1288b612:1",
                "b86d3392aea1be30:1",
                "e6ceba753e1a442:1",
            ],
        ),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", FIVE_LINES),
        (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", FIVE_LINES),
        (" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", FIVE_LINES),
        (" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", FIVE_LINES),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            [
                *(f"a7f2ff13bc495cf2:{count}" for count in range(1, 7)),
                "a7f2ff1481e87703:1",
                "a9cf91f7bbf1862b:1",
                "55ec222b86bcae53:1",
                "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)
def test_line_hashes_are_those_of_github(text: str, expected: list[str]) -> None:
    assert line_hashes(text) == expected


def rolled(text: str) -> list[str]:
    """The same hash, unit by unit over a rolling window, the way the action itself goes about it."""
    raw = text.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(raw[place : place + 2], "little") for place in range(0, len(raw), 2)]
    window, starts = [0] * 100, [0] * 100
    value, place, line, fresh, after_cr = 0, 0, 0, True, False
    counts: dict[int, int] = {}
    hashes: list[str] = []

    def emit() -> None:
        if starts[place]:
            counts[value] = counts.get(value, 0) + 1
            hashes.append(f"{value:x}:{counts[value]}")
            starts[place] = 0

    for unit in [*units, 0xFFFF]:
        if unit in (32, 9) or (after_cr and unit == 10):
            after_cr = False
            continue
        after_cr = unit == 13
        current = 10 if after_cr else unit
        emit()
        if fresh:
            line += 1
            starts[place] = line
        fresh = current == 10
        value = (value * 37 + current - window[place] * 37**100) % 2**64
        window[place] = current
        place = (place + 1) % 100
    for _ in range(100):
        emit()
        value = (value * 37 - window[place] * 37**100) % 2**64
        window[place] = 0
        place = (place + 1) % 100
    return hashes


@settings(deadline=None)
@given(st.text(st.sampled_from("ab \t\r\n\x0b\x0c\u2028é😀\ufeff\uffff"), max_size=400))
def test_any_text_hashes_as_in_a_rolling_window(text: str) -> None:
    assert line_hashes(text) == rolled(text)
    assert len(line_hashes(text)) == len(split_lines(text))


def test_a_large_file_takes_no_second_per_ten_thousand_lines() -> None:
    text = "".join(f"value_{number} = compute({number}, 'abc', {number * 7})\n" for number in range(25_000))
    started = time.process_time()

    hashes = line_hashes(text)

    assert len(hashes) == 25_001
    assert time.process_time() - started < 2.5


def test_only_line_ends_that_github_knows_split_lines() -> None:
    assert split_lines("a\x0bb\x0cc\u2028d\x85e\r\nf\rg\n") == ["a\x0bb\x0cc\u2028d\x85e", "f", "g", ""]


def run_of(*results: Json, cwe: dict[str, int] | None = None) -> Json:
    """A run with results; `cwe` gives rules their weakness."""
    rules = [
        {"id": identifier, "properties": {"tags": ["security", f"external/cwe/cwe-{number}"]}}
        for identifier, number in (cwe or {}).items()
    ]
    return {"tool": {"driver": {"name": "t", "rules": rules}}, "results": list(results)}


def found(rule: str, line: int, message: str = "m", column: int = 1, **changes: Any) -> Json:
    """A result on a line of app.py."""
    return {
        "ruleId": rule,
        "message": {"text": message},
        "locations": [place("app.py", startLine=line, startColumn=column)],
        **changes,
    }


def own_ids(run: Json, text: str | None) -> list[str]:
    """The `mlsecops/v1` fingerprints of a run about one file."""
    lines = None if text is None else split_lines(text)
    done = add_fingerprints(run, lambda path: lines if path == "app.py" else None)
    return [result["partialFingerprints"][OWN] for result in done["results"]]


def test_identity_stays_when_lines_move_and_when_white_space_changes() -> None:
    before = own_ids(run_of(found("A", 2)), "import x\nx.load( f )\n")
    after = own_ids(run_of(found("A", 4)), "import x\n\n\n    x.load(f)\n")

    assert before == after


@pytest.mark.parametrize(
    ("rule", "text", "cwe"),
    [
        ("A", "import x\nx.save(f)\n", {"A": 502}),
        ("A", "import x\nx.load(f)\n", {"A": 78}),
    ],
)
def test_identity_changes_with_the_code_and_with_the_weakness(
    rule: str, text: str, cwe: dict[str, int]
) -> None:
    known = own_ids(run_of(found("A", 2), cwe={"A": 502}), "import x\nx.load(f)\n")

    assert own_ids(run_of(found(rule, 2), cwe=cwe), text) != known


def test_two_tools_agree_on_the_same_weakness_on_the_same_line() -> None:
    text = "x.load(f)\ny = 1\nx.load(f)\n"
    one = own_ids(run_of(found("semgrep-load", 1), found("semgrep-load", 3), cwe={"semgrep-load": 502}), text)
    other = own_ids(run_of(found("B301", 1), found("B301", 3), cwe={"B301": 502}), text)

    assert one == other
    assert len(set(one)) == 2


def test_a_tool_that_reports_a_line_twice_still_agrees_on_the_next_line() -> None:
    text = "x.load(f)\ny = 1\nx.load(f)\n"
    both = {"A": 502, "B": 502}
    one = own_ids(run_of(found("A", 1), found("B", 1), found("A", 3), cwe=both), text)
    other = own_ids(run_of(found("Z", 1), found("Z", 3), cwe={"Z": 502}), text)

    assert len(set(one)) == 3
    assert [one[0], one[2]] == other


def test_the_order_of_results_does_not_matter_and_equal_results_share_an_identity() -> None:
    text = "x.load(f); x.load(g)\n"
    results = [found("A", 1, column=12), found("A", 1, column=1), found("A", 1, column=1)]

    forward = own_ids(run_of(*results), text)

    assert own_ids(run_of(*reversed(results)), text) == list(reversed(forward))
    assert forward[1] == forward[2] != forward[0]


def test_an_explicit_identity_alone_decides() -> None:
    def advisory(uri: str, line: int, identity: tuple[str, ...]) -> Json:
        return Result(
            rule_id="CVE", message="m", location=Location(uri=uri, start_line=line), identity=identity
        ).to_sarif()

    same = ("advisory", "CVE-2023-30861", "flask")
    ids = own_ids(
        run_of(
            advisory("app.py", 1, same), advisory("lock.txt", 9, same), advisory("app.py", 1, ("advisory",))
        ),
        "flask==2\n",
    )

    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == finding_id(identity=same)
    assert len(ids[0]) == 32
    assert set(ids[0]) <= set("0123456789abcdef")


def test_parts_of_an_identity_do_not_run_into_each_other() -> None:
    assert finding_id(identity=("ab", "c")) != finding_id(identity=("a", "bc"))
    assert finding_id(identity=("x",)) != finding_id(weakness="x")


def test_without_lines_the_logical_place_or_the_snippet_tells_findings_apart() -> None:
    def binary(**changes: Any) -> Json:
        result = found("A", 1)
        result["locations"][0] |= {key: changes[key] for key in ("logicalLocations",) if key in changes}
        if "snippet" in changes:
            result["locations"][0]["physicalLocation"]["region"]["snippet"] = {"text": changes["snippet"]}
        return result

    ids = own_ids(
        run_of(
            binary(logicalLocations=[{"fullyQualifiedName": "layer1"}]),
            binary(logicalLocations=[{"fullyQualifiedName": "layer2"}]),
            binary(snippet="GLOBAL os.system"),
        ),
        None,
    )

    assert len(set(ids)) == 3


def test_both_fingerprints_replace_what_a_tool_gave() -> None:
    text = "a\nb\n"
    result = found("A", 2, partialFingerprints={GITHUB: "wrong:1", OWN: "wrong", "other": "x"})

    done = add_fingerprints(run_of(result), lambda _: split_lines(text))["results"][0]

    assert done["partialFingerprints"] == {
        GITHUB: line_hashes(text)[1],
        OWN: own_ids(run_of(result), text)[0],
    }
    assert result["partialFingerprints"][GITHUB] == "wrong:1"


@pytest.mark.parametrize("lines", [None, ["only one"]])
def test_a_place_without_a_line_gets_a_hash_of_the_right_form(lines: Sequence[str] | None) -> None:
    done = add_fingerprints(run_of(found("A", 5)), lambda _: lines)["results"][0]["partialFingerprints"]

    assert done[GITHUB] == f"{done[OWN][:16]}:1"


def test_lines_far_below_do_not_change_a_hash() -> None:
    text = "\n" * 50 + "x.load(f)\n" + "\n" * 500 + "end\n"

    done = add_fingerprints(run_of(found("A", 51)), lambda _: split_lines(text))["results"][0]

    assert done["partialFingerprints"][GITHUB] == line_hashes(text)[50]


def test_a_run_without_results_stays_one() -> None:
    run = {"tool": {"driver": {"name": "t"}}, "results": None}

    assert add_fingerprints(run, lambda _: None)["results"] == []
