"""semgrep with this project's own rules for machine-learning code and serving."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from mlsecops.job import Job, Parsed, Problem, ToolError
from mlsecops.python_sources import PythonSources, lay_out, looked_at
from mlsecops.sarif.build import Json, Rule, decode_uri

RULES = Path(__file__).resolve().parents[1] / "rules" / "semgrep"
CANARY = RULES.parent / "semgrep-canary.py.txt"
_EXPECTED = re.compile(r"^# expects: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Semgrep:
    """Runs our rule pack over Python files and converted notebooks."""

    rules: Path = RULES
    name: str = "semgrep"
    environment: str | None = "semgrep"
    information_uri: str = "https://semgrep.dev"
    weight: float = 6.0
    timeout: float = 900.0

    @property
    def canary_rules(self) -> frozenset[str]:
        """One rule of every rule file: a file that does not load leaves a hole."""
        return frozenset(_EXPECTED.findall(CANARY.read_text(encoding="utf-8")))

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run."""
        sources = lay_out(job, "sources")
        canary = job.canary({"canary.py": CANARY.read_bytes()})
        sarif, report = job.work / "semgrep.sarif", job.work / "semgrep.json"
        job.execute(
            ["semgrep", "scan", "--metrics=off", "--disable-version-check", "--quiet", "--jobs=1"]
            + ["--no-git-ignore", "--x-ignore-semgrepignore-files", "--max-target-bytes=0"]
            + [f"--config={self.rules}", f"--sarif-output={sarif}", f"--json-output={report}"]
            + [str(sources.folder), str(canary)],
            exit_codes=(0,),
            output=report,
            silent=False,
            env={"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"},
        )
        log = _json(sarif)
        return parse(log["runs"][0], _json(report), sources, str(canary), load_rules(self.rules))


def parse(run: Json, report: Json, sources: PythonSources, canary: str, rules: Sequence[Rule]) -> Parsed:
    """semgrep's SARIF run (results) and JSON report (what was read) -> findings on the project's files."""
    found: set[str] = set()
    results: list[Json] = []
    for result in run["results"]:
        short = {**result, "ruleId": result["ruleId"].rsplit(".", 1)[-1]}
        short.pop("ruleIndex", None)
        path = decode_uri(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        if sources.uri(path) is not None:
            results.append(sources.relocate(_with_reason(short)))
        elif path.startswith(canary):
            found.add(short["ruleId"])
    problems = [*sources.problems, *_problems(report["errors"], sources)]
    unread = {problem.uri for problem in problems}
    return Parsed(
        looked_at=looked_at(sources, report["paths"]["scanned"]) - unread,
        rules=[rule.to_sarif() for rule in rules],
        results=results,
        canary=frozenset(found),
        problems=problems,
    )


def load_rules(folder: Path) -> list[Rule]:
    """The rule pack's metadata as SARIF rules."""
    rules = []
    for file in sorted(folder.glob("*.yaml")):
        # The C loader reads the whole pack in a tenth of the time.
        document = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
        rules += [_rule(rule) for rule in document["rules"]]
    return rules


def _rule(rule: Json) -> Rule:
    data = rule["metadata"]
    tags = [f"external/cwe/cwe-{match[1]}" for cwe in data["cwe"] if (match := re.match(r"CWE-(\d+)", cwe))]
    tags += [f"owasp-ml/{str(each).split(':')[0]}" for each in _listed(data.get("owasp-ml"))]
    tags += [f"mitre-atlas/{str(each).split(':')[0]}" for each in _listed(data.get("mitre-atlas"))]
    return Rule(
        id=rule["id"].rsplit(".", 1)[-1],
        name=rule["id"].rsplit(".", 1)[-1],
        summary=str(data["title"]),
        help=" ".join(f"{rule['message']} {data['help']}".split()),
        fix=" ".join(str(data["fix"]).split()),
        severity=float(data["security-severity"]),
        help_uri=next(iter(_listed(data.get("references"))), ""),
        tags=tuple(tags),
        precision=data.get("precision", "high"),
    )


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _with_reason(result: Json) -> Json:
    """semgrep marks suppressed results without saying by what; the line itself says it."""
    if not result.get("suppressions"):
        return result
    region = result["locations"][0]["physicalLocation"].get("region", {})
    comment = re.search(r"#\s*nosem.*", region.get("snippet", {}).get("text", ""))
    justification = comment[0] if comment else "nosemgrep comment"
    return {**result, "suppressions": [{"kind": "inSource", "justification": justification}]}


def _problems(errors: Iterable[Json], sources: PythonSources) -> list[Problem]:
    problems: dict[str, Problem] = {}
    for error in errors:
        uri = sources.uri(str(error.get("path", "")))
        message = " ".join(str(error.get("message", error.get("type", "unknown error"))).split())[:200]
        if uri is None:
            raise ToolError(f"its rules or its run have an error: {message}")
        problems.setdefault(uri, Problem(uri, message, kind="unparsed"))
    return list(problems.values())


def _json(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ToolError(f"its output {path.name} cannot be read ({error})") from error
