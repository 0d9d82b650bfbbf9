"""Linters of workflows made by others, each at its strictest: what they find, one line for each defect."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import uv
from mlsecops.toolbox import Toolbox, cache_folder
from mlsecops.toolbox.environments import Environments
from support import node_tools
from support.workflow_files import PRODUCT, REPOSITORY, Source, copy_as_one, copy_for_callers, sources

STAND_INS = REPOSITORY / "tests" / "workflows" / "stand-ins"
# Braces around every variable (SC2250) are a matter of taste, and nobody's here.
SHELLCHECK = ("shellcheck", "--norc", "--shell=bash", "--enable=all", "--exclude=SC2250", "--format=gcc")
# What the runner itself sets for every step; anything else comes from the step's `env:`.
RUNNER_VARIABLES = frozenset(
    ("CI", "HOME", "PATH", "RUNNER_ARCH", "RUNNER_OS", "RUNNER_TEMP", "RUNNER_TOOL_CACHE")
    + ("GITHUB_ACTIONS", "GITHUB_ACTION_PATH", "GITHUB_API_URL", "GITHUB_ENV", "GITHUB_EVENT_NAME")
    + ("GITHUB_EVENT_PATH", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_REF", "GITHUB_REF_NAME")
    + ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_SERVER_URL", "GITHUB_SHA", "GITHUB_STEP_SUMMARY")
    + ("GITHUB_WORKSPACE",)
)
_SCHEMAS = {
    "workflow": ("vendor.github-workflows", "custom.github-workflows-require-timeout"),
    "action": ("vendor.github-actions",),
}
DEPENDABOT = (".github/dependabot.yml", "example-project/.github/dependabot.yml")
_COMPLETED = re.compile(r"completed (.+?)\s*$", re.MULTILINE)
_SECONDS = 120


@cache
def programs() -> str:
    """The PATH on which the linters lie, their environments made on first use."""
    requirements = REPOSITORY / "tests" / "requirements"
    linters = Environments(requirements, cache_folder() / "tools", Path(uv.find_uv_bin()))
    folders = [linters.ensure("workflow-lint"), Toolbox.default().environment("zizmor")]
    return os.pathsep.join([*(str(folder / "bin") for folder in folders), os.defpath])


def language_service(root: Path) -> list[str]:
    """Errors and warnings of GitHub's language service; raises NodeUnavailableError."""
    files = [{"name": each.name, "place": each.place, "text": each.text} for each in sources(root)]
    request = {"root": str(root), "own": PRODUCT, "standIns": str(STAND_INS), "files": files}
    found: list[dict[str, Any]] = node_tools.run("validate.mjs", request)
    # 3 and 4 are no defects: what a schedule means in words, for instance.
    return [f"{each['file']}:{each['line']}: {each['message']}" for each in found if each["severity"] <= 2]


def zizmor(root: Path, *options: str) -> list[str]:
    """Findings of zizmor for its strictest reader: `file:line: audit: what`."""
    with tempfile.TemporaryDirectory() as scratch:
        originals = copy_for_callers(root, Path(scratch))
        for name in (name for name in DEPENDABOT if (root / name).is_file()):
            copy = Path(scratch, "own", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((root / name).read_bytes())
            originals[f"own/{name}"] = name
        command = ["zizmor", "--offline", "--no-config", "--persona=auditor", "--strict-collection"]
        command += ["--no-progress", "--color=never", "--collect=all", "--format=json-v1", *options, "."]
        finished = _run(command, cwd=scratch)
    # It passes over files in places that it does not expect, without a word.
    missed = set(originals) - {name.removeprefix("./") for name in _COMPLETED.findall(finished.stderr)}
    assert not missed, f"zizmor did not look at {sorted(missed)}: {finished.stderr}"
    found: list[dict[str, Any]] = json.loads(finished.stdout)
    return sorted(f"{_place(each, originals)}: {each['ident']}: {each['desc']}" for each in found)


def actionlint(root: Path) -> list[str]:
    """What actionlint, with shellcheck, says of the workflows, the templates as if they were ours."""
    with tempfile.TemporaryDirectory() as scratch:
        originals = copy_as_one(root, Path(scratch))
        Path(scratch, ".git").mkdir()
        finished = _run(["actionlint", "-oneline", "-no-color"], cwd=scratch)
    assert finished.returncode in {0, 1}, finished.stderr
    return [_original(line, originals) for line in finished.stdout.splitlines()]


def json_schemas(root: Path) -> list[str]:
    """What check-jsonschema says by GitHub's schemas, and by the one that wants a time limit for jobs."""
    found: list[str] = []
    for kind, schemas in _SCHEMAS.items():
        names = [source.name for source in sources(root) if source.kind == kind]
        for schema in schemas if names else ():
            command = ["check-jsonschema", "--output-format=json", f"--builtin-schema={schema}", *names]
            finished = _run(command, cwd=str(root))
            answer = json.loads(finished.stdout)
            errors = [*answer.get("errors", []), *answer.get("parse_errors", [])]
            found += [f"{each['filename']}: {each.get('message', each)}" for each in errors]
            assert finished.returncode == bool(errors), finished.stderr
    return found


def shellcheck(root: Path) -> list[str]:
    """What shellcheck says of every `run:`, of actions too, which actionlint leaves alone."""
    found = []
    for source in sources(root):
        for step, script in scripts(source):
            finished = _run([*SHELLCHECK, "-"], cwd=str(root), text=script)
            assert finished.returncode in {0, 1}, finished.stderr
            found += [f"{source.name}: {step}: {line}" for line in finished.stdout.splitlines()]
    return found


def scripts(source: Source) -> Iterator[tuple[str, str]]:
    """Each step's name and its script, after a line that gives a value to what its `env:` names."""
    for place, step in source.steps():
        if "run" not in step:
            continue
        job = source.jobs.get(place.removeprefix("jobs."), {})
        names = RUNNER_VARIABLES.union(*(each.get("env", {}) for each in (source.document, job, step)))
        given = "; ".join(f'export {name}; {name}="$(printenv {name})"' for name in sorted(names))
        yield str(step.get("name")), f"{given}\n{step['run']}"


def _place(finding: dict[str, Any], originals: dict[str, str]) -> str:
    primary = next(each for each in finding["locations"] if each["symbolic"]["kind"] == "Primary")
    path = str(primary["symbolic"]["key"]["Local"]["verbatim_path"]).removeprefix("./")
    line = primary["concrete"]["location"]["start_point"]["row"] + 1
    return f"{originals[path]}:{line}"


def _original(line: str, originals: dict[str, str]) -> str:
    path, colon, rest = line.partition(":")
    return originals.get(path, path) + colon + rest


def _run(command: Sequence[str], *, cwd: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": programs(), "HOME": cwd, "NO_COLOR": "1"}
    return subprocess.run(
        list(command),
        check=False,
        cwd=cwd,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        env=environment,
    )
