"""zizmor: weaknesses in the repository's own GitHub workflows and actions."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Completed, Job, Parsed, Problem, ToolError
from mlsecops.sarif.build import Json, decode_uri

_CANARY_FILE = "mlsecops-canary/.github/workflows/canary.yml"
_CANARY = b"""on: pull_request_target
jobs:
  canary:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.pull_request.title }}
"""
_CANARY_RULE = "zizmor/template-injection"
_SEVERITY = {"High": 8.0, "Medium": 5.5, "Low": 3.0, "Informational": 1.0, "Unknown": 5.0}
_CONFIDENCE_CUT = {"High": 0.0, "Medium": 0.5, "Low": 2.0, "Unknown": 0.5}
_COMPLETED = re.compile(r"completed (?:\./)?(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Zizmor:
    """Runs zizmor offline over workflows, composite actions and Dependabot files."""

    name: str = "zizmor"
    environment: str | None = "zizmor"
    information_uri: str = "https://docs.zizmor.sh"
    canary_rules: frozenset[str] = frozenset({_CANARY_RULE})
    weight: float = 0.2
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Scan twice, with and without honouring ignore comments: the difference is what they hide."""
        folder = job.copy(job.targets, "sources")
        canary = folder / _CANARY_FILE
        canary.parent.mkdir(parents=True)
        canary.write_bytes(_CANARY)
        everything = _scan(job, folder, "--no-ignores")
        honoured = _scan(job, folder)
        return parse(_run_of(everything), _run_of(honoured), _completed(everything), job.targets)


def parse(everything: Json, honoured: Json, completed: Collection[str], targets: Collection[str]) -> Parsed:
    """Two SARIF runs of zizmor -> findings, those that an ignore comment hides marked as suppressed."""
    kept = {_key(result) for result in honoured["results"]}
    results: list[Json] = []
    found: set[str] = set()
    scores: dict[str, float] = {}
    for result in everything["results"]:
        uri = _uri(result)
        if uri == _CANARY_FILE:
            found.add(result["ruleId"])
            continue
        score = _score(result)
        scores[result["ruleId"]] = max(score, scores.get(result["ruleId"], 0.0))
        result["properties"] = {**result.get("properties", {}), "mlsecops": {"severity": score}}
        if _key(result) not in kept:
            result["suppressions"] = [{"kind": "inSource", "justification": "zizmor: ignore comment"}]
        results.append(result)
    unread = sorted(set(targets) - set(completed))
    return Parsed(
        looked_at=frozenset(completed) & frozenset(targets),
        rules=[_rule(rule, scores) for rule in everything["tool"]["driver"].get("rules", [])],
        results=results,
        canary=frozenset(found),
        problems=[Problem(uri, "zizmor could not parse it", kind="unparsed") for uri in unread],
    )


def _scan(job: Job, folder: Path, *extra: str) -> Completed:
    # An empty configuration of ours keeps the repository's own zizmor.yml out.
    config = job.work / "zizmor.yml"
    config.write_text("rules: {}\n", encoding="utf-8")
    return job.execute(
        ["zizmor", "--offline", "--no-progress", "--format=sarif", "--collect=all", "--color=never", *extra]
        + ["--config", str(config), "."],
        exit_codes=(0,),
        cwd=folder,
    )


def _run_of(completed: Completed) -> Json:
    import orjson

    try:
        run: Json = orjson.loads(completed.output.read_bytes())["runs"][0]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise ToolError(f"its output cannot be read ({error})") from error
    return run


def _completed(completed: Completed) -> set[str]:
    return set(_COMPLETED.findall(completed.stderr.read_text(encoding="utf-8", errors="surrogateescape")))


def _rule(rule: Json, scores: dict[str, float]) -> Json:
    properties = {**rule.get("properties", {}), "security-severity": f"{scores.get(rule['id'], 5.0):.1f}"}
    fix = "Follow the remediation in the documentation of the audit."
    return {**rule, "properties": {**properties, "mlsecops": {"fix": fix}}}


def _score(result: Json) -> float:
    own = result.get("properties", {})
    severity = _SEVERITY.get(str(own.get("zizmor/severity")), 5.0)
    return severity - _CONFIDENCE_CUT.get(str(own.get("zizmor/confidence")), 0.5)


def _uri(result: Json) -> str:
    uri = decode_uri(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
    return uri.removeprefix("./")


def _key(result: Json) -> tuple[str, str, str]:
    place = result["locations"][0]["physicalLocation"]
    return result["ruleId"], _uri(result), str(sorted(place.get("region", {}).items(), key=str))
