"""semgrep with this project's own rules for machine-learning code and serving."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from mlsecops.job import Job, Parsed, Problem, ToolError
from mlsecops.python_sources import PythonSources, lay_out, looked_at
from mlsecops.sarif.build import Json, Location, Result, Rule

RULES = Path(__file__).resolve().parents[1] / "rules" / "semgrep"
_EXPECTED = re.compile(r"^# expects: (\S+)$", re.MULTILINE)
# semgrep counts a file as scanned even when it never parsed it because no rule's words are in it. This rule
# has no words, so every file is parsed; the file that no parser takes shows that semgrep says so.
_PROBE = "mlsecops-parse-every-file"
_PROBE_RULE = {
    "id": _PROBE,
    "languages": ["python"],
    "severity": "INFO",
    "message": "parsed",
    "pattern": "$X @ $X @ $X",
}
_BROKEN_FILE, _BROKEN = "broken.py", b"= =\n"
SAYS_UNPARSED = "a file that cannot be parsed"
_NOSEM = re.compile(r"\snosem(?:grep)?\b(?::[ \t]*(?P<ids>[^\s,]+(?:[ \t]*,[ \t]*[^\s,]+)*))?", re.IGNORECASE)
_SYNTAX = ("PartialParsing", "Syntax error", "Lexical error", "Other syntax error", "AST builder error")


@dataclass(frozen=True)
class Semgrep:
    """Runs our rule pack over Python files and converted notebooks."""

    rules: Path = RULES
    name: str = "semgrep"
    environment: str | None = "semgrep"
    information_uri: str = "https://semgrep.dev"
    weight: float = 1.5
    timeout: float = 900.0

    @property
    def canary(self) -> Path:
        """The known-bad file beside the rule pack; it names the rules that must find it."""
        return self.rules.parent / "semgrep-canary.py.txt"

    @property
    def canary_rules(self) -> frozenset[str]:
        """One rule of every rule file: a file that does not load leaves a hole."""
        return frozenset([*_EXPECTED.findall(self.canary.read_text(encoding="utf-8")), SAYS_UNPARSED])

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run, suppression comments not honoured by the tool."""
        sources = lay_out(job, "sources")
        canary = job.canary({"canary.py": self.canary.read_bytes(), _BROKEN_FILE: _BROKEN})
        rules = read_pack(self.rules)
        pack = job.work / "rules.json"
        # As JSON and without what only people read, the pack loads several times as fast.
        bare = [{key: rule[key] for key in rule if key != "metadata"} for rule in rules]
        pack.write_bytes(orjson.dumps({"rules": [*bare, _PROBE_RULE]}))
        report = job.execute_json(
            # The native command line: the same engine and results, without the Python one's start-up.
            ["semgrep", "scan", "--experimental", "--json", "--metrics=off", "--disable-version-check"]
            + ["--quiet", "--jobs=1", "--timeout=30", "--max-target-bytes=0", "--disable-nosem"]
            + ["--no-git-ignore", "--x-ignore-semgrepignore-files", f"--config={pack}"]
            + [str(sources.folder), str(canary)],
            exit_codes=(0,),
            env={"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"},
        )
        return parse(report, sources, canary, [to_rule(rule) for rule in rules])


def parse(report: Any, sources: PythonSources, canary: Path, rules: Sequence[Rule]) -> Parsed:
    """semgrep's JSON report -> findings on the project's files; no code of theirs becomes part of one."""
    found: set[str] = set()
    by_file: dict[str, list[Json]] = {}
    for result in report["results"]:
        rule = _rule_id(result["check_id"])
        if result["path"] == str(canary / "canary.py"):
            found.add(rule)
        elif sources.uri(result["path"]) is None:
            raise ToolError(f"it reports a file that it was not given ({result['path']})")
        elif rule != _PROBE:
            by_file.setdefault(result["path"], []).append(result)
    problems: dict[str, Problem] = {}
    for error in report["errors"]:
        path = str(error.get("path", ""))
        uri = sources.uri(path)
        if uri is not None:
            problems.setdefault(uri, _problem(error, uri))
        elif path == str(canary / _BROKEN_FILE):
            found.add(SAYS_UNPARSED)
        else:
            message = _one_line(error.get("message", error.get("type", "unknown error")))
            raise ToolError(f"its rules or its run have an error: {message}")
    return Parsed(
        looked_at=looked_at(sources, report["paths"]["scanned"]) - problems.keys(),
        rules=[rule.to_sarif() for rule in rules],
        results=[
            each for path, found_here in by_file.items() for each in _results(path, found_here, sources)
        ],
        canary=frozenset(found),
        problems=[*sources.problems, *problems.values()],
        notes=list(sources.notes),
    )


def read_pack(folder: Path) -> list[Json]:
    """All rules of the pack's files, in order."""
    rules: list[Json] = []
    for file in sorted(folder.glob("*.yaml")):
        # The C loader reads the whole pack in a tenth of the time.
        rules += yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)["rules"]
    return rules


def to_rule(rule: Json) -> Rule:
    """A rule of the pack with its metadata -> the SARIF rule."""
    data = rule["metadata"]
    tags = [f"external/cwe/cwe-{match[1]}" for cwe in data["cwe"] if (match := re.match(r"CWE-(\d+)", cwe))]
    tags += [f"owasp-ml/{each.split(':')[0]}" for each in _listed(data.get("owasp-ml"))]
    tags += [f"mitre-atlas/{each.split(':')[0]}" for each in _listed(data.get("mitre-atlas"))]
    return Rule(
        id=_rule_id(rule["id"]),
        name=_rule_id(rule["id"]),
        summary=str(data["title"]),
        help=" ".join(f"{rule['message']} {data['help']}".split()),
        fix=" ".join(str(data["fix"]).split()),
        severity=float(data["security-severity"]),
        help_uri=next(iter(_listed(data.get("references"))), ""),
        tags=tuple(tags),
        precision=data.get("precision", "high"),
    )


def suppression(rule: str, lines: Sequence[str], line: int) -> str | None:
    """The `nosemgrep` comment that covers a rule: on the finding's first line, or alone on the one before."""
    here = lines[line - 1] if line <= len(lines) else ""
    before = lines[line - 2].strip() if 1 < line <= len(lines) + 1 else ""
    for text in (here, before if before.startswith("#") else ""):
        comment = text[text.find("#") :] if "#" in text else ""
        for match in _NOSEM.finditer(comment):
            if match["ids"] is None or rule in map(_rule_id, re.split(r"[\s,]+", match["ids"])):
                return f"#{match[0]}"
    return None


def _results(path: str, found: Sequence[Json], sources: PythonSources) -> list[Json]:
    uri = sources.uri(path) or ""
    lines = (sources.folder / Path(path).name).read_text(encoding="utf-8").split("\n")
    return [_result(result, uri, lines, sources) for result in found]


def _result(result: Json, uri: str, lines: Sequence[str], sources: PythonSources) -> Json:
    rule, start, end = _rule_id(result["check_id"]), result["start"], result["end"]
    first, last, cell = sources.span(uri, int(start["line"]), int(end["line"]))
    # Columns count in the cell's own line, not in its JSON string.
    columns = (None, None) if cell else (int(start["col"]), int(end["col"]))
    return Result(
        rule_id=rule,
        message=" ".join(str(result["extra"]["message"]).split()),
        location=Location(
            uri=uri,
            start_line=first,
            end_line=last,
            start_column=columns[0],
            end_column=columns[1],
            logical=cell,
        ),
        suppression=suppression(rule, lines, int(start["line"])),
    ).to_sarif()


def _problem(error: Json, uri: str) -> Problem:
    kind = error["type"] if isinstance(error["type"], str) else error["type"][0]
    if kind in _SYNTAX:
        # The message quotes the file.
        line = next((int(span["start"]["line"]) for span in error.get("spans", [])), None)
        return Problem(uri, "semgrep does not understand its syntax", line, kind="unparsed")
    return Problem(uri, f"semgrep gave up on it: {kind}")


def _rule_id(check: str) -> str:
    return check.rsplit(".", 1)[-1]


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200]
