"""The SAST stage: Python code and notebooks, secrets in any text, the repository's own workflows."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json, decode_uri
from mlsecops.tools.bandit import Bandit
from mlsecops.tools.detect_secrets import DetectSecrets
from mlsecops.tools.secret_patterns import SecretPatterns
from mlsecops.tools.semgrep import Semgrep
from mlsecops.tools.zizmor import Zizmor

_PARSERS = ("bandit", "semgrep")


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """Python scanners for Python, secret scanners for text, zizmor for workflows; what is absent is said."""
    del policy, options
    python = (*project.python, *project.notebooks)
    due: list[Scan | Skip] = []
    for tool in (Semgrep(), Bandit()):
        none = Skip(tool.name, "no Python (looked for *.py, scripts that start python, *.ipynb)")
        due += [Scan(tool, python) if python else none]
    texts = project.text_files
    for searcher in (DetectSecrets(), SecretPatterns()):
        due += [Scan(searcher, texts) if texts else Skip(searcher.name, "no text files")]
    workflows = "no workflows (looked in .github/workflows, for action.yml and dependabot.yml)"
    due += [Scan(Zizmor(), project.workflows) if project.workflows else Skip("zizmor", workflows)]
    return due


def settle(runs: list[Json]) -> list[Json]:
    """A file that one parser could not parse and the other could was looked at: say so, and count it."""
    parsed = {run["tool"]["driver"]["name"]: _artifacts(run) for run in runs}
    return [_settled(run, parsed) for run in runs]


def _settled(run: Json, parsed: dict[str, set[str]]) -> Json:
    own = run["properties"]["mlsecops"]
    name = run["tool"]["driver"]["name"]
    unparsed = set(own.get("unparsed", []))
    if name not in _PARSERS or not unparsed or own.get("doubts") != ["unparsed"]:
        return run
    other = next(parser for parser in _PARSERS if parser != name)
    if not unparsed <= parsed.get(other, set()):
        return run
    note = f"{name} could not parse {len(unparsed)} file(s) that {other} did parse: {min(unparsed)}"
    status = "findings" if any(not result.get("suppressions") for result in run["results"]) else "passed"
    properties = {**own, "status": status, "reason": "", "notes": [*own["notes"], note]}
    invocation = {**run["invocations"][0], "executionSuccessful": True}
    invocation["toolExecutionNotifications"] = [
        {**each, "level": "warning"} for each in invocation["toolExecutionNotifications"]
    ]
    return {
        **run,
        "invocations": [invocation],
        "properties": {**run["properties"], "mlsecops": properties},
    }


def _artifacts(run: Json) -> set[str]:
    return {decode_uri(each["location"]["uri"]) for each in run.get("artifacts", [])}
