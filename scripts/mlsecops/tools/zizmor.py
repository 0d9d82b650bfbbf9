"""zizmor: weaknesses in the repository's own GitHub workflows and actions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from mlsecops.job import Completed, Job, Parsed, Problem, ToolError
from mlsecops.sarif.build import Json, Location, Result, decode_uri
from mlsecops.tools.zizmor_fixes import fix_of

_CANARY_FILE = "canary/.github/workflows/canary.yml"
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
_PLAIN = re.compile(r"\w[\w.-]{0,80}\.ya?ml", re.ASCII)
_KIND = re.compile(r"(?:^|/)(action|dependabot)\.(ya?ml)$")
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
        folder = job.work / "sources"
        copies = {copy_name(number, uri): uri for number, uri in enumerate(job.targets)}
        for name, uri in copies.items():
            _write(folder / name, job.project.read_bytes(uri))
        _write(folder / _CANARY_FILE, _CANARY)
        everything = _scan(job, folder, "--no-ignores")
        honoured = _scan(job, folder)
        return parse(_run_of(everything), _run_of(honoured), _completed(everything), copies)


def copy_name(number: int, uri: str) -> str:
    """A path that is to zizmor what the file's own is: it goes by folder and name, one a line of its log."""
    kind = _KIND.search(uri)
    if kind is None:
        own = uri.rpartition("/")[2]
        return f"{number:04}/.github/workflows/{own if _PLAIN.fullmatch(own) else 'workflow.yml'}"
    return f"{number:04}/{'.github/' if kind[1] == 'dependabot' else ''}{kind[1]}.{kind[2]}"


def parse(everything: Json, honoured: Json, completed: Collection[str], copies: Mapping[str, str]) -> Parsed:
    """Two SARIF runs of zizmor over numbered copies -> findings on the files that they were made from.

    Those that an ignore comment hides are marked as suppressed.
    """
    kept = {_key(result) for result in honoured["results"]}
    results: list[Json] = []
    found: set[str] = set()
    scores: dict[str, float] = {}
    for result in everything["results"]:
        path = _path(result)
        if path == _CANARY_FILE:
            found.add(result["ruleId"])
            continue
        if path not in copies:
            raise ToolError(f"it reports a file that it was not given ({path})")
        score = _score(result)
        scores[result["ruleId"]] = max(score, scores.get(result["ruleId"], 0.0))
        results.append(_result(result, copies[path], score, suppressed=_key(result) not in kept))
    read = {copies[path] for path in completed if path in copies}
    return Parsed(
        looked_at=frozenset(read),
        rules=[_rule(rule, scores) for rule in everything["tool"]["driver"].get("rules", [])],
        results=results,
        canary=frozenset(found),
        problems=[Problem(uri, "zizmor could not parse it") for uri in copies.values() if uri not in read],
    )


def _result(result: Json, uri: str, score: float, *, suppressed: bool) -> Json:
    """The finding without the text of the workflow, which may hold a secret."""
    region = result["locations"][0]["physicalLocation"].get("region", {})
    return Result(
        rule_id=result["ruleId"],
        message=_message(str(result["message"]["text"])),
        location=Location(
            uri=uri,
            start_line=int(region.get("startLine", 1)),
            start_column=region.get("startColumn"),
            end_line=region.get("endLine"),
            end_column=region.get("endColumn"),
        ),
        severity=score,
        suppression="zizmor: ignore comment" if suppressed else None,
    ).to_sarif()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


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
    try:
        run: Json = orjson.loads(completed.output.read_bytes())["runs"][0]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise ToolError(f"its output cannot be read ({error})") from error
    return run


def _completed(completed: Completed) -> set[str]:
    return set(_COMPLETED.findall(completed.stderr.read_text(encoding="utf-8", errors="surrogateescape")))


def _rule(rule: Json, scores: dict[str, float]) -> Json:
    properties = {**rule.get("properties", {}), "security-severity": f"{scores.get(rule['id'], 5.0):.1f}"}
    fix = fix_of(rule["id"].removeprefix("zizmor/"))
    title = {"text": _sentence(str(rule.get("help", {}).get("text", "")) or rule["id"])}
    return {**rule, "shortDescription": title, "properties": {**properties, "mlsecops": {"fix": fix}}}


def _message(text: str) -> str:
    """What is special here; the audit's own words before it are its title."""
    return _sentence(text.partition(": ")[2] or text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _score(result: Json) -> float:
    own = result.get("properties", {})
    severity = _SEVERITY.get(str(own.get("zizmor/severity")), 5.0)
    return severity - _CONFIDENCE_CUT.get(str(own.get("zizmor/confidence")), 0.5)


def _path(result: Json) -> str:
    path = decode_uri(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
    return path.removeprefix("./")


def _key(result: Json) -> tuple[str, str, str]:
    place = result["locations"][0]["physicalLocation"]
    return result["ruleId"], _path(result), str(sorted(place.get("region", {}).items(), key=str))
