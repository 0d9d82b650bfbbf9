"""All workflows and actions, ours and those we hand out, are clean to the strictest linters; these do see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from mlsecops.toolbox import ToolboxError
from support import workflow_linters as linters
from support.node_tools import NodeUnavailableError, packages
from support.workflow_files import REPOSITORY

CALLED = """
name: Called
on:
  workflow_call:
    inputs:
      project: {description: Folder., type: string, required: true}
      deep: {description: Deep., type: boolean, default: false}
permissions: {}
jobs:
  scan:
    name: scan
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read # read it
    steps:
      - name: Scan
        uses: $/actions/scan
        with:
          project: ${{ inputs.project }}
"""
ACTION = """
name: Scan
description: Scans.
inputs:
  project: {description: Folder., required: true}
runs:
  using: composite
  steps:
    - name: Look
      shell: bash
      env:
        PROJECT: ${{ inputs.project }}
      run: |
        set -euo pipefail
        ls "$PROJECT"
"""
CALLER = """
name: Caller
on:
  push: {branches: [main]}
permissions: {}
concurrency:
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: true
jobs:
  scan:
    name: scan
    permissions:
      contents: read # read it
    uses: OWNER/mlsecops/.github/workflows/called.yml@0000000000000000000000000000000000000000 # v1.0.0
    with:
      project: services/api
"""
GOOD = {
    ".github/workflows/called.yml": CALLED,
    "actions/scan/action.yml": ACTION,
    "templates/workflows/caller.yml": CALLER,
}
CALLED_FILE, ACTION_FILE, CALLER_FILE = GOOD

Linter = Callable[[Path], list[str]]
Plant = tuple[Linter, str, str, str, str]

PLANTED: tuple[Plant, ...] = (
    # linter, file, what is replaced, by what, what the linter says
    (linters.language_service, CALLED_FILE, "runs-on", "run-on", "run-on"),
    (linters.language_service, CALLED_FILE, "inputs.project", "inputs.projekt", "projekt"),
    (linters.language_service, CALLED_FILE, "$/actions/scan", "$/actions/scna", "Unable to resolve"),
    (linters.language_service, CALLED_FILE, "project: ${{", "projekt: ${{", "Missing required input"),
    (linters.language_service, CALLED_FILE, "default: false", 'default: "no"', "BooleanToken"),
    (linters.language_service, ACTION_FILE, "inputs.project", "input.project", "input"),
    (linters.language_service, ACTION_FILE, "shell: bash", "id: x", "shell"),
    (linters.language_service, CALLER_FILE, "project: services", "projekt: services", "projekt"),
    (linters.language_service, CALLER_FILE, "called.yml@", "caled.yml@", "reusable workflow"),
    (linters.zizmor, CALLED_FILE, "contents: read # read it", "contents: write", "undocumented-permissions"),
    (linters.zizmor, CALLED_FILE, "permissions: {}", "permissions: write-all", "excessive-permissions"),
    (linters.zizmor, CALLED_FILE, "$/actions", "./actions", "self-repository"),
    (linters.zizmor, ACTION_FILE, 'ls "$PROJECT"', "ls ${{ inputs.project }}", "template-injection"),
    (linters.zizmor, CALLER_FILE, "@" + 40 * "0", "@v1", "unpinned-uses"),
    (linters.zizmor, CALLER_FILE, "push:", "pull_request_target:", "dangerous-triggers"),
    (linters.json_schemas, CALLED_FILE, "steps:", "stages:", "stages"),
    (linters.json_schemas, CALLED_FILE, "    timeout-minutes: 5\n", "", "is not valid"),
    (linters.json_schemas, ACTION_FILE, "using: composite", "using: compound", "action.yml"),
    (linters.actionlint, CALLED_FILE, "timeout-minutes: 5", "timeout-minute: 5", "timeout-minute"),
    (linters.actionlint, CALLER_FILE, "contents: read", "actions: read", "contents: read"),
    (linters.actionlint, CALLER_FILE, "project: services", "projekt: services", "projekt"),
    (linters.shellcheck, ACTION_FILE, '"$PROJECT"', "$PROJECT", "SC2086"),
    (linters.shellcheck, ACTION_FILE, '"$PROJECT"', '"$PROJEKT"', "SC2154"),
    (linters.shellcheck, ACTION_FILE, "ls ", "which ", "SC2230"),
)
ALL: tuple[Linter, ...] = (
    *(linters.language_service, linters.zizmor, linters.json_schemas, linters.actionlint, linters.shellcheck),
)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    try:
        linters.programs()
    except ToolboxError as error:
        pytest.skip(f"the linters of workflows: {error}")


@pytest.fixture(autouse=True)
def _packages(request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["linter"] is linters.language_service:
        try:
            packages()
        except NodeUnavailableError as error:
            pytest.skip(str(error))


def planted(root: Path, files: Mapping[str, str]) -> Path:
    """A repository with these workflows and actions."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("linter", ALL, ids=lambda linter: linter.__name__)
def test_a_linter_has_nothing_to_say_of_this_repository(linter: Linter) -> None:
    assert linter(REPOSITORY) == []


@pytest.mark.parametrize("linter", ALL, ids=lambda linter: linter.__name__)
def test_a_linter_has_nothing_to_say_of_a_good_sample(linter: Linter, tmp_path: Path) -> None:
    assert linter(planted(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("linter", "name", "good", "bad", "said"),
    PLANTED,
    ids=[f"{plant[0].__name__}-{number}" for number, plant in enumerate(PLANTED)],
)
def test_a_linter_finds_a_planted_defect(
    linter: Linter, name: str, good: str, bad: str, said: str, tmp_path: Path
) -> None:
    assert GOOD[name].count(good) == 1

    found = linter(planted(tmp_path, {**GOOD, name: GOOD[name].replace(good, bad)}))

    assert any(said in line and name in line for line in found), found
