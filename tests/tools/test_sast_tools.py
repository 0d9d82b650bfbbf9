"""The real code, secret and workflow scanners over awkward sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlsecops.findings import build_report
from mlsecops.job import Options, Scan
from mlsecops.policy import Policy
from mlsecops.scan import scan
from mlsecops.stages import sast
from support.contexts import NOW, context

TOKEN = "ghp_" + "qWeRtYuIoPaSdFgHjKlZxCvBnM0123456789"
PICKLE = "import pickle\nmodel = pickle.load(open('m', 'rb'))\n"


def runs(root: Path, tmp_path: Path, *names: str) -> dict[str, Any]:
    """The settled runs of the named tools over a project, by tool."""
    shared = context("sast", root, tmp_path)
    due = [each for each in sast.plan(shared.project, Policy(), Options()) if isinstance(each, Scan)]
    found = [scan(each.tool, each.targets, shared) for each in due if each.tool.name in names]
    return {run["tool"]["driver"]["name"]: run for run in sast.settle(found)}


def own(run: Any) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


def places(run: Any) -> set[tuple[str, int]]:
    physical = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    return {(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in physical}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def test_findings_on_true_lines_in_awkward_files(root: Path, tmp_path: Path) -> None:
    (root / "tests").mkdir()
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": PICKLE.splitlines(True),
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(notebook, indent=1)
    (root / "n.ipynb").write_text(text, encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), start=1) if "model = " in each)
    for name in ("tests/test_x.py", "ignored.py", "-r.py", "a:b%20.py"):
        (root / name).write_text(PICKLE, encoding="utf-8")
    (root / "latin.py").write_bytes("s = 'é'\n".encode("latin-1") + PICKLE.encode())
    (root / "utf7.py").write_bytes(b"# coding: utf-7\nimport pickle\npickle.loads+ACg-open('x').read())\n")
    for name, content in {
        ".gitignore": "ignored.py\n",
        ".semgrepignore": "*.py\n",
        ".bandit": "[bandit]\nskips: B301\nexclude: /\n",
        "pyproject.toml": '[tool.bandit]\nskips = ["B301"]\n',
    }.items():
        (root / name).write_text(content, encoding="utf-8")
    expected = {
        ("n.ipynb", line),
        ("tests/test_x.py", 2),
        ("ignored.py", 2),
        ("-r.py", 2),
        ("a%3Ab%2520.py", 2),
        ("latin.py", 3),
        ("utf7.py", 3),
    }
    found = runs(root, tmp_path, "semgrep", "bandit")
    for name in ("semgrep", "bandit"):
        assert own(found[name])["status"] == "findings", own(found[name])["reason"]
        assert places(found[name]) >= expected, name
    cells = [
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
        for result in found["semgrep"]["results"]
        if "logicalLocations" in result["locations"][0]
    ]
    assert "cell 1, line 2" in cells


def test_the_same_line_found_by_both_is_one_finding(root: Path, tmp_path: Path) -> None:
    (root / "app.py").write_text(
        "import pickle\nimport yaml\nimport hashlib\nx = pickle.load(f)\ny = yaml.load(t)\nz = eval(u)\n"
        "v = hashlib.md5(w)\n",
        encoding="utf-8",
    )
    found = runs(root, tmp_path, "semgrep", "bandit")
    log = {"version": "2.1.0", "runs": list(found.values())}
    report = build_report(log, policy=Policy(), expected=("sast",), generated=NOW)
    joined = {each.line: set(each.tools) for each in report.findings if len(each.tools) == 2}
    assert {4, 5, 6, 7} <= joined.keys()
    assert all(tools == {"bandit", "semgrep"} for tools in joined.values())


def test_newer_syntax_is_read_by_one_and_a_broken_file_by_none(root: Path, tmp_path: Path) -> None:
    (root / "new.py").write_text('x = f"{a["b"]}"\ntype Y = int\n', encoding="utf-8")
    found = runs(root, tmp_path / "1", "semgrep", "bandit")
    assert own(found["bandit"])["status"] == "passed", own(found["bandit"])["reason"]
    assert any("could not read new.py" in note for note in own(found["bandit"])["notes"])
    # No word of any rule is in it, so only a parser can notice.
    (root / "broken.py").write_text("x = = 3\n", encoding="utf-8")
    found = runs(root, tmp_path / "2", "semgrep", "bandit")
    for name in ("semgrep", "bandit"):
        assert own(found[name])["status"] == "incomplete"
        assert "broken.py" in own(found[name])["reason"] or "new.py" in own(found[name])["reason"]


def test_a_cell_that_cannot_be_parsed_is_incomplete(root: Path, tmp_path: Path) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": ["def f(:\n"],
    }
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "n.ipynb").write_text(json.dumps(document), encoding="utf-8")
    found = runs(root, tmp_path, "semgrep", "bandit")
    for name in ("semgrep", "bandit"):
        assert own(found[name])["status"] == "incomplete"
        assert "cell 1" in own(found[name])["reason"]


def test_suppressions_are_counted_and_listed(root: Path, tmp_path: Path) -> None:
    (root / "app.py").write_text(
        f"import pickle\npickle.load(f)  # nosec B301\npickle.load(f)  # nosemgrep\n"
        f"t = '{TOKEN}'  # pragma: allowlist secret\n",
        encoding="utf-8",
    )
    workflows = root / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(
        "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - uses: a/b@v1 # zizmor: ignore[unpinned-uses]\n",
        encoding="utf-8",
    )
    (root / "zizmor.yml").write_text("rules:\n  unpinned-uses:\n    disable: true\n", encoding="utf-8")
    names = ("semgrep", "bandit", "detect-secrets", "mlsecops-secrets", "zizmor")
    found = runs(root, tmp_path, *names)
    assert set(found) == set(names)
    for name, run in found.items():
        hidden = [result for result in run["results"] if result.get("suppressions")]
        assert len(hidden) == own(run)["suppressed"] >= 1, name
        assert all(each["suppressions"][0]["justification"] for each in hidden)


def test_no_secret_is_part_of_a_report(root: Path, tmp_path: Path) -> None:
    password = "Bd8" + "hunter2" + "xQ"
    (root / "app.py").write_text(
        f"import requests\npassword = '{password}'\n"
        f"requests.get('http://x', headers={{'Authorization': '{TOKEN}'}}, verify=False)\n"
        f"eval('{TOKEN}' + input())\n",
        encoding="utf-8",
    )
    (root / "style.css").write_text(f"/* {TOKEN} */\n", encoding="utf-8")
    workflows = root / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(
        f"on: push\njobs:\n  a:\n    runs-on: x\n    env: {{T: {TOKEN}}}\n    steps:\n"
        f"      - run: curl -H {TOKEN} ${{{{ github.head_ref }}}}\n",
        encoding="utf-8",
    )
    found = runs(root, tmp_path, "semgrep", "bandit", "detect-secrets", "mlsecops-secrets", "zizmor")
    for name, run in found.items():
        assert run["results"], name
        text = json.dumps(run)
        assert TOKEN not in text, name
        assert password not in text, name
    assert ("style.css", 1) in places(found["detect-secrets"])
    assert ("style.css", 1) in places(found["mlsecops-secrets"])


def test_a_workflow_that_zizmor_passes_over_is_incomplete(root: Path, tmp_path: Path) -> None:
    workflows = root / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "bad.yml").write_text("on: [push\njobs: x\n", encoding="utf-8")
    run = runs(root, tmp_path, "zizmor")["zizmor"]
    assert own(run)["status"] == "incomplete"
    assert "bad.yml" in own(run)["reason"]


def test_lock_files_and_long_lines_are_looked_at(root: Path, tmp_path: Path) -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    (root / "poetry.lock").write_text(f'content-hash = "{digest}"\n', encoding="utf-8")
    (root / "data.json").write_text(f'{{"a": "{digest * 30_000}"}}\n', encoding="utf-8")
    found = runs(root, tmp_path, "detect-secrets", "mlsecops-secrets")
    for run in found.values():
        assert own(run)["status"] == "passed", own(run)["reason"]
        assert own(run)["scanned"] == 2
