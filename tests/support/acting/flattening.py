"""The jobs of called workflows, put into the workflow that calls them.

act ends a run when a called workflow fails, before jobs that are due whatever happens, and forgets the
outputs and the result of a workflow that itself calls others. With its calls replaced by the one job each of
them has, a workflow behaves as on GitHub.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from support.acting.staging import OURS, TAG, StagingError

_OURS = re.compile(rf"{OURS}/(\.github/workflows/[\w.-]+)@{TAG}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_INPUT = re.compile(r"\binputs\.([\w-]+)")
_OUTPUT = re.compile(r"\$\{\{\s*jobs\.([\w-]+)\.outputs\.([\w-]+)\s*\}\}")
_CALLERS_KEYS = ("name", "if", "needs", "strategy", "permissions")
Json = dict[str, Any]


def flatten(folder: Path, name: str) -> None:
    """Rewrite the staged workflow `name` so that it calls no other; StagingError if one has several jobs."""
    path = folder / ".github" / "workflows" / name
    sheet = _typed(path)
    for identifier, job in sheet["jobs"].items():
        if called := _OURS.fullmatch(job.get("uses", "")):
            sheet["jobs"][identifier] = _inlined(job, _typed(folder / called[1]))
    path.write_text(yaml.safe_dump(sheet, sort_keys=False, width=4096), "utf-8")


def _typed(path: Path) -> Json:
    sheet: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    # YAML 1.1 takes the key `on` for a truth.
    return {("on" if key is True else key): value for key, value in sheet.items()}


def _inlined(job: Json, called: Json) -> Json:
    """The one job of a called workflow, with the caller's conditions and values."""
    if len(called["jobs"]) != 1:
        raise StagingError("a workflow of several jobs cannot be put into its caller")
    ((inner, body),) = called["jobs"].items()
    call = called["on"]["workflow_call"]
    values = {
        name: _expression(job.get("with", {}).get(name, about.get("default", "")))
        for name, about in call.get("inputs", {}).items()
    }
    filled = _filled(body, values)
    outputs = {}
    for name, about in call.get("outputs", {}).items():
        source = _OUTPUT.fullmatch(about["value"])
        if source is None or source[1] != inner:
            raise StagingError(f"the output {name} is more than an output of the job {inner}")
        outputs[name] = filled["outputs"][source[2]]
    callers = {key: job[key] for key in _CALLERS_KEYS if key in job}
    return {**filled, **callers, "outputs": outputs}


def _expression(value: Any) -> str:
    if not isinstance(value, str):
        return str(value).lower()
    whole = _EXPRESSION.fullmatch(value.strip())
    if whole:
        return f"({whole[1].strip()})"
    if "${{" in value:
        raise StagingError(f"{value} is neither a text nor one expression")
    return "'" + value.replace("'", "''") + "'"


def _filled(node: Any, values: dict[str, str], key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _filled(each, values, name) for name, each in node.items()}
    if isinstance(node, list):
        return [_filled(each, values) for each in node]
    if not isinstance(node, str):
        return node
    if key == "if" and "${{" not in node:
        return _replaced(node, values)
    return _EXPRESSION.sub(lambda found: "${{" + _replaced(found[1], values) + "}}", node)


def _replaced(expression: str, values: dict[str, str]) -> str:
    return _INPUT.sub(lambda found: values[found[1]], expression)
