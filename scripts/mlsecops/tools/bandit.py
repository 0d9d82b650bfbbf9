"""bandit: known-dangerous calls in Python code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlsecops.job import Job, Parsed, Problem
from mlsecops.python_sources import PythonSources, lay_out, looked_at
from mlsecops.sarif.build import Json, Location, Result, Rule

_CANARY = b"import pickle\n\npickle.loads(b'')\n"
_CANARY_RULE = "B301"
# The severity that bandit gives, by its confidence: HIGH, MEDIUM and LOW of both.
_SEVERITY = {"HIGH": 7.5, "MEDIUM": 5.0, "LOW": 2.5, "UNDEFINED": 5.0}
_CONFIDENCE_CUT = {"HIGH": 0.0, "MEDIUM": 0.6, "LOW": 1.5, "UNDEFINED": 0.6}
# `assert` in tests is how pytest works, and outside of them it is no weakness by itself.
_LEFT_OUT = ("B101",)
_NOSEC = re.compile(r"#\s*nosec:?\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Bandit:
    """Runs bandit over Python files and converted notebooks."""

    name: str = "bandit"
    environment: str | None = "bandit"
    information_uri: str = "https://bandit.readthedocs.io"
    canary_rules: frozenset[str] = frozenset({_CANARY_RULE})
    weight: float = 2.0
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run, suppression comments not honoured by the tool."""
        sources = lay_out(job, "sources")
        canary = job.canary({"canary.py": _CANARY})
        output = job.work / "bandit.json"
        report = job.execute_json(
            ["bandit", "-r", str(sources.folder), str(canary), "-f", "json", "-o", str(output), "-q"]
            + ["--ignore-nosec", "-s", ",".join(_LEFT_OUT), "-x", str(job.work / "nothing")],
            exit_codes=(0, 1),
            output=output,
        )
        return parse(report, sources, str(canary))


def parse(report: Any, sources: PythonSources, canary: str) -> Parsed:
    """bandit's JSON report -> findings on the project's files."""
    found: set[str] = set()
    rules: dict[str, Json] = {}
    results: list[Json] = []
    problems = list(sources.problems)
    for issue in report["results"]:
        uri = sources.uri(issue["filename"])
        if uri is not None:
            rules.setdefault(issue["test_id"], _rule(issue).to_sarif())
            results.append(_result(issue, uri, sources))
        elif issue["filename"].startswith(canary):
            found.add(issue["test_id"])
    unread = {sources.uri(error["filename"]): str(error["reason"]) for error in report["errors"]}
    problems += [
        Problem(uri, reason, kind="unparsed") for uri, reason in sorted(unread.items(), key=str) if uri
    ]
    return Parsed(
        looked_at=looked_at(sources, report["metrics"]) - set(unread),
        rules=list(rules.values()),
        results=results,
        canary=frozenset(found),
        problems=problems,
    )


def _rule(issue: Json) -> Rule:
    cwe = issue.get("issue_cwe", {}).get("id")
    name = str(issue["test_name"]).replace("_", " ")
    return Rule(
        id=issue["test_id"],
        name=str(issue["test_name"]),
        summary=f"{name} ({issue['test_id']})",
        help=str(issue["issue_text"]),
        fix=_FIXES.get(issue["test_id"], "Follow the documentation of the rule."),
        severity=_score(issue),
        help_uri=str(issue.get("more_info", "")),
        tags=(f"external/cwe/cwe-{cwe}",) if cwe else (),
        precision="high" if issue["issue_confidence"] == "HIGH" else "medium",
    )


def _result(issue: Json, uri: str, sources: PythonSources) -> Json:
    line, cell = sources.place(uri, int(issue["line_number"]))
    last, _ = sources.place(uri, int(max(issue["line_range"], default=issue["line_number"])))
    return Result(
        rule_id=issue["test_id"],
        message=str(issue["issue_text"]),
        location=Location(uri=uri, start_line=line, end_line=max(line, last), logical=cell),
        severity=_score(issue),
        suppression=suppression(issue),
    ).to_sarif()


def _score(issue: Json) -> float:
    return _SEVERITY[issue["issue_severity"]] - _CONFIDENCE_CUT[issue["issue_confidence"]]


def suppression(issue: Json) -> str | None:
    """The `nosec` comment that names this issue, or names none; `code` lines start with their number."""
    lines = dict(line.split(" ", 1) for line in str(issue["code"]).splitlines() if " " in line)
    for number in issue["line_range"] or [issue["line_number"]]:
        comment = _NOSEC.search(lines.get(str(number), ""))
        if comment is None:
            continue
        words = re.split(r"[\s,]+", comment[1].strip())
        named = [word for word in words if re.fullmatch(r"B\d{3}", word) or word == issue["test_name"]]
        if not named or issue["test_id"] in named or issue["test_name"] in named:
            return comment[0].strip()
    return None


_FIXES = {
    "B102": "Do not run text as code; look the wanted function up in a dictionary.",
    "B103": "Give the file the least rights it needs, such as 0o600.",
    "B104": "Bind to 127.0.0.1 and let a proxy face the network.",
    "B105": "Read the secret from the environment or a secret store.",
    "B106": "Read the secret from the environment or a secret store.",
    "B107": "Leave the default empty and read the secret from the environment.",
    "B108": "Use the tempfile module.",
    "B110": "Catch the exception that is expected, and log it.",
    "B113": "Give the request a timeout.",
    "B201": "Start Flask without debug=True and serve it with a WSGI server.",
    "B301": "Load data in a format that holds no code: JSON, safetensors, ONNX or skops.",
    "B303": "Use SHA-256 or better.",
    "B306": "Use tempfile.mkstemp or NamedTemporaryFile.",
    "B307": "Use ast.literal_eval, or look the wanted function up in a dictionary.",
    "B310": "Allow only https addresses of hosts that you know.",
    "B311": "Use the secrets module for anything that must not be guessed.",
    "B314": "Parse XML with defusedxml.",
    "B324": "Use SHA-256 or better, or say usedforsecurity=False.",
    "B403": "Load data in a format that holds no code: JSON, safetensors, ONNX or skops.",
    "B404": "Pass a list of arguments and no shell, and nothing that a stranger chose.",
    "B501": "Leave certificate checks on.",
    "B506": "Use yaml.safe_load.",
    "B602": "Pass a list of arguments and no shell.",
    "B603": "Pass nothing that a stranger chose to the program.",
    "B605": "Use subprocess.run with a list of arguments.",
    "B607": "Give the full path of the program.",
    "B608": "Use query parameters instead of building SQL from text.",
    "B614": "Call torch.load with weights_only=True, or use safetensors.",
    "B615": "Name the revision (a full commit) of the model or data set.",
    "B701": "Switch autoescape on.",
}
