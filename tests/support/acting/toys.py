"""Toy workflows and actions in the place of ours, and a bench to run callers of them on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from support.acting import callers, events, staging
from support.acting.runner import Act, Run
from support.git_repository import commit

UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
SARIF = "github/codeql-action/upload-sarif@8aad20d150bbac5944a9f9d289da16a4b0d87c1e"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
PUSH = events.push("0" * 40, "1" * 40)

OUTER = """
on:
  workflow_call:
    inputs:
      word: { type: string, default: "" }
      break: { type: boolean, default: false }
    outputs:
      said: { value: "${{ jobs.end.outputs.said }}" }
jobs:
  say:
    if: inputs.word != 'silence'
    uses: $/.github/workflows/inner.yml
    with: { word: "${{ inputs.word }}", break: "${{ inputs.break }}" }
  end:
    needs: say
    if: always()
    uses: $/.github/workflows/end.yml
    with: { needs: "${{ toJSON(needs) }}" }
"""
INNER = """
on:
  workflow_call:
    inputs:
      word: { type: string, default: hello }
      break: { type: boolean, default: false }
      times: { type: number, default: 1 }
    outputs:
      said: { value: "${{ jobs.scan.outputs.said }}" }
jobs:
  scan:
    runs-on: ubuntu-24.04
    outputs: { said: "${{ steps.toy.outputs.said }}" }
    steps:
      - name: Say
        id: toy
        uses: $/actions/toy
        with: { word: "${{ inputs.word }}" }
      - name: Break
        if: inputs.break
        run: exit ${{ inputs.times }}
"""
END = """
on:
  workflow_call:
    inputs:
      needs: { type: string, required: true }
    outputs:
      said: { value: "${{ jobs.gate.outputs.said }}" }
jobs:
  gate:
    runs-on: ubuntu-24.04
    outputs: { said: "${{ fromJSON(inputs.needs).say.outputs.said }}" }
    steps:
      - id: results
        env: { NEEDS: "${{ inputs.needs }}" }
        run: |
          { echo "needs<<END"; echo "$NEEDS"; echo END; } >> "$GITHUB_OUTPUT"
"""
TOY = """
name: toy
description: says a word
inputs:
  word: { required: true, description: the word }
outputs:
  said: { value: "${{ steps.inner.outputs.said }}", description: the word }
runs:
  using: composite
  steps:
    - name: Speak
      id: inner
      shell: bash
      env: { WORD: "${{ inputs.word }}" }
      run: |
        echo "said=$WORD" >> "$GITHUB_OUTPUT"
        cat "$GITHUB_ACTION_PATH/../../scripts/greeting"
    - name: Never
      if: inputs.word == ''
      shell: bash
      run: exit 1
"""
TOYS = {
    ".github/workflows/outer.yml": OUTER,
    ".github/workflows/inner.yml": INNER,
    ".github/workflows/end.yml": END,
    "actions/toy/action.yml": TOY,
    "scripts/greeting": "good morning\n",
}


def toys(folder: Path, files: Mapping[str, str] = TOYS) -> staging.Staged:
    """A staged repository of toys."""
    for name, text in files.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    commit(folder / "source")
    return staging.stage(folder / "staged", folder / "source")


def steps(*lines: str) -> str:
    """A workflow of one job, `job`, with these steps in YAML's flow style."""
    listed = "\n".join(f"      - {line}" for line in lines)
    return f"on: push\njobs:\n  job:\n    runs-on: ubuntu-24.04\n    steps:\n{listed}\n"


def script(text: str) -> str:
    """A step that runs a script."""
    return json.dumps({"id": "script", "run": text})


class Bench:
    """act with toys, and a caller's workflow to run."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self.act = Act(program, toys(folder), folder)

    def run(self, workflow: str, *, event: events.Event = PUSH, seconds: float = 60, attempt: int = 1) -> Run:
        caller = callers.create(self.folder / "caller", workflow, {"app.py": "print()\n"})
        return self.act.run(caller, event, seconds=seconds, attempt=attempt)
