"""Places in a repository that are to be overlooked, with weak code in them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from hostile.attacks.attack import Attack, Change
from hostile.attacks.source import PYTHON, WEAK, notebook, unread, weak
from support.git_repository import git


def _hidden(tries: str, change: Change) -> Attack:
    """The same weakness where a change puts it."""
    return Attack(tries=tries, stage="sast", tools=PYTHON, files={}, change=change, sees="pickle")


def _compiled(root: Path) -> None:
    """A cache that is told to count in the place of its source, whatever that says."""
    cache = root / "jobs" / "__pycache__"
    cache.mkdir(parents=True)
    (root / "jobs" / "load.py").write_text("SAFE = True\n")
    (cache / "load.cpython-313.pyc").write_bytes(b"\xf3\r\r\n\1" + b"\0" * 11 + b"code")
    _commit(root)


def _commit(root: Path) -> None:
    git(root, "init", "--quiet")
    git(root, "add", "--all", "--force")


def _git_settings(root: Path) -> None:
    """Programs that git runs when it is asked for anything."""
    _commit(root)
    trace = f"touch {root.parent / 'taken'}"
    (root / ".git" / "config").write_text(
        f'[core]\nfsmonitor = "{trace}"\nhooksPath = .hooks\npager = "{trace}"\n'
        f'[filter "x"]\nclean = "{trace}"\nsmudge = "{trace}"\nprocess = "{trace}"\nrequired = true\n'
    )


def _capitals(root: Path) -> None:
    (root / "jobs").mkdir()
    (root / "jobs" / "Load.IPYNB").write_text(notebook([WEAK]))


def _linked_notebook(root: Path) -> None:
    (root / "notes.txt").write_text(notebook([WEAK]))
    (root / "analysis.ipynb").symlink_to("notes.txt")


def _terabyte(root: Path) -> None:
    (root / "load.py").write_text(WEAK)
    os.truncate(root / "load.py", 1 << 40)


def _pipe(root: Path) -> None:
    os.mkfifo(root / "load.py")


def _hard_link(root: Path) -> None:
    (root / "load.py").write_text(WEAK)
    os.link(root / "load.py", root / "NOTES.md")


def _setuid(root: Path) -> None:
    (root / "load.py").write_text(WEAK)
    (root / "load.py").chmod(0o6755)


def _deep_folders(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY)
    for _ in range(900):
        os.mkdir("deep-folder", dir_fd=folder)
        inner = os.open("deep-folder", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)


def _empty_folders(root: Path) -> None:
    for number in range(5000):
        (root / "empty" / str(number // 100) / str(number)).mkdir(parents=True)
    (root / "load.py").write_text(WEAK)


ATTACKS = {
    "compiled": unread("is compiled only", {"jobs/load.pyc": b"\xf3\r\r\n"}, "jobs/load.pyc"),
    "compiled-beside": unread(
        "is compiled beside a harmless source", {}, "jobs/__pycache__/load.cpython-313.pyc", _compiled
    ),
    "old-version-control": weak(
        "is committed in a folder of another version control", {}, _commit, at=".svn/load.py"
    ),
    "committed-cache": weak("is committed in the cache of a tool", {}, _commit, at=".mypy_cache/load.py"),
    "checkpoint": weak(
        "is committed as a checkpoint", {}, _commit, at=".ipynb_checkpoints/load-checkpoint.py"
    ),
    "git-settings": weak("brings programs for git to run", {".gitattributes": "* filter=x\n"}, _git_settings),
    "notebook-capitals": _hidden("lies in a notebook in capitals", _capitals),
    "notebook-link": _hidden("lies in a notebook by the name of a link", _linked_notebook),
    "hard-link": _hidden("is the same file as a text", _hard_link),
    "setuid": _hidden("asks for more rights", _setuid),
    "empty-folders": _hidden("hides behind thousands of empty folders", _empty_folders),
    "pipe": unread("is a pipe called like a module", {}, "load.py", _pipe),
    "terabyte": unread("is a file of a terabyte", {}, "load.py", _terabyte),
    "deep-folders": unread("makes folders too deep to list", {"x.py": ""}, "deep-folder", _deep_folders),
    "capitals": weak("is written in capitals beside another", {"load.py": "A = 1\n"}, at="LOAD.PY"),
    "normal-forms": weak("is spelled in another normal form", {"l\u00f3ad.py": ""}, at="lo\u0301ad.py"),
    "copied": replace(weak("is a copy of what was found before", {}), base={"jobs/old.py": WEAK}),
}
