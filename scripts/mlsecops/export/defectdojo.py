"""DefectDojo: each stage of a run is reimported into one test of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlsecops.export.errors import ExportError, partly
from mlsecops.export.folder import Run, Stage
from mlsecops.export.generic_findings import Waived, generic_findings
from mlsecops.export.service import Product, Service, Upload
from mlsecops.report.escape import terminal
from mlsecops.report.parts import plural

DEFECTDOJO = Product("DefectDojo", "DEFECTDOJO_API_KEY", "Authorization", "Token ")
PATH = "/api/v2/reimport-scan/"
SCAN_TYPE = "Generic Findings Import"

_COUNTED = {"created": "created", "closed": "closed", "reactivated": "reopened", "untouched": "untouched"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where in DefectDojo it goes, and what was scanned."""

    product: str
    product_type: str
    engagement: str
    branch: str = ""
    commit: str = ""
    build: str = ""
    waived: Waived = "open"


def base_url(url: str) -> str:
    """The address without the path of the API, which people tend to copy with it."""
    return re.sub(r"/+api(/v2)?/*\Z", "", url.strip().rstrip("/"))


def export(service: Service, run: Run, target: Target, say: Callable[[str], None]) -> None:
    """Send every stage that looked, in order. Raises ExportError that says what was sent and what was not."""
    sent: list[str] = []
    due = [stage.name for stage in run.stages if stage.looked]
    if not due:
        raise ExportError("no stage of this run looked at anything, so there is nothing to export")
    for stage in run.stages:
        if not stage.looked:
            why = f": {stage.reason}" if stage.reason else ""
            say(terminal(f"{stage.name}: not sent, {stage.status}{why}"))
            continue
        try:
            answer = service.post(PATH, fields(stage, target), _file(run, stage, target))
            told = _counts(answer)
        except ExportError as error:
            raise partly(error, sent, due[len(sent) :]) from None
        sent.append(stage.name)
        kept = f"; nothing closed: {stage.doubt}" if stage.doubt else ""
        say(terminal(f"{stage.name}: {plural(len(stage.findings), 'finding')} sent{told}{kept}"))


def fields(stage: Stage, target: Target) -> Mapping[str, str]:
    """The form beside the file. What is absent from the file is closed only where the stage looked at all."""
    given = {
        "scan_type": SCAN_TYPE,
        "product_type_name": target.product_type,
        "product_name": target.product,
        "engagement_name": target.engagement,
        "test_title": stage.name,
        "auto_create_context": "true",
        # Else a finding on one branch is hidden as a duplicate of the same on another.
        "deduplication_on_engagement": "true",
        "minimum_severity": "Info",
        "close_old_findings": "false" if stage.doubt else "true",
        "close_old_findings_product_scope": "false",
        "do_not_reactivate": "false",
        "branch_tag": target.branch,
        "commit_hash": target.commit,
        "build_id": target.build,
    }
    return {name: value for name, value in given.items() if value}


def _file(run: Run, stage: Stage, target: Target) -> Upload:
    return Upload("file", f"mlsecops-{stage.name}.json", generic_findings(run, stage, target.waived))


def _counts(answer: Mapping[str, Any]) -> str:
    """What DefectDojo says that it did. Raises ExportError when it is not DefectDojo that answers."""
    if not isinstance(answer.get("test_id", answer.get("test")), int):
        raise ExportError("DefectDojo's answer names no test, so nothing is known of the import")
    statistics = answer.get("statistics")
    delta = statistics.get("delta") if isinstance(statistics, dict) else None
    if not isinstance(delta, dict):
        return ""
    done = [f"{number:,} {word}" for name, word in _COUNTED.items() if (number := _total(delta.get(name)))]
    return f" ({', '.join(done)})" if done else ""


def _total(value: Any) -> int:
    total = value.get("total") if isinstance(value, dict) else None
    number = total.get("total") if isinstance(total, dict) else None
    return number if isinstance(number, int) and number > 0 else 0
