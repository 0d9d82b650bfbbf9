"""report.json: the verdict and the counts, for programs. The findings themselves are in the SARIF file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from mlsecops.findings import Finding, Report, StageReport, ToolReport
from mlsecops.policy import SEVERITIES, Severity, Waiver
from mlsecops.policy.proposal import Proposal
from mlsecops.report.escape import visible
from mlsecops.report.parts import by_severity, parts
from mlsecops.verdict import Verdict

SCHEMA = "urn:mlsecops:schema:report:v1"

Json = dict[str, Any]


def machine(report: Report, verdict: Verdict) -> str:
    """The report as one JSON document, as `schemas/report.schema.json` describes it.

    Characters that cannot be seen, and bytes of file names that are not UTF-8, are visible escapes in it.
    """
    found = parts(report)
    document: Json = {
        "$schema": SCHEMA,
        "project": report.project,
        "generated": _time(report.generated),
        "mlsecops": report.version,
        "verdict": {
            "word": verdict.word,
            "reason": verdict.reason,
            "exit_code": verdict.exit_code,
            "conditions": [
                {"kind": each.kind, "text": each.text, "findings": list(each.findings)}
                for each in verdict.conditions
            ],
        },
        "policy": report.policy_source,
        "policy_change": _proposal(report.proposal),
        "baseline": _baseline(report),
        "counts": {
            "new": None if report.baseline is None else _counts(found.new),
            "unchanged": None if report.baseline is None else _counts(found.unchanged),
            "fixed": None if report.baseline is None else _counts(report.fixed),
            "open": _counts([*found.new, *found.unchanged]),
            "waived": _counts(found.waived),
            "suppressed": _counts(found.suppressed),
        },
        "stages": [_stage(stage) for stage in report.stages],
        "waivers": {
            "expired": [_waiver(each) for each in report.waivers_expired],
            "unused": [_waiver(each) for each in report.waivers_unused],
        },
        "left_out": [
            {"path": each.path, "reason": each.reason, "files": each.files} for each in report.left_out
        ],
        "notices": list(report.notices),
    }
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(_visible(document), option=options).decode()


def _proposal(proposal: Proposal | None) -> Json | None:
    if proposal is None:
        return None
    return {
        "kind": proposal.kind,
        "path": proposal.path,
        "effect": proposal.effect,
        "fault": proposal.fault or None,
        "changes": [{"effect": each.turn, "text": each.what} for each in proposal.changes],
    }


def _baseline(report: Report) -> Json | None:
    if report.baseline is None:
        return None
    return {
        "source": report.baseline.source,
        "date": _time(report.baseline.date),
        "incomplete": list(report.baseline.incomplete),
    }


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    return _with_total(by_severity(findings))


def _with_total(counts: Mapping[Severity, int]) -> dict[str, int]:
    every: dict[str, int] = {severity: counts.get(severity, 0) for severity in SEVERITIES}
    return {**every, "total": sum(every.values())}


def _stage(stage: StageReport) -> Json:
    return {
        "name": stage.name,
        "status": stage.status,
        "reason": stage.reason,
        "seconds": round(stage.seconds, 3),
        "open": _with_total(stage.counts),
        "tools": [_tool(tool) for tool in stage.tools],
    }


def _tool(tool: ToolReport) -> Json:
    return {
        "name": tool.name,
        "version": tool.version,
        "status": tool.status,
        "reason": tool.reason,
        "expected": tool.expected,
        "scanned": tool.scanned,
        "canary": tool.canary,
        "started": _time(tool.started),
        "ended": _time(tool.ended),
        "seconds": round(tool.seconds, 3),
        "data": {"source": tool.data_source, "date": tool.data_date.isoformat() if tool.data_date else None}
        if tool.data_source or tool.data_date
        else None,
        "suppressed": tool.suppressed,
        "problems": list(tool.problems),
        "notes": list(tool.notes),
    }


def _waiver(waiver: Waiver) -> Json:
    return {
        "rule": waiver.rule,
        "advisory": waiver.advisory,
        "path": waiver.path,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _visible(value: Any) -> Any:
    """The document with every text of a stranger made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible(each) for key, each in value.items()}
    return [_visible(each) for each in value] if isinstance(value, list) else value
