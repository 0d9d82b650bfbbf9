"""What a stand-in for an action has from act: inputs, outputs, the artifact server. Standard library only."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SERVICE = "twirp/github.actions.results.api.v1.ArtifactService"
_SECONDS = 30
_FAILURES = 400
Json = dict[str, Any]


class AnswerError(Exception):
    """An answer that is a failure: its status and its body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"the answer is {status}")
        self.status, self.body = status, body


class RefusedError(Exception):
    """The action would fail; the text says why."""


def run(act: Callable[[Mapping[str, str]], Mapping[str, object]]) -> None:
    """Hand the inputs to `act`, keep what it returns as outputs; end the step red when it refuses."""
    inputs: dict[str, str] = json.loads(os.environ["INPUTS"])
    try:
        outputs = act(inputs)
    except RefusedError as error:
        print(f"::error::{error}")
        sys.exit(1)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())


def choice(inputs: Mapping[str, str], name: str, *allowed: str) -> str:
    """The input, which must be one of a few."""
    if inputs[name] not in allowed:
        raise RefusedError(f"the input {name} is '{inputs[name]}'; it takes {', '.join(allowed)}")
    return inputs[name]


def flag(inputs: Mapping[str, str], name: str) -> bool:
    """The input as GitHub's toolkit reads a truth."""
    value = inputs[name]
    if value not in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        raise RefusedError(f"the input {name} is '{value}'; it takes true or false")
    return value.lower() == "true"


def results(method: str, **fields: object) -> Json:
    """Ask act's artifact server, for this run."""
    run_id, job_id = _backend(os.environ["ACTIONS_RUNTIME_TOKEN"])
    body = {"workflow_run_backend_id": run_id, "workflow_job_run_backend_id": job_id, **fields}
    answer = request(
        "POST",
        f"{os.environ['ACTIONS_RESULTS_URL']}{_SERVICE}/{method}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    found: Json = json.loads(answer)
    return found


def artifacts() -> list[Json]:
    """The artifacts of this run."""
    found: list[Json] = results("ListArtifacts").get("artifacts", [])
    return found


def request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """One request to this machine; raises AnswerError for an answer that is a failure."""
    where = urlsplit(url)
    connection = HTTPConnection(where.netloc, timeout=_SECONDS)
    try:
        path = f"{where.path}?{where.query}" if where.query else where.path
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= _FAILURES:
        raise AnswerError(answer.status, content)
    return content


def _backend(token: str) -> tuple[str, str]:
    """Run and job, from the scope of the token as GitHub's client reads them."""
    middle = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    for scope in claims["scp"].split(" "):
        if scope.startswith("Actions.Results:"):
            _, run_id, job_id = scope.split(":")
            return run_id, job_id
    raise RefusedError("the token of the runtime names no run")
