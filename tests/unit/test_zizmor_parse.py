"""zizmor's reports -> findings."""

from __future__ import annotations

from typing import Any

import pytest
from mlsecops.job import ToolError
from mlsecops.tools.zizmor import copy_name, parse

WORKFLOW = ".github/workflows/ci.yml"
COPIES = {"0000/.github/workflows/workflow.yml": WORKFLOW, "0001/action.yml": "action.yml"}


def result(path: str, line: int = 3, severity: str = "High", confidence: str = "High") -> dict[str, Any]:
    region = {"startLine": line, "endLine": line, "startColumn": 2, "snippet": {"text": "TOKEN"}}
    return {
        "ruleId": "zizmor/template-injection",
        "message": {"text": "code injection: may expand: x"},
        "properties": {"zizmor/severity": severity, "zizmor/confidence": confidence},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}],
    }


def run(*results: dict[str, Any]) -> dict[str, Any]:
    rule = {
        "id": "zizmor/template-injection",
        "help": {"text": "code injection"},
        "properties": {"tags": ["security"]},
    }
    return {"tool": {"driver": {"rules": [rule]}}, "results": list(results)}


def test_findings_suppressions_canary_and_unread_files() -> None:
    workflow, canary = "0000/.github/workflows/workflow.yml", "canary/.github/workflows/canary.yml"
    hidden, open_ = result(workflow, 3), result(workflow, 9, "Medium", "Low")
    parsed = parse(run(hidden, open_, result(canary)), run(open_), [workflow, canary], COPIES)
    assert parsed.canary == {"zizmor/template-injection"}
    assert parsed.looked_at == {WORKFLOW}
    assert [each.uri for each in parsed.problems] == ["action.yml"]
    assert ["suppressions" in each for each in parsed.results] == [True, False]
    assert [each["level"] for each in parsed.results] == ["error", "note"]
    assert parsed.rules[0]["properties"]["security-severity"] == "8.0"
    assert parsed.rules[0]["shortDescription"] == {"text": "Code injection"}
    assert parsed.rules[0]["properties"]["mlsecops"]["fix"].startswith("Put the value into `env:`")
    assert parsed.results[0]["message"]["text"] == "May expand: x"
    assert "TOKEN" not in repr(parsed)


def test_a_finding_in_an_unknown_file_is_an_error() -> None:
    with pytest.raises(ToolError, match="not given"):
        parse(run(result("other.yml")), run(), [], COPIES)


@pytest.mark.parametrize(
    ("uri", "copy"),
    [
        (".github/workflows/a\nb.yaml", "0007/.github/workflows/workflow.yml"),
        ("actions/deploy/action.yaml", "0007/action.yaml"),
        (".github/dependabot.yml", "0007/.github/dependabot.yml"),
        (".github/workflows/transaction.yml", "0007/.github/workflows/transaction.yml"),
    ],
)
def test_copies_keep_the_kind_and_no_name(uri: str, copy: str) -> None:
    assert copy_name(7, uri) == copy
