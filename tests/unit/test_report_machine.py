from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from hypothesis import given, settings
from jsonschema import Draft202012Validator, FormatChecker
from mlsecops.findings import Report
from mlsecops.report.machine import machine
from mlsecops.verdict import Verdict
from support import hostile_reports
from support.reports import finding, incomplete, passed, report, rich_report

SCHEMA: dict[str, Any] = json.loads((files("mlsecops") / "schemas" / "report.schema.json").read_text("utf-8"))


def closed(schema: Any) -> Any:
    """The published schema, without room for keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(each) for key, each in schema.items()}
    return {**inner, "additionalProperties": False} if inner.get("type") == "object" else inner


def check(text: str) -> Any:
    document = json.loads(text)
    Draft202012Validator(closed(SCHEMA), format_checker=FormatChecker()).validate(document)
    return document


class TestMachine:
    def test_schema_is_one(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    def test_says_verdict_counts_and_proof(self) -> None:
        document = check(machine(*rich_report()))
        assert document["$schema"] == SCHEMA["$id"]
        assert document["verdict"]["word"] == "blocked"
        assert document["verdict"]["exit_code"] == 1
        assert document["verdict"]["conditions"][0]["findings"] == [finding(1).id]
        assert document["counts"]["new"] == {"critical": 2, "high": 1, "medium": 1, "low": 1, "total": 5}
        assert document["counts"]["open"]["total"] == 22
        assert document["counts"]["waived"]["total"] == 2
        assert document["counts"]["suppressed"]["total"] == 2
        audit = document["stages"][1]["tools"][0]
        assert (audit["expected"], audit["scanned"], audit["canary"]) == (61, 61, "found")
        assert audit["data"] == {"source": "OSV", "date": "2026-11-20"}
        assert document["stages"][3]["status"] == "incomplete"
        assert document["waivers"]["expired"][0]["rule"] == "DL3007"
        assert document["left_out"][1] == {
            "path": "node_modules",
            "reason": "packages of others",
            "files": 1700,
        }

    def test_without_a_baseline_nothing_is_counted_as_new(self) -> None:
        document = check(machine(report([finding(state=None)], baseline=None), incomplete()))
        assert document["baseline"] is None
        assert document["counts"]["new"] is None
        assert document["counts"]["fixed"] is None
        assert document["counts"]["open"]["total"] == 1

    def test_is_the_same_for_the_same_report(self) -> None:
        assert machine(*rich_report()) == machine(*rich_report())
        assert machine(report(), passed()).endswith("}\n")

    @given(hostile_reports.reports, hostile_reports.verdicts)
    @settings(max_examples=40, deadline=None)
    def test_any_text_anywhere_keeps_the_shape(self, whole: Report, verdict: Verdict) -> None:
        check(machine(whole, verdict))
