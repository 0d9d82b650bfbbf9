"""bandit's report -> findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import ToolError
from mlsecops.python_sources import PythonSources
from mlsecops.tools.bandit import parse, suppression
from mlsecops.tools.semgrep import RULES, read_pack

CANARY = Path("/scratch/canary/canary.py")
SOURCES = PythonSources(Path("/scratch/sources"), {"000000.py": "app.py", "000001.py": "b.py"}, {})


def issue(**more: Any) -> dict[str, Any]:
    return {
        "test_id": "B301",
        "test_name": "blacklist",
        "issue_text": "Pickle.",
        "issue_severity": "MEDIUM",
        "issue_confidence": "HIGH",
        "issue_cwe": {"id": 502},
        "line_number": 2,
        "line_range": [2, 3],
        "filename": "/scratch/sources/000000.py",
        "code": "1 import pickle\n2 pickle.loads(\n3     x)\n",
        "more_info": "https://docs.example/b301",
        **more,
    }


def report(*issues: dict[str, Any], errors: list[Any] | None = None) -> dict[str, Any]:
    files = ["/scratch/sources/000000.py", "/scratch/sources/000001.py", "_totals"]
    return {"results": list(issues), "errors": errors or [], "metrics": {key: {} for key in files}}


def test_findings_and_canary() -> None:
    parsed = parse(report(issue(), issue(filename=str(CANARY))), "", SOURCES, CANARY)
    assert parsed.canary == {"B301"}
    assert parsed.looked_at == {"app.py", "b.py"}
    [result] = parsed.results
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app.py"
    assert (place["region"]["startLine"], place["region"]["endLine"]) == (2, 3)


@pytest.mark.parametrize(
    ("severity", "confidence", "level"),
    [
        ("HIGH", "HIGH", "error"),
        ("HIGH", "LOW", "warning"),
        ("MEDIUM", "HIGH", "warning"),
        ("MEDIUM", "LOW", "note"),
        ("LOW", "HIGH", "note"),
    ],
)
def test_severity_is_cut_by_doubt(severity: str, confidence: str, level: str) -> None:
    parsed = parse(report(issue(issue_severity=severity, issue_confidence=confidence)), "", SOURCES, CANARY)
    assert parsed.results[0]["level"] == level


def test_a_rule_has_the_severity_of_its_worst_finding() -> None:
    parsed = parse(report(issue(issue_severity="LOW"), issue(issue_severity="HIGH")), "", SOURCES, CANARY)
    assert [rule["properties"]["security-severity"] for rule in parsed.rules] == ["7.5"]


def test_a_file_that_cannot_be_parsed_was_not_looked_at() -> None:
    broken = [{"filename": "/scratch/sources/000001.py", "reason": "syntax error"}]
    parsed = parse(report(errors=broken), "", SOURCES, CANARY)
    assert parsed.looked_at == {"app.py"}
    assert [(each.uri, each.kind) for each in parsed.problems] == [("b.py", "unparsed")]


def test_a_check_that_broke_is_a_problem() -> None:
    log = "Bandit internal error running: foo on file /scratch/sources/000000.py at line 7: oh\n"
    parsed = parse(report(), log, SOURCES, CANARY)
    assert [(each.uri, each.line, each.kind) for each in parsed.problems] == [("app.py", 7, "unreadable")]
    assert parsed.looked_at == {"b.py"}


def test_a_finding_in_an_unknown_file_is_an_error() -> None:
    with pytest.raises(ToolError, match="not given"):
        parse(report(issue(filename="/other.py")), "", SOURCES, CANARY)


@pytest.mark.parametrize("rule", ["B105", "B106", "B107"])
def test_a_password_is_not_quoted(rule: str) -> None:
    found = issue(test_id=rule, issue_text="Possible hardcoded password: 'hunter2:x'", issue_cwe={"id": 259})
    parsed = parse(report(found), "", SOURCES, CANARY)
    assert "hunter2" not in repr(parsed)


@pytest.mark.parametrize(
    ("comment", "covered"),
    [
        ("# nosec", True),
        ("#nosec", True),
        ("# NOSEC: B301", True),
        ("# nosec B301, B403", True),
        ("# nosec blacklist", True),
        ("# nosec B602", False),
        ("# nosec because we trust it", True),
        ("# no section", False),
        ("# about nothing", False),
    ],
)
def test_nosec(comment: str, covered: bool) -> None:
    found = suppression(issue(code=f"2 pickle.loads(x)  {comment}\n", line_range=[2]))
    assert (found is not None) == covered
    assert found is None or found == comment


@pytest.mark.parametrize(
    ("comment", "covered"),
    [
        ("# noqa: S301", True),
        ("# noqa: E501, S301", True),
        ("# NOQA:s301", True),
        ("# noqa: S3011", False),
        ("# noqa: E501", False),
        ("# noqa", False),
    ],
)
def test_noqa_counts_only_when_it_names_the_rule(comment: str, covered: bool) -> None:
    found = suppression(issue(code=f"2 pickle.loads(x)  {comment}\n", line_range=[2]))
    assert (found is not None) == covered


def test_nosec_on_any_line_of_the_call_but_no_other() -> None:
    assert suppression(issue(code="2 pickle.loads(\n3     x)  # nosec\n"))
    assert suppression(issue(code="1 y  # nosec\n2 pickle.loads(x)\n", line_range=[2])) is None


def test_the_weakness_is_the_one_of_our_own_rules() -> None:
    """The same line found by both is one finding only when both name the same CWE."""
    for rule in read_pack(RULES):
        own = {each.split(":")[0].removeprefix("CWE-") for each in rule["metadata"]["cwe"][:1]}
        named = rule["metadata"].get("bandit", [])
        theirs = set()
        for test in named:
            cwe = BANDIT_CWE[test]
            parsed = parse(report(issue(test_id=test, issue_cwe={"id": cwe})), "", SOURCES, CANARY)
            tags = parsed.rules[0]["properties"]["tags"]
            theirs |= {tag.rpartition("cwe-")[2] for tag in tags if "cwe" in tag}
        assert not named or own & theirs or rule["id"] in APART, (rule["id"], own, theirs)


# What bandit 1.9 itself says of the checks that our rules name.
BANDIT_CWE = {
    "B102": 78,
    "B103": 732,
    "B104": 605,
    "B105": 259,
    "B106": 259,
    "B108": 377,
    "B201": 94,
    "B202": 22,
    "B301": 502,
    "B302": 502,
    "B306": 377,
    "B307": 78,
    "B311": 330,
    "B323": 295,
    "B324": 327,
    "B411": 20,
    "B501": 295,
    "B506": 20,
    "B507": 295,
    "B602": 78,
    "B605": 78,
    "B608": 89,
    "B614": 502,
    "B615": 494,
}
# bandit reports the import, our rule the call: two lines.
APART = {"mlsecops-xmlrpc-open"}


@pytest.mark.parametrize(
    ("name", "address", "title"),
    [
        ("pytorch_load", "https://docs.example/b614_pytorch_load.html", "Pytorch load (B301)"),
        ("blacklist", "https://docs.example/calls.html#b310-urllib-urlopen", "Urllib urlopen (B301)"),
        ("blacklist", "https://docs.example/calls.html", "Blacklist (B301)"),
    ],
)
def test_titles_tell_the_tests_of_one_list_apart(name: str, address: str, title: str) -> None:
    parsed = parse(report(issue(test_name=name, more_info=address)), "", SOURCES, CANARY)
    assert parsed.rules[0]["shortDescription"]["text"] == title
