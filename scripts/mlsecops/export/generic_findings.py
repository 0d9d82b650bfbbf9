"""A stage's findings in DefectDojo's "Generic Findings Import" format, nothing of a stranger's active in it.

https://docs.defectdojo.com/supported_tools/parsers/generic_findings_import/. Only keys that releases of
several years take: one that a server does not know makes it refuse the whole file. Texts are kept within the
widths of its columns for the same reason. It keeps the texts of a finding's first import.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import orjson

from mlsecops.export.folder import Run, Stage
from mlsecops.findings import Finding
from mlsecops.policy import Severity
from mlsecops.report.escape import code, plain, prose, shorten, shorten_path, url, visible
from mlsecops.report.parts import classes, explanation, remedy

TYPE = "mlsecops"
Waived = Literal["open", "closed"]

_SEVERITIES: dict[Severity, str] = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
_AT_A_SERVICE = frozenset({"dast"})
_IDENTITY = re.compile(r"[A-Za-z0-9:._/-]{1,128}")
_ADVISORY = re.compile(r"(?:CVE|GHSA|PYSEC|OSV|MAL)-[A-Za-z0-9-]{1,44}", re.IGNORECASE)
_CWE = re.compile(r"CWE-([0-9]{1,5})")
_TITLE, _NAME, _VERSION, _PATH, _LINE = 250, 500, 100, 4000, 2**31 - 1
_PROSE, _MOST_PLACES, _MOST_PARAGRAPHS, _MOST_IDS = 4000, 20, 20, 20


def generic_findings(run: Run, stage: Stage, waived: Waived) -> bytes:
    """The file for one stage."""
    document = {
        "name": TYPE,
        "type": TYPE,
        "version": run.version,
        "description": _evidence(stage),
        "static_tool": stage.name not in _AT_A_SERVICE,
        "dynamic_tool": stage.name in _AT_A_SERVICE,
        "findings": [_finding(each, stage, run.generated, waived) for each in stage.findings],
    }
    return orjson.dumps(document)


def unique_id(stage: str, fingerprint: str) -> str:
    """What DefectDojo knows a finding by.

    The stage is part of it: DefectDojo hides a finding as a duplicate of one that another test has under the
    same id, and leaves it hidden when that one is fixed.
    """
    if _IDENTITY.fullmatch(fingerprint):
        return f"{stage}:{fingerprint}"
    return f"{stage}:sha256:{hashlib.sha256(fingerprint.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _finding(finding: Finding, stage: Stage, generated: datetime, waived: Waived) -> dict[str, Any]:
    closed = waived == "closed" and not finding.open
    row = {
        "title": _title(finding),
        "severity": _SEVERITIES[finding.severity],
        "description": "\n\n".join(_description(finding, stage)),
        "mitigation": prose(shorten(remedy(finding), _PROSE)),
        "severity_justification": _standing(finding),
        "steps_to_reproduce": code(shorten(_reproduce(finding, stage), _PROSE)),
        "references": url(finding.help_uri),
        "cwe": next((int(match[1]) for each in finding.cwes if (match := _CWE.fullmatch(each))), None),
        "vulnerability_ids": _advisories(finding),
        "file_path": shorten_path(visible(finding.uri), _PATH),
        "line": finding.line if finding.uri and 0 < finding.line <= _LINE else None,
        "component_name": shorten(plain(finding.package or ""), _NAME),
        "component_version": shorten(plain(finding.installed or ""), _VERSION),
        "unique_id_from_tool": unique_id(stage.name, finding.fingerprint),
        "vuln_id_from_tool": shorten(plain(finding.rule_id), _NAME),
        # Neither false_p nor risk_accepted: a reimport never takes them back, or turns them on and off.
        "active": not closed,
        "verified": False,
        "is_mitigated": closed,
        "mitigated": generated.isoformat(timespec="seconds") if closed else None,
        "static_finding": stage.name not in _AT_A_SERVICE,
        "dynamic_finding": stage.name in _AT_A_SERVICE,
    }
    return {name: value for name, value in row.items() if value is not None and value not in ("", [])}


def _title(finding: Finding) -> str:
    title = plain(finding.title).rstrip(".") or plain(finding.rule_id) or "untitled"
    if finding.package:
        title = f"{plain(finding.package)} {plain(finding.installed or '')}".rstrip() + f": {title}"
    return shorten(title, _TITLE)


def _description(finding: Finding, stage: Stage) -> Iterator[str]:
    """Paragraphs of Markdown that stay the same from run to run."""
    yield prose(shorten(finding.message, _PROSE)) or "no description"
    for paragraph in explanation(finding)[:_MOST_PARAGRAPHS]:
        yield prose(shorten(paragraph, _PROSE))
    place = f"{shorten_path(finding.uri, _NAME)}:{finding.line}"
    cell = f" ({prose(shorten(finding.cell, _NAME))})" if finding.cell else ""
    yield f"**Where:** {code(place)}{cell}"
    if finding.also_at:
        more = len(finding.also_at) - _MOST_PLACES
        named = (
            code(f"{shorten_path(each.uri, _NAME)}:{each.line}") for each in finding.also_at[:_MOST_PLACES]
        )
        yield f"**Also at:** {', '.join(named)}{f' and {more:,} more' if more > 0 else ''}"
    rules = ", ".join(
        code(shorten(each, _NAME)) for each in (finding.rules or (finding.rule_id,))[:_MOST_IDS]
    )
    yield f"**Rule:** {rules}"
    if named_classes := classes(finding)[:_MOST_IDS]:
        yield f"**Classes:** {', '.join(prose(shorten(each, _NAME)) for each in named_classes)}"
    tools = ", ".join(prose(shorten(each, _NAME)) for each in finding.tools[:_MOST_IDS])
    yield f"**Found by:** {tools} (stage {stage.name} of mlsecops)"


def _standing(finding: Finding) -> str:
    """What may change from run to run."""
    if finding.waiver is not None:
        reason = prose(shorten(finding.waiver.reason, _PROSE))
        return f"Waived in the policy of mlsecops until {finding.waiver.expires}: {reason}"
    if finding.suppressed is not None:
        return f"Suppressed by a comment in the file: {prose(shorten(finding.suppressed, _PROSE))}"
    return "Known to be exploited." if finding.kev else ""


def _reproduce(finding: Finding, stage: Stage) -> str:
    return finding.reproduce or f"mlsecops run . --stage {stage.name}"


def _advisories(finding: Finding) -> list[str]:
    """Names that are published; the first is what DefectDojo shows, so a CVE where there is one."""
    names = dict.fromkeys(each for each in (finding.rule_id, *finding.aliases) if _ADVISORY.fullmatch(each))
    return sorted(names, key=lambda each: not each.upper().startswith("CVE-"))[:_MOST_IDS]


def _evidence(stage: Stage) -> str:
    """What the stage looked at, as the description of its test."""
    kept = f" Nothing is closed: {prose(stage.doubt)}." if stage.doubt else ""
    lines = [f"Stage {stage.name} of mlsecops.{kept}", ""]
    for tool in stage.tools:
        what = prose(f"{tool.name} {tool.version}".strip())
        why = f": {prose(tool.reason)}" if tool.reason else ""
        lines.append(f"- {what}, looked at {tool.scanned:,} of {tool.expected:,}, {tool.status}{why}")
    return "\n".join(lines)
