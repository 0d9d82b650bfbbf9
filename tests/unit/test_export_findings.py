"""The file for DefectDojo: what is said of a finding, and no text of a stranger is more than text in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.export.folder import Run, Stage, Tool
from mlsecops.export.generic_findings import Waived, generic_findings, unique_id
from mlsecops.findings import Finding, Place
from mlsecops.policy import Waiver
from support.export_services.products import WIDTHS, wrong
from support.hostile_reports import findings as hostile_findings
from support.hostile_text import hostile
from support.markup import render
from support.reports import finding

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TOOL = Tool("bandit", "1.9", "findings", "", 3, 3, NOW)
MARKDOWN = ("description", "mitigation", "severity_justification", "steps_to_reproduce", "references")


def document(*found: Finding, stage: str = "sast", waived: Waived = "open", **changes: Any) -> dict[str, Any]:
    """The file for a stage with these findings."""
    usual = Stage(stage, "findings", "", "", (TOOL,), found)
    run = Run(Path(), "forecast-api", "1.0.0", NOW, ())
    parsed: dict[str, Any] = orjson.loads(generic_findings(run, replace(usual, **changes), waived))
    return parsed


def row(given: Finding, **changes: Any) -> dict[str, Any]:
    (found,) = document(given, **changes)["findings"]
    assert isinstance(found, dict)
    return found


def test_all_that_is_known_of_a_finding_is_told() -> None:
    found = row(
        finding(
            3,
            rule_id="CVE-2026-7",
            aliases=("GHSA-aaaa-bbbb-cccc", "cve-2025-1", "internal-7"),
            cwes=("CWE-1395", "CWE-20"),
            package="flask",
            installed="2.0.1",
            fixed_in="2.2.5",
            also_at=(Place("lock.txt", 9),),
            kev=True,
        )
    )

    assert wrong(found) == []
    assert found == {
        "title": "flask 2.0.1: Loading a pickle runs code",
        "severity": "High",
        "description": found["description"],
        "mitigation": "upgrade `flask` to `2.2.5`",
        "severity_justification": "Known to be exploited.",
        "steps_to_reproduce": "`mlsecops run . --stage sast`",
        "references": "https://docs.example/unsafe-load",
        "cwe": 1395,
        "vulnerability_ids": ["CVE-2026-7", "cve-2025-1", "GHSA-aaaa-bbbb-cccc"],
        "file_path": "src/service/app.py",
        "line": 13,
        "component_name": "flask",
        "component_version": "2.0.1",
        "unique_id_from_tool": f"sast:{finding(3).fingerprint}",
        "vuln_id_from_tool": "CVE-2026-7",
        "active": True,
        "verified": False,
        "is_mitigated": False,
        "static_finding": True,
        "dynamic_finding": False,
    }
    assert found["description"].split("\n\n") == [
        "`pickle.load` runs what the file says; the file comes from a request.",
        "A pickle is a program. Who writes the file owns the process.",
        "Use a format without code.",
        "**Where:** `src/service/app.py:13`",
        "**Also at:** `lock.txt:9`",
        "**Rule:** `CVE-2026-7`",
        "**Classes:** CWE-1395, CWE-20, ML06, AML.T0010",
        "**Found by:** bandit, semgrep (stage sast of mlsecops)",
    ]


def test_what_a_service_answers_is_a_dynamic_finding() -> None:
    found = row(finding(), stage="dast")
    assert (found["static_finding"], found["dynamic_finding"]) == (False, True)


WAIVER = Waiver(rule="x", path="**", reason="a sample", expires=date(2026, 12, 31))


@pytest.mark.parametrize("hidden", [{"waiver": WAIVER}, {"suppressed": "checked by hand"}])
def test_what_does_not_count_is_open_unless_it_is_asked_for(hidden: dict[str, Any]) -> None:
    given = finding(**hidden)
    kept, closed = row(given), row(given, waived="closed")
    assert (kept["active"], kept["is_mitigated"], "mitigated" in kept) == (True, False, False)
    assert (closed["active"], closed["is_mitigated"]) == (False, True)
    assert closed["mitigated"] == "2026-11-20T09:30:00+00:00"
    assert "2026-12-31: a sample" in kept["severity_justification"] or "checked by hand" in str(kept)


def test_what_counts_is_open_however_waived_ones_are_taken() -> None:
    assert row(finding(), waived="closed")["active"] is True


def test_the_test_says_what_was_looked_at_and_what_is_in_doubt() -> None:
    said = document(doubt="it is incomplete: no [data](x)")["description"]
    assert said.splitlines() == [
        "Stage sast of mlsecops. Nothing is closed: it is incomplete: no \\[data\\](x).",
        "",
        "- bandit 1.9, looked at 3 of 3, findings",
    ]


def test_a_finding_stays_the_same_when_its_line_or_waiver_changes() -> None:
    before, after = row(finding(1)), row(finding(1, line=99, waiver=WAIVER))
    assert before["unique_id_from_tool"] == after["unique_id_from_tool"]
    assert row(finding(1))["description"] == row(finding(1, waiver=WAIVER))["description"]


@settings(max_examples=50)
@given(hostile, hostile)
def test_an_identity_is_short_and_plain_and_of_one_fingerprint_only(one: str, other: str) -> None:
    ids = {unique_id("sast", one), unique_id("sast", other)}
    assert len(ids) == len({one, other})
    assert all(len(each) <= 200 and each.isascii() and each.isprintable() for each in ids)


@settings(max_examples=25)
@given(st.lists(hostile_findings, max_size=1), hostile, st.sampled_from(["open", "closed"]))
def test_no_text_of_a_stranger_is_more_than_text(found: list[Finding], doubt: str, waived: Waived) -> None:
    made = document(*found, doubt=doubt, waived=waived)
    for each in made["findings"]:
        assert wrong(each) == []
        for name in MARKDOWN:
            rendered = render(each.get(name, ""))
            assert set(rendered.html) <= {"<span>", "</span>"}  # what keeps `$` from being mathematics
            assert rendered.images == rendered.headings == []
            assert set(rendered.blocks) <= {"paragraph_open"}
            assert name == "references" or rendered.links == []
        for name in ("title", "file_path", "component_name", "component_version", "vuln_id_from_tool"):
            assert each.get(name, "").isprintable()
        assert each.get("references", "https://").startswith("https://")


def test_nothing_is_wider_than_its_column() -> None:
    long = "x" * 10_000
    found = row(
        finding(
            title=long,
            uri=long,
            package=long,
            installed=long,
            rule_id=long,
            fingerprint=long,
            message=long,
            aliases=(f"CVE-{long}",),
            cwes=("CWE-99999999999999999999",),
            line=2**40,
            also_at=tuple(Place(f"{number}", 1) for number in range(50)),
        )
    )
    assert wrong(found) == []
    assert all(len(found[name]) <= most for name, most in WIDTHS.items())
    assert "and 30 more" in found["description"]
    assert not {"line", "cwe", "vulnerability_ids"} & found.keys()
    assert len(orjson.dumps(found)) < 40_000
