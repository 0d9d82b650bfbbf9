"""modelscan's report -> findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlsecops.project import Project
from mlsecops.tools.modelscan import parse

ORIGINS = {"00000.pkl": "a.pkl", "00001.pt": "b.pt", "00002.pkl": "c.pkl"}


def report(scanned: list[str], issues: list[tuple[str, str]], errors: list[str]) -> dict[str, Any]:
    return {
        "summary": {"scanned": {"scanned_files": scanned}},
        "issues": [{"source": source, "module": "posix", "operator": name} for source, name in issues],
        "errors": [{"source": source, "description": "Parsing error"} for source in errors],
    }


def test_members_belong_to_their_file_and_the_rest_is_named() -> None:
    found = report(
        ["00000.pkl", "00001.pt:archive/data.pkl", "canary.pkl"],
        [("00001.pt:archive/data.pkl", "system"), ("canary.pkl", "system")],
        [],
    )
    parsed = parse(found, ORIGINS, Project(Path()))
    assert parsed.canary == {"model-runs-code"}
    assert parsed.looked_at == {"a.pkl", "b.pt"}
    assert [each["properties"]["mlsecops"]["identity"][1] for each in parsed.results] == ["b.pt"]
    assert [(each.uri, each.kind) for each in parsed.problems] == [("c.pkl", "unparsed")]


def test_one_bad_member_spoils_its_file() -> None:
    members = ["00001.pt:archive/data.pkl", "00001.pt:archive/x.pkl"]
    parsed = parse(report(members, [], members[1:]), ORIGINS, Project(Path()))
    assert "b.pt" not in parsed.looked_at
    assert {each.uri: each.message for each in parsed.problems}["b.pt"] == "Parsing error"


def test_another_finding_in_the_canary_is_no_proof() -> None:
    parsed = parse(report(["canary.pkl"], [("canary.pkl", "other")], []), ORIGINS, Project(Path()))
    assert not parsed.canary
