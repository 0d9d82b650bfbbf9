"""Second opinions beside our own readers: what they overrule, what joins them, and what they never do."""

from __future__ import annotations

from typing import Any

import pytest
from mlsecops.model_scanning.findings import Findings
from mlsecops.model_scanning.opinions import view_of, weigh

OWN, OTHERS = "mlsecops-models", ("picklescan", "modelscan")
GETATTR, SYSTEM = "builtins.getattr", "os.system"


def result(uri: str, *identity: str, severity: float | None = None) -> dict[str, Any]:
    own: dict[str, Any] = {"identity": list(identity)}
    if severity is not None:
        own["severity"] = severity
    return {
        "ruleId": "r",
        "level": "error",
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
        "partialFingerprints": {"mlsecops/v1": " ".join(identity)},
        "properties": {"mlsecops": own},
    }


def named(uri: str, name: str, severity: float | None = None) -> dict[str, Any]:
    return result(uri, "model-import", uri, name, severity=severity)


def unnamed(uri: str, rule: str = "TAMPER") -> dict[str, Any]:
    return result(uri, "model-opinion", uri, rule)


def opaque(uri: str) -> dict[str, Any]:
    return result(uri, "model", "model-unknown-import", uri, "extension 7", severity=6.5)


def run(name: str, *results: dict[str, Any], read: tuple[str, ...] = (), **own: Any) -> dict[str, Any]:
    status = {"status": "findings" if results else "passed", "notes": ["a note"]}
    return {
        "tool": {"driver": {"name": name}},
        "results": list(results),
        "artifacts": [{"location": {"uri": uri}} for uri in read],
        "properties": {"mlsecops": {**status, **own}},
    }


def ours(
    whole: tuple[str, ...] = (), **files: tuple[tuple[str, ...], list[dict[str, Any]]]
) -> dict[str, Any]:
    """Our run over files: the harmless imports and the findings of each."""
    found = {uri: Findings(results, names) for uri, (names, results) in files.items()}
    every = [each for _, results in files.values() for each in results]
    return run(OWN, *every, view=view_of(found, whole))


def weighed(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The other run as it comes out."""
    first, second = weigh([mine, other], OWN, OTHERS)
    assert first is mine
    assert "view" not in own(first)
    return second


def own(run: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


def notes(run: dict[str, Any]) -> list[str]:
    first, *more = map(str, own(run)["notes"])
    assert first == "a note"
    return more


def prints(run: dict[str, Any]) -> list[str]:
    return [str(each["partialFingerprints"]["mlsecops/v1"]) for each in run["results"]]


def test_a_name_that_is_known_to_be_harmless_becomes_a_note() -> None:
    mine = ours(("a", "b"), a=(("__builtin__.getattr",), []), b=((GETATTR,), []))
    other = run("picklescan", named("a", GETATTR), named("b", GETATTR), named("a", SYSTEM))
    found = weighed(mine, other)
    assert prints(found) == [f"model-import a {SYSTEM}"]
    assert own(found)["status"] == "findings"
    note = (
        f"picklescan calls `{GETATTR}` in a and 1 more dangerous; {OWN} read how it is used and found no harm"
    )
    assert notes(found) == [note]


def test_what_has_no_name_becomes_a_note_where_all_is_known_to_be_harmless() -> None:
    doubtful = named("c", "mine.Model", 6.5)
    mine = ours(("a", "c"), a=((), [named("a", "odd", 2.0)]), b=((), []), c=((), [doubtful]))
    found = weighed(mine, run("picklescan", unnamed("a"), unnamed("b"), unnamed("c")))
    assert prints(found) == ["model-opinion b TAMPER", "model-opinion c TAMPER"]
    assert notes(found) == [f"picklescan finds TAMPER in a; {OWN} read all of it and found no harm"]


def test_a_run_without_findings_left_has_passed() -> None:
    found = weighed(ours(("a",), a=((GETATTR,), [])), run("modelscan", named("a", GETATTR)))
    assert (found["results"], own(found)["status"]) == ([], "passed")


def test_an_incomplete_run_stays_one() -> None:
    other = run("modelscan", named("a", GETATTR), status="incomplete")
    assert own(weighed(ours(("a",), a=((GETATTR,), [])), other))["status"] == "incomplete"


def test_an_extension_is_the_one_that_we_found_or_none_where_all_is_known_to_be_harmless() -> None:
    mine = ours(("a", "b"), a=((), [opaque("a"), named("a", SYSTEM, 9.8)]), b=((), []))
    found = weighed(mine, run("picklescan", opaque("a"), opaque("b")))
    assert prints(found) == ["model model-unknown-import a extension 7"]
    assert notes(found) == [f"picklescan finds extension 7 in b; {OWN} read all of it and found no harm"]


@pytest.mark.parametrize("theirs", [unnamed("a"), opaque("a"), named("a", GETATTR)])
def test_what_names_nothing_new_in_a_dangerous_file_joins_our_gravest_finding(theirs: dict[str, Any]) -> None:
    found = [named("a", "x", 7.5), named("a", SYSTEM, 9.8), named("a", "y", 8.0), result("a", "policy")]
    other = weighed(ours(("a",), a=((GETATTR,), found)), run("picklescan", theirs, read=("a",)))
    assert prints(other) == [f"model-import a {SYSTEM}"]
    assert other["results"][0]["properties"]["mlsecops"]["severity"] == 9.8
    assert notes(other) == []


def test_a_name_that_we_did_not_see_stays_a_finding_of_its_own() -> None:
    theirs = run("picklescan", named("a", GETATTR), read=("a",))
    for mine in (ours(("a",), a=((), [named("a", SYSTEM, 9.8)])), ours(("a",), a=((), [])), ours()):
        assert weighed(mine, theirs) == theirs


def test_who_finds_nothing_in_a_dangerous_file_is_named() -> None:
    mine = ours(
        (), **{uri: ((), [named(uri, SYSTEM, 9.8)]) for uri in "abcd"}, e=((), [named("e", "x", 6.5)])
    )
    found = weighed(mine, run("modelscan", named("a", SYSTEM), read=("a", "b", "c", "e")))
    assert notes(found) == [f"modelscan finds nothing in b and 1 more, which {OWN} calls dangerous"]
    assert own(found)["status"] == "findings"


def test_tools_that_are_no_second_opinion_are_left_alone() -> None:
    lock = run("mlsecops-model-lock", read=("a",))
    mine = ours((), a=((), [named("a", SYSTEM, 9.8)]))
    assert weigh([mine, lock], OWN, OTHERS)[1] is lock
    assert weigh([lock], OWN, OTHERS) == [lock]


def test_without_a_view_of_ours_nothing_changes() -> None:
    theirs = run("picklescan", named("a", GETATTR), unnamed("a"), read=("a",))
    assert weighed(run(OWN, status="incomplete"), theirs) == theirs
