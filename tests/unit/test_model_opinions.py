"""Second opinions beside our own readers: what they overrule, and what they never do."""

from __future__ import annotations

from typing import Any

from mlsecops.model_opinions import harmless_imports, weigh

OWN = "mlsecops-models"
USES = [("a.pkl", "builtins.getattr"), ("b.pkl", "builtins.getattr"), ("a.pkl", "posix.system")]


def run(name: str, *found: tuple[str, str], harmless: list[list[str]] | None = None) -> dict[str, Any]:
    results = [
        {"ruleId": "r", "properties": {"mlsecops": {"identity": ["model-import", uri, what]}}}
        for uri, what in found
    ]
    own = {"status": "findings" if found else "passed", "notes": ["a note"], "harmless": harmless or []}
    return {"tool": {"driver": {"name": name}}, "results": results, "properties": {"mlsecops": own}}


def own(run: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


def harmless(*files: str) -> list[list[str]]:
    return [each for uri in files for each in harmless_imports(uri, ["__builtin__.getattr"])]


def test_what_is_known_to_be_harmless_becomes_a_note() -> None:
    ours, other = weigh([run(OWN, harmless=harmless("a.pkl", "b.pkl")), run("picklescan", *USES)], OWN)
    assert "harmless" not in own(ours)
    assert [each["properties"]["mlsecops"]["identity"][2] for each in other["results"]] == ["posix.system"]
    assert own(other)["status"] == "findings"
    note = "picklescan calls `builtins.getattr` in a.pkl and 1 more dangerous; "
    note += "mlsecops-models read how it is used and found no harm"
    assert own(other)["notes"] == ["a note", note]


def test_a_run_without_findings_left_has_passed() -> None:
    _, other = weigh([run(OWN, harmless=harmless("a.pkl")), run("modelscan", USES[0])], OWN)
    assert (other["results"], own(other)["status"]) == ([], "passed")


def test_an_incomplete_run_stays_one() -> None:
    before = run("modelscan", USES[0])
    own(before)["status"] = "incomplete"
    _, other = weigh([run(OWN, harmless=harmless("a.pkl")), before], OWN)
    assert own(other)["status"] == "incomplete"


def test_what_our_readers_did_not_see_stays() -> None:
    before = run("picklescan", *USES)
    assert weigh([run(OWN), before], OWN)[1] == before
    assert weigh([before], OWN) == [before]
