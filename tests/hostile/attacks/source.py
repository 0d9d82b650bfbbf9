"""Weak code, secrets and workflows that bring settings, comments or places along to be overlooked."""

from __future__ import annotations

import json
import os
from pathlib import Path

from hostile.attacks.attack import Attack, Change, Files
from mlsecops.sarif.build import Json
from mlsecops.verdict import Word
from support.git_repository import git

PYTHON = ("semgrep", "bandit")
SECRETS = ("detect-secrets", "mlsecops-secrets")
WEAK = "import pickle\n\nfrom flask import request\n\n\ndef load():\n    return pickle.loads(request.data)\n"
TOKEN = "gh" + "p_" + "".join("7bQz4XkT2mRw"[number % 12] for number in range(36))
LEAK = f'TOKEN = "{TOKEN}"\n'
INJECTED = """on: pull_request_target
permissions: write-all
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""
ZIZMOR_OFF = "rules: {template-injection: {disable: true}, dangerous-triggers: {disable: true}}\n"
SHADOW = "raise SystemExit(0)\n"


def weak(tries: str, files: Files, change: Change | None = None, *, at: str = "jobs/load.py") -> Attack:
    """Unpickling a request, hidden by these files."""
    return Attack(
        tries=tries, stage="sast", tools=PYTHON, files={at: WEAK, **files}, change=change, sees="pickle"
    )


def _leak(tries: str, files: Files, *, at: str = "settings.py") -> Attack:
    return Attack(tries=tries, stage="sast", tools=SECRETS, files={at: LEAK, **files}, sees="github-token")


def _workflow(tries: str, files: Files) -> Attack:
    return Attack(
        tries=tries,
        stage="sast",
        tools=("zizmor",),
        files={".github/workflows/evil.yml": INJECTED, **files},
        sees="zizmor/",
    )


def unread(
    tries: str, files: Files, says: str, change: Change | None = None, word: Word = "incomplete"
) -> Attack:
    return Attack(tries=tries, stage="sast", tools=PYTHON, files=files, change=change, word=word, says=says)


def notebook(cells: list[str], **more: object) -> str:
    code: list[Json] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
        for cell in cells
    ]
    document = {"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps({**document, **more})


def _laughing() -> str:
    """Outputs that would be gigabytes if anything in them were unfolded."""
    lol = "\\u0026lol9;" * 1000
    document = json.loads(notebook([WEAK]))
    document["cells"][0]["outputs"] = [
        {"output_type": "display_data", "data": {"text/html": lol}, "metadata": {}}
    ]
    return json.dumps(document)


def _link_outside(root: Path) -> None:
    """A program that is not in the repository at all, but that the service would import."""
    (root.parent / "outside").mkdir(exist_ok=True)
    (root.parent / "outside" / "load.py").write_text(WEAK)
    (root / "jobs").mkdir(exist_ok=True)
    (root / "jobs" / "load.py").symlink_to(root.parent / "outside" / "load.py")


def _vendored(root: Path) -> None:
    (root / "node_modules" / "x").mkdir(parents=True)
    (root / "node_modules" / "x" / "load.py").write_text(WEAK)
    git(root, "init", "--quiet")
    git(root, "add", "--all")


def _latin_name(root: Path) -> None:
    path = os.fsencode(root) + b"/l\xf6ad.py"
    Path(os.fsdecode(path)).write_text(WEAK)


def _laughing_policy() -> str:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(["version: 1", "a0: &a0 [x]", *lines, "exclude: *a11", ""])


ATTACKS = {
    "semgrepignore": weak("tells semgrep to leave the file out", {".semgrepignore": "*\njobs/\n"}),
    "semgrepignore-beside": weak("the same beside the file", {"jobs/.semgrepignore": "*\n"}),
    "bandit-ini": weak(
        "tells bandit to leave the file out", {".bandit": "[bandit]\nexclude: /jobs\nskips: B301\n"}
    ),
    "bandit-yaml": weak(
        "gives bandit a configuration", {"bandit.yaml": "skips: [B301, B403]\nexclude_dirs: [jobs]\n"}
    ),
    "bandit-pyproject": weak(
        "the same in pyproject.toml",
        {"pyproject.toml": '[tool.bandit]\nskips = ["B301"]\nexclude_dirs = ["jobs"]\n'},
    ),
    "bandit-setup-cfg": weak(
        "the same in setup.cfg", {"setup.cfg": "[bandit]\nexclude = jobs\nskips = B301\n"}
    ),
    "bandit-tox": weak("the same in tox.ini", {"tox.ini": "[bandit]\nexclude = jobs\nskips = B301\n"}),
    "gitignore": weak("lets git ignore the file", {".gitignore": "jobs/\n*.py\n"}),
    "gitattributes": weak(
        "says that the file is binary and generated",
        {".gitattributes": "*.py binary linguist-generated linguist-vendored export-ignore\n"},
    ),
    "in-line-comments": weak(
        "hides its own finding by comments",
        {"jobs/load.py": WEAK.replace("request.data)", "request.data)  # nosec # nosemgrep # noqa: S301")},
    ),
    "policy-excludes": weak(
        "excludes its own folder", {".github/mlsecops.yml": "version: 1\nexclude: [jobs/**]\n"}
    ),
    "policy-threshold": weak(
        "lowers the threshold", {".github/mlsecops.yml": "version: 1\nfail-on: never\n"}
    ),
    "policy-off": weak(
        "switches the stage off", {".github/mlsecops.yml": "version: 1\nstages: {sast: {enabled: false}}\n"}
    ),
    "policy-waives": weak(
        "waives itself",
        {
            ".github/mlsecops.yml": "version: 1\nwaivers:\n"
            + "".join(
                f"  - {{rule: {rule}, path: '**', reason: it is quite all right, expires: 2999-01-01}}\n"
                for rule in ("B301", "mlsecops-pickle-load", "mlsecops-unpickle-request")
            )
        },
    ),
    "policy-settings": weak(
        "lets tools use its settings",
        {
            ".github/mlsecops.yml": "version: 1\ntools: {use-project-config: [hadolint]}\n",
            ".bandit": "[bandit]\nskips: B301\n",
        },
    ),
    "tests-folder": weak("lies among the tests", {}, at="tests/load.py"),
    "vendored": unread("is committed among installed packages", {"x.md": ""}, "node_modules", _vendored),
    "hidden-folder": weak("lies in a folder whose name begins with a dot", {}, at=".cache/load.py"),
    "package-cache": weak("lies in a cache of Python", {}, at="__pycache__/load.py"),
    "minified": weak("is called minified", {}, at="static/load.min.py"),
    "no-suffix": weak("has no suffix", {"bin/load": f"#!/usr/bin/env python3\n{WEAK}"}, at="bin/x.txt"),
    "utf-16": weak(
        "is written in another encoding", {"jobs/load.py": b"\xff\xfe" + WEAK.encode("utf-16-le")}
    ),
    "byte-order-mark": weak("begins with a mark", {"jobs/load.py": "\ufeff" + WEAK}),
    "declared-encoding": weak("declares an encoding", {"jobs/load.py": "# coding: utf-7\n" + WEAK}),
    "carriage-returns": weak("has the line ends of old Macs", {"jobs/load.py": WEAK.replace("\n", "\r")}),
    "form-feeds": weak("puts form feeds before its lines", {"jobs/load.py": WEAK.replace("\n", "\n\x0c")}),
    "name-of-markdown": weak(
        "forges Markdown by its name", {}, at="jobs/x` | **passed** @team #1 <!-- -->.py"
    ),
    "name-of-a-command": weak(
        "forges a workflow command by its name", {}, at="jobs/::set-output name=x::y.py"
    ),
    "name-of-an-escape": weak("forges a terminal by its name", {}, at="jobs/\x1b[2J\x1b[32mpassed.py"),
    "name-with-a-line": weak("forges a line by its name", {}, at="jobs/x\n### passed\n.py"),
    "name-of-shell": weak("forges a command line by its name", {}, at="jobs/-rf $(echo x) ; echo `id`.py"),
    "name-of-an-address": weak("forges an address by its name", {}, at="jobs/%2e%2e%2fhttps:%2f%2fx.py"),
    "name-in-bytes": weak("has a name that is not UTF-8", {}, _latin_name, at="jobs/x.txt"),
    "shadows": weak(
        "brings modules called like those of our tools",
        {
            f"{name}.py": SHADOW
            for name in ("bandit", "semgrep", "sitecustomize", "usercustomize", "yaml", "click")
        },
    ),
    "index": weak(
        "names an index of its own for our tools",
        {
            "pip.conf": "[global]\nindex-url = http://127.0.0.1:9/\n",
            "uv.toml": 'index-url = "http://127.0.0.1:9/"\n',
            ".python-version": "2.7\n",
            ".env": "PYTHONPATH=.\nSEMGREP_RULES=none\n",
        },
    ),
    "notebook": weak("lies in a notebook", {"x.ipynb": notebook(["%%bash\necho", WEAK])}, at="x.md"),
    "notebook-magics": weak(
        "stands behind magics of a notebook",
        {"x.ipynb": notebook([f"%matplotlib inline\n!ls\n{WEAK}"])},
        at="x.md",
    ),
    "notebook-outputs": weak("drowns in the outputs of a notebook", {"x.ipynb": _laughing()}, at="x.md"),
    "long-line": weak("follows a line of a megabyte", {"jobs/load.py": f"x = '{'a' * 1_000_000}'\n{WEAK}"}),
    "link-outside": unread("links to a file outside", {"x.md": ""}, "jobs/load.py", _link_outside),
    "syntax-error": unread(
        "cannot be parsed by anybody", {"jobs/load.py": f"{WEAK}def (:\n"}, "jobs/load.py", word="blocked"
    ),
    "null-byte": unread(
        "holds a null byte", {"jobs/load.py": WEAK.encode() + b"\0"}, "jobs/load.py", word="blocked"
    ),
    "nesting": weak("is nested very deeply", {"jobs/load.py": f"{WEAK}x = {'(' * 5000}1{')' * 5000}\n"}),
    "notebook-broken": unread("is half a notebook", {"x.ipynb": notebook([WEAK])[:-40]}, "x.ipynb"),
    "policy-aliases": weak("brings a policy that is endless", {".github/mlsecops.yml": _laughing_policy()}),
    "policy-deep": weak(
        "brings a policy that is nested without end",
        {".github/mlsecops.yml": "version: 1\nexclude: " + "[" * 3000 + "]" * 3000},
    ),
    "policy-twice": weak(
        "brings a policy that says everything twice",
        {".github/mlsecops.yml": "version: 1\nfail-on: low\nfail-on: never\n"},
    ),
    "name-of-html": weak("forges HTML by its name", {}, at="<img src=x onerror=alert(1)>.py"),
    "name-of-a-mention": weak("forges a mention by its name", {}, at="@octocat closes #1.py"),
    "name-of-yaml": weak("forges YAML by its name", {}, at="a: b\n- &c d #.py"),
    "name-of-a-uri": weak("forges another place by its name", {}, at="file:%2e%2e%2fapp.py?x#L1.py"),
    "name-backwards": weak("is spelled backwards", {}, at="load\u202e\u2066fdp.py"),
    "secret-allowed": _leak(
        "allows its own secret", {"settings.py": LEAK.rstrip() + "  # pragma: allowlist secret\n"}
    ),
    "secret-baseline": _leak(
        "brings a baseline for detect-secrets",
        {".secrets.baseline": json.dumps({"version": "1.5.0", "plugins_used": [], "results": {}})},
    ),
    "secret-pre-commit": _leak(
        "configures the secret scanner",
        {
            ".pre-commit-config.yaml": "repos: []\n",
            "pyproject.toml": "[tool.detect-secrets]\nexclude = '.*'\n",
        },
    ),
    "secret-suffix": _leak("lies in a file that scanners pass over", {}, at="static/app.css"),
    "secret-lock": _leak("lies in a lock file", {}, at="yarn.lock"),
    "secret-in-a-notebook": _leak(
        "lies in the output of a notebook", {"x.ipynb": notebook([LEAK])}, at="x.md"
    ),
    "workflow-configuration": _workflow(
        "configures zizmor",
        {
            "zizmor.yml": ZIZMOR_OFF,
            ".github/zizmor.yml": ZIZMOR_OFF,
        },
    ),
    "workflow-comments": _workflow(
        "hides the findings of its workflow by comments",
        {
            ".github/workflows/evil.yml": INJECTED.replace(
                "on: pull_request_target", "on: pull_request_target # zizmor: ignore[dangerous-triggers]"
            ).replace('}}"', '}}" # zizmor: ignore[template-injection]')
        },
    ),
    "workflow-suffix": _workflow("is called .yaml", {".github/workflows/other.yaml": INJECTED}),
}
