"""Test tools that run on Node: GitHub's own language service and evaluator, a driver of browsers, axe."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from mlsecops.toolbox import cache_folder

SCRIPTS = Path(__file__).resolve().parent / "node"
OLDEST_NODE = (20, 6)
_INSTALL_SECONDS = 300
_RUN_SECONDS = 120
_MANIFESTS = ("package.json", "package-lock.json")

Status = Literal["success", "failure", "cancelled", "skipped"]


class NodeUnavailableError(Exception):
    """The packages cannot be had here; the text says why."""


@dataclass(frozen=True)
class Question:
    """An expression (without `${{ }}`), and what GitHub would know where it stands.

    A `condition` is the expression of an `if:`, which counts only on success unless it asks for the status.
    """

    expression: str
    context: dict[str, Any]
    status: Status = "success"
    condition: bool = False


def packages() -> Path:
    """The folder that holds `node_modules`, installed on first use from the lock with its hashes.

    Raises NodeUnavailableError when Node is missing or too old, or when npm reaches no registry.
    """
    _node()
    key = hashlib.sha256(b"".join((SCRIPTS / name).read_bytes() for name in _MANIFESTS)).hexdigest()[:16]
    folder = cache_folder() / "tests" / f"node-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").is_file():
            _install(folder)
            (folder / "installed").touch()
    return folder


def command(script: str) -> list[str]:
    """What starts a script of `tests/support/node/`, in `environment()`."""
    return [_node(), "--import", (SCRIPTS / "register.mjs").as_uri(), str(SCRIPTS / script)]


def environment() -> dict[str, str]:
    """What a script needs to find its packages; installs them on first use."""
    return {**os.environ, "NODE_PACKAGES": str(packages())}


def run(script: str, request: Any) -> Any:
    """Give a script of `tests/support/node/` a request as JSON and return its answer."""
    finished = subprocess.run(
        command(script),
        check=False,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        env=environment(),
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def evaluate(questions: list[Question]) -> list[dict[str, Any]]:
    """The answer to each question: `value`, `text` (as in a string) and `truthy`, or `error`."""
    answers: list[dict[str, Any]] = run("evaluate.mjs", [vars(question) for question in questions])
    return answers


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise NodeUnavailableError("node is not on PATH, and these tests run on it")
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    major, minor = (int(number) for number in re.findall(r"\d+", version)[:2])
    if (major, minor) < OLDEST_NODE:
        raise NodeUnavailableError(f"these tests need Node 20.6 or newer; this is {version.strip()}")
    return node


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NodeUnavailableError("npm is not on PATH, and what these tests need comes from it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _MANIFESTS:
        shutil.copy(SCRIPTS / name, folder)
    finished = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
    )
    assert "EINTEGRITY" not in finished.stderr, "npm offers other packages than those that are pinned"
    if finished.returncode != 0:
        raise NodeUnavailableError(
            f"npm could not install what these tests need: {finished.stderr.strip()[-300:]}"
        )
