"""bandit: known-dangerous calls in Python code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mlsecops.job import Job, Parsed, Problem, ToolError
from mlsecops.python_sources import PythonSources, lay_out, looked_at
from mlsecops.sarif.build import Json, Location, Result, Rule

_CANARY = b"import pickle\n\npickle.loads(b'')\n"
_CANARY_RULE = "B301"
# The severity that bandit gives, by its confidence: HIGH, MEDIUM and LOW of both.
_SEVERITY = {"HIGH": 7.5, "MEDIUM": 5.0, "LOW": 2.5, "UNDEFINED": 5.0}
_CONFIDENCE_CUT = {"HIGH": 0.0, "MEDIUM": 0.6, "LOW": 1.5, "UNDEFINED": 0.6}
# `assert` in tests is how pytest works; importing pickle or subprocess is no weakness, and their calls are
# found by rules of their own.
_LEFT_OUT = ("B101", "B403", "B404")
_NOSEC = re.compile(r"#\s*nosec:?\s*([^#]*)", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa:\s*([A-Z]+\d+(?:[\s,]+[A-Z]+\d+)*)", re.IGNORECASE)
_INTERNAL = re.compile(r"Bandit internal error running: (\S+) on file (.+?) at line (\d+)")
# These messages quote the secret.
_QUOTES_SECRET = ("B105", "B106", "B107")
# The weakness itself where bandit names a wider or a neighbouring one, so that it is the same finding
# whichever tool reports it.
_CWE = {
    "B102": 95,
    "B104": 1327,
    "B105": 798,
    "B106": 798,
    "B107": 798,
    "B201": 489,
    "B303": 328,
    "B307": 95,
    "B311": 338,
    "B324": 328,
    "B506": 502,
}


@dataclass(frozen=True)
class Bandit:
    """Runs bandit over Python files and converted notebooks."""

    name: str = "bandit"
    environment: str | None = "bandit"
    information_uri: str = "https://bandit.readthedocs.io"
    canary_rules: frozenset[str] = frozenset({_CANARY_RULE})
    weight: float = 1.0
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run, suppression comments not honoured by the tool."""
        sources = lay_out(job, "sources")
        canary = job.canary({"canary.py": _CANARY})
        output = job.work / "bandit.json"
        completed = job.execute(
            ["bandit", "-r", str(sources.folder), str(canary), "-f", "json", "-o", str(output), "-q"]
            + ["--ignore-nosec", "-s", ",".join(_LEFT_OUT), "-x", str(job.work / "nothing")],
            exit_codes=(0, 1),
            output=output,
        )
        try:
            report = orjson.loads(output.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ToolError(f"its output cannot be read: it is not whole JSON ({error})") from error
        log = completed.stderr.read_text(encoding="utf-8", errors="replace")
        return parse(report, log, sources, canary / "canary.py")


def parse(report: Any, log: str, sources: PythonSources, canary: Path) -> Parsed:
    """bandit's JSON report, and its log of checks that broke -> findings on the project's files."""
    found: set[str] = set()
    rules: dict[str, Rule] = {}
    results: list[Json] = []
    for issue in report["results"]:
        if issue["filename"] == str(canary):
            found.add(issue["test_id"])
            continue
        uri = sources.uri(issue["filename"])
        if uri is None:
            raise ToolError(f"it reports a file that it was not given ({issue['filename']})")
        rule = _rule(issue)
        known = rules.setdefault(rule.id, rule)
        if rule.severity > known.severity:
            rules[rule.id] = rule
        results.append(_result(issue, uri, sources))
    problems = _problems(report["errors"], log, sources)
    return Parsed(
        looked_at=looked_at(sources, report["metrics"]) - problems.keys(),
        rules=[rule.to_sarif() for rule in rules.values()],
        results=results,
        canary=frozenset(found),
        problems=[*sources.problems, *problems.values()],
        notes=list(sources.notes),
    )


def _problems(errors: Iterable[Json], log: str, sources: PythonSources) -> dict[str, Problem]:
    problems: dict[str, Problem] = {}
    for error in errors:
        uri = sources.uri(error["filename"])
        if uri is not None:
            problems[uri] = Problem(uri, str(error["reason"]), kind="unparsed")
    for test, path, line in _INTERNAL.findall(log):
        uri = sources.uri(path)
        if uri is not None:
            place, _ = sources.place(uri, int(line))
            problems.setdefault(uri, Problem(uri, f"bandit's check {test} broke on it", place))
    return problems


def _rule(issue: Json) -> Rule:
    cwe = _CWE.get(issue["test_id"], issue.get("issue_cwe", {}).get("id"))
    name = _name(issue)
    return Rule(
        id=issue["test_id"],
        name=str(issue["test_name"]),
        summary=f"{name[:1].upper()}{name[1:]} ({issue['test_id']})",
        help=_text(issue),
        fix=_FIXES.get(issue["test_id"], "Follow the documentation of the rule."),
        severity=_score(issue),
        help_uri=str(issue.get("more_info", "")),
        tags=(f"external/cwe/cwe-{cwe}",) if cwe else (),
        precision="high" if issue["issue_confidence"] == "HIGH" else "medium",
    )


def _name(issue: Json) -> str:
    """The test's name as words; all tests of its lists have one name, and their addresses tell them apart."""
    name = str(issue["test_name"])
    if name == "blacklist":
        name = str(issue.get("more_info", "")).partition("#")[2].partition("-")[2] or name
    return name.replace("_", " ").replace("-", " ")


def _result(issue: Json, uri: str, sources: PythonSources) -> Json:
    number = int(issue["line_number"])
    line, last, cell = sources.span(uri, number, int(max(issue["line_range"], default=number)))
    return Result(
        rule_id=issue["test_id"],
        message=_text(issue),
        location=Location(uri=uri, start_line=line, end_line=last, logical=cell),
        severity=_score(issue),
        suppression=suppression(issue),
    ).to_sarif()


def _text(issue: Json) -> str:
    text = str(issue["issue_text"])
    if issue["test_id"] in _QUOTES_SECRET:
        return f"{text.partition(':')[0]}. The value is not shown here."
    return text


def _score(issue: Json) -> float:
    return _SEVERITY[issue["issue_severity"]] - _CONFIDENCE_CUT[issue["issue_confidence"]]


def suppression(issue: Json) -> str | None:
    """The comment that hides this issue; `code` lines start with their number.

    That is a `nosec` that names it, or names none, and a `noqa` that names it as ruff does (S301 for B301). A
    bare `noqa` is about style and hides nothing.
    """
    lines = dict(line.split(" ", 1) for line in str(issue["code"]).splitlines() if " " in line)
    for number in issue["line_range"] or [issue["line_number"]]:
        line = lines.get(str(number), "")
        style = _NOQA.search(line)
        if style and f"S{issue['test_id'][1:]}" in re.split(r"[\s,]+", style[1].upper()):
            return style[0]
        comment = _NOSEC.search(line)
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
