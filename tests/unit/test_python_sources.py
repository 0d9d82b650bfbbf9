"""Python files and notebooks as scanners get to see them, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

from mlsecops.job import Job
from mlsecops.python_sources import PythonSources, lay_out, looked_at, plain_source
from mlsecops.tools.bandit import Bandit
from support.contexts import context


def _lay_out(root: Path, tmp_path: Path) -> PythonSources:
    shared = context("sast", root, tmp_path)
    work = tmp_path / "scratch"
    work.mkdir()
    targets = (*shared.project.python, *shared.project.notebooks)
    return lay_out(Job(tool=Bandit(), context=shared, targets=targets, work=work), "sources")


def _notebook(*cells: str) -> str:
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": cell.splitlines(True),
                }
                for cell in cells
            ],
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )


def test_no_two_files_meet_in_one_copy(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    names = ["a.ipynb", "a.ipynb.py", "-r.py", "line\nbreak.py", "a:b.py", "100%25.py"]
    for name in names:
        content = _notebook("x = 1") if name.endswith(".ipynb") else "x = 1\n"
        (root / name).write_text(content, encoding="utf-8")
    sources = _lay_out(root, tmp_path)
    assert sorted(sources.origins.values()) == sorted(names)
    copies = [str(path) for path in sources.folder.iterdir()]
    assert looked_at(sources, copies) == set(names)
    assert all(Path(copy).name.removesuffix(".py").isdigit() for copy in copies)


def test_other_paths_are_nobody_s(tmp_path: Path) -> None:
    sources = PythonSources(Path("/scratch/sources"), {"000000.py": "app.py"}, {})
    assert sources.uri("/scratch/sources/000000.py") == "app.py"
    assert sources.uri("/elsewhere/000000.py") is None


def test_a_notebook_s_line_is_found_again(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    text = _notebook("import os\n", "y = 1\neval(input())\n")
    (root / "n.ipynb").write_text(text, encoding="utf-8")
    sources = _lay_out(root, tmp_path)
    copy = (sources.folder / "000000.py").read_text(encoding="utf-8").splitlines()
    line = copy.index("eval(input())") + 1
    true_line, cell = sources.place("n.ipynb", line)
    assert "eval(input())" in text.splitlines()[true_line - 1]
    assert cell == "cell 2, line 2"
    assert sources.span("n.ipynb", line - 1, line) == (true_line - 1, true_line, "cell 2, line 1")


def test_a_cell_that_cannot_be_parsed_is_a_problem_of_its_file(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "n.ipynb").write_text(_notebook("x = 1\n", "def f(:\n"), encoding="utf-8")
    sources = _lay_out(root, tmp_path)
    assert [(each.uri, each.kind) for each in sources.problems] == [("n.ipynb", "unreadable")]
    assert "cell 2" in sources.problems[0].message
    assert looked_at(sources, [str(sources.folder / "000000.py")]) == frozenset()


def test_a_broken_notebook_is_a_problem_and_no_file(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "n.ipynb").write_text('{"cells": [', encoding="utf-8")
    sources = _lay_out(root, tmp_path)
    assert [each.uri for each in sources.problems] == ["n.ipynb"]
    assert not sources.origins


def test_a_cell_in_another_language_is_said(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "n.ipynb").write_text(_notebook("%%R\nx <- 1\n"), encoding="utf-8")
    sources = _lay_out(root, tmp_path)
    assert len(sources.notes) == 1
    assert "cell 1" in sources.notes[0]


def test_code_hidden_by_its_encoding_is_shown() -> None:
    hidden = b"# coding: utf-7\n+AGUAdgBhAGw-(x)\n"
    assert plain_source(hidden) == b"# c_ding: utf-7\neval(x)\n"


def test_latin_1_and_old_line_ends_become_plain() -> None:
    assert plain_source(b"s = '\xe9'\r\nt = 1\ru = 2") == "s = 'é'\nt = 1\nu = 2\n".encode()
    assert plain_source("﻿x = 1\n".encode()) == b"x = 1\n"


def test_only_a_declaration_is_changed() -> None:
    text = b"coding = 1\n\n# coding: utf-8 in line three\n"
    assert plain_source(text) == text
