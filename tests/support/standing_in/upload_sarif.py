"""Stands in for github/codeql-action/upload-sarif, and for what GitHub refuses when it reads the file."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.standing_in import step

_MAX_RUNS = 20
_MAX_ZIPPED = 10 * 1024 * 1024
Json = dict[str, Any]


def act(inputs: Mapping[str, str]) -> dict[str, object]:
    """Check the file and send it to GitHub's API as the action does."""
    if inputs["category"] or inputs["ref"] or inputs["sha"]:
        raise step.RefusedError("nothing stands in for category, ref and sha")
    step.flag(inputs, "wait-for-processing")
    path = Path(inputs["sarif_file"])
    if not path.is_file():
        raise step.RefusedError(f"Path does not exist: {path}")
    content = path.read_bytes()
    tools = _checked(content)
    zipped = base64.b64encode(gzip.compress(content)).decode()
    if len(zipped) > _MAX_ZIPPED:
        raise step.RefusedError("the file is larger than GitHub takes")
    identifier = _send(_payload(zipped, tools, inputs["checkout_path"]), inputs["token"])
    return {"sarif-id": identifier, "sarif-ids": json.dumps({"code-scanning": identifier})}


def _checked(content: bytes) -> list[str]:
    """The names of the tools; raises RefusedError for a file that GitHub would not take."""
    try:
        log = json.loads(content)
    except ValueError as error:
        raise step.RefusedError(f"Invalid SARIF. JSON syntax error: {error}") from error
    if log.get("version") != "2.1.0":
        raise step.RefusedError(f"Invalid SARIF. Unsupported version: {log.get('version')}")
    runs = log["runs"]
    if len(runs) > _MAX_RUNS:
        raise step.RefusedError(f"{len(runs)} runs are more than {_MAX_RUNS}")
    categories = [(run["tool"]["driver"]["name"], run.get("automationDetails", {}).get("id")) for run in runs]
    if len(set(categories)) < len(categories):
        raise step.RefusedError("A delivery cannot contain multiple runs with the same category")
    for problem in (each for run in runs for result in run.get("results", ()) for each in _problems(result)):
        raise step.RefusedError(problem)
    return sorted({name for name, _ in categories})


def _problems(result: Json) -> Iterator[str]:
    if result.get("suppressions"):
        yield "a suppressed result would become an open alert"
    for location in result.get("locations") or [{}]:
        where = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri")
        if not where:
            yield "locationFromSarifResult: expected artifact location"
        elif urlsplit(where).scheme or where.startswith("/") or ".." in where.split("/"):
            yield f"SARIF URI '{where}' does not lie in the checkout"


def _payload(zipped: str, tools: list[str], checkout: str) -> Json:
    payload: Json = {
        "commit_oid": os.environ["GITHUB_SHA"],
        "ref": os.environ["GITHUB_REF"],
        "analysis_key": f".github/workflows/ci.yml:{os.environ['GITHUB_JOB']}",
        "analysis_name": os.environ["GITHUB_WORKFLOW"],
        "sarif": zipped,
        "workflow_run_id": int(os.environ["GITHUB_RUN_ID"]),
        "workflow_run_attempt": int(os.environ["GITHUB_RUN_ATTEMPT"]),
        "checkout_uri": Path(checkout).as_uri(),
        "environment": "{}",
        "tool_names": tools,
    }
    if os.environ["GITHUB_EVENT_NAME"] == "pull_request":
        base = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))["pull_request"]["base"]
        payload |= {"base_ref": f"refs/heads/{base['ref']}", "base_sha": base["sha"]}
    return payload


def _send(payload: Json, token: str) -> str:
    where = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/code-scanning/analysis"
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    try:
        answer = step.request("PUT", where, json.dumps(payload).encode(), headers)
    except step.AnswerError as error:
        said = json.loads(error.body or b"{}").get("message", str(error))
        print(f"::warning::{said}")
        raise step.RefusedError(said) from error
    identifier: str = json.loads(answer)["id"]
    return identifier


if __name__ == "__main__":
    step.run(act)
