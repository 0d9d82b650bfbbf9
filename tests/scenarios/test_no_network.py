"""A machine with no network at all, its tool environments made: every stage ends and says what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import small_project
from support.command import COMMAND

UNSHARE = ("unshare", "--net", "--map-root-user")
# The first has not even a loopback device, the second only that.
NAMESPACES = {
    "nothing": (*UNSHARE,),
    "loopback": (*UNSHARE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
}


def possible(namespace: tuple[str, ...]) -> bool:
    """Whether this machine lets us make such a namespace."""
    try:
        return subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = small_project.make(tmp_path / "project")
    (root / "requirements.txt").write_text(small_project.REQUIREMENTS, encoding="utf-8")
    return root


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_stage_ends_and_the_age_of_the_data_is_told(name: str, root: Path, tmp_path: Path) -> None:
    namespace = NAMESPACES[name]
    if not possible(namespace):
        pytest.skip(f"no network namespace with {name} can be made here")
    out = tmp_path / "out"
    done = subprocess.run(
        [*namespace, *COMMAND, "run", str(root), "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
        timeout=600,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    tools = {tool["name"]: tool for stage in report["stages"] for tool in stage["tools"]}
    audit = tools["pip-audit"]
    assert audit["status"] == "incomplete"
    assert "2024-10-10" in audit["reason"]
    assert "days old" in audit["reason"]
    for tool in (
        "semgrep",
        "bandit",
        "detect-secrets",
        "zizmor",
        "picklescan",
        "modelscan",
        "modelaudit-picklescan",
        "hadolint",
    ):
        assert tools[tool]["status"] in ("passed", "findings"), tools[tool]["reason"]
    assert tools["cyclonedx-bom"]["status"] == "passed"
