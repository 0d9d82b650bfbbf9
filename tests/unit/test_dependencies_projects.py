"""What pyproject.toml, Pipfile, setup.cfg, setup.py and scripts ask for; nothing of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.dependencies import Listing, Reference, read_manifest
from mlsecops.dependencies.model import line_of
from mlsecops.dependencies.poetry import specifier
from packaging.specifiers import SpecifierSet
from packaging.version import Version

KINDS = (
    *(
        "requirements",
        "requirements-in",
        "pyproject",
        "poetry-lock",
        "uv-lock",
        "pdm-lock",
        "pylock",
        "pipfile",
    ),
    *("pipfile-lock", "conda", "setup-cfg", "setup-py", "script", "pixi", "conda-lock"),
)


def asked(listing: Listing) -> list[tuple[str, int]]:
    """Requirement and line of each dependency."""
    return [(each.requirement, each.line) for each in listing.dependencies]


def test_every_list_of_a_pyproject_is_read_each_on_its_line() -> None:
    listing = read_manifest(
        "pyproject",
        """[project]
name = "own"
description = "on flask and pytest"
dependencies = ["flask==2.0.1", 'six']

[project.optional-dependencies]
ml = ["torch>=2"]
all = ["own[ml]"]

[dependency-groups]
test = [{ include-group = "lint" }, "pytest"]
lint = ["ruff"]

[tool.pdm.dev-dependencies]
dev = ["nox"]

[tool.uv]
dev-dependencies = ["mypy"]

[tool.hatch.envs.docs]
dependencies = ["mkdocs"]
extra-dependencies = ["jinja2"]

[tool.flit.metadata]
requires = ["click"]
requires-extra = { x = ["rich"] }
""",
    )
    assert asked(listing) == [
        *[("flask==2.0.1", 4), ("six", 4), ("torch>=2", 7), ("pytest", 11), ("ruff", 12), ("nox", 15)],
        *[("mypy", 18), ("click", 25), ("rich", 26), ("mkdocs", 21), ("jinja2", 22)],
    ]
    assert not any((listing.problems, listing.complete))


def test_a_project_that_takes_the_name_of_a_package_does_not_hide_it() -> None:
    listing = read_manifest("pyproject", '[project]\nname = "flask"\ndependencies = ["flask==0.12"]\n')
    assert asked(listing) == [("flask==0.12", 3)]


@pytest.mark.parametrize(
    ("rest", "references"),
    [
        ("", [("setup.cfg", "setup.py")]),
        ('[tool.setuptools.dynamic]\ndependencies = { file = ["a.txt", "b.txt"] }', [("a.txt",), ("b.txt",)]),
        ('[tool.setuptools.dynamic]\ndependencies = { file = "a.txt" }', [("a.txt",)]),
        ('[tool.poetry.dependencies]\nsix = "*"', []),
    ],
)
def test_computed_dependencies_lead_to_the_files_they_come_from(
    rest: str, references: list[tuple[str, ...]]
) -> None:
    listing = read_manifest(
        "pyproject", f'[project]\nname = "own"\ndynamic = ["version", "dependencies"]\n{rest}\n'
    )
    assert list(listing.references) == [Reference("manifest", paths, 3) for paths in references]


def test_computed_extras_lead_to_their_files() -> None:
    text = (
        '[project]\nname = "own"\ndynamic = ["optional-dependencies"]\n'
        '[tool.setuptools.dynamic.optional-dependencies]\nml = { file = ["ml.txt"] }\n'
    )
    assert read_manifest("pyproject", text).references == (Reference("manifest", ("ml.txt",), 3),)


def test_a_poetry_table() -> None:
    listing = read_manifest(
        "pyproject",
        """[tool.poetry]
description = "requests for pandas"
[tool.poetry.dependencies]
python = "^3.8"
requests = "^2.1"
pandas = [
  { version = "<=1.9", python = "<3.8" },
  { version = "^2.0", python = ">=3.8,<4" },
]
uvicorn = { version = "~0.20", extras = ["standard"], markers = "sys_platform != 'win32'" }
forked = { git = "https://example.org/forked.git" }
own = { path = "libs/own" }
[tool.poetry.group.dev.dependencies]
pytest = "*"
[tool.poetry.dev-dependencies]
Flask = "2.0.1"
""",
    )
    assert asked(listing) == [
        ("requests<3,>=2.1", 5),
        ('pandas<=1.9; python_full_version < "3.8"', 6),
        ('pandas<3,>=2.0; python_full_version >= "3.8" and python_full_version < "4"', 6),
        ('uvicorn[standard]<0.21,>=0.20; sys_platform != "win32"', 10),
        ("Flask==2.0.1", 16),
        ("pytest", 14),
    ]
    assert [each.what for each in listing.unaudited] == ["forked"]
    assert listing.references == (Reference("code", ("libs/own",), 12),)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1"),
        ("^0.0", ">=0.0,<0.1"),
        ("^ 1.2", ">=1.2,<2"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("~=1.2", "~=1.2"),
        ("*", ""),
        ("", ""),
        ("1.2", "==1.2"),
        ("1.*", "==1.*"),
        ("=1.2", "==1.2"),
        (">= 1.0, < 2", ">=1.0,<2"),
        (">=1.0 <2", ">=1.0,<2"),
        ("^1.0 || ^2.0", ">=2.0,<3"),
        ("^2.0 | ^1.0", ">=2.0,<3"),
        ("!=1.5", "!=1.5"),
    ],
)
def test_poetrys_constraints(constraint: str, expected: str) -> None:
    assert specifier(constraint) == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4).filter(any))
def test_a_caret_allows_its_version_and_not_the_next_breaking_one(numbers: list[int]) -> None:
    allowed = SpecifierSet(specifier("^" + ".".join(map(str, numbers))))
    first = next(position for position, number in enumerate(numbers) if number)
    breaking = [*numbers[:first], numbers[first] + 1]
    assert Version(".".join(map(str, numbers))) in allowed
    assert Version(".".join(map(str, breaking))) not in allowed


def test_a_pipfile() -> None:
    listing = read_manifest(
        "pipfile",
        """[[source]]
name = "index"
[packages]
flask = "*"
six = "==1.16.0"
remote = { file = "https://example.org/x.zip" }
extra = { version = ">=1", extras = ["s"] }
local = { editable = true, path = "." }
[docs]
sphinx = "~=7.0"
[requires]
python_version = "3.11"
""",
    )
    assert asked(listing) == [("flask", 4), ("six==1.16.0", 5), ("extra[s]>=1", 7), ("sphinx~=7.0", 10)]
    assert [each.what for each in listing.unaudited] == ["remote"]
    assert listing.references == (Reference("code", (".",), 8),)


def test_a_setup_cfg() -> None:
    listing = read_manifest(
        "setup-cfg",
        "[options]\ninstall_requires =\n    flask==2.0.1  # old\n    # none\n    six; python_version < '3'\n"
        "tests_require = pytest; nox\n[options.extras_require]\nml = file: ml.txt, more.txt\n",
    )
    assert asked(listing) == [
        ("flask==2.0.1", 3),
        ('six; python_version < "3"', 5),
        ("pytest", 6),
        ("nox", 6),
    ]
    assert [each.paths for each in listing.references] == [("ml.txt",), ("more.txt",)]


def test_the_literal_lists_of_a_setup_py_are_read_and_it_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = f"""import pathlib
pathlib.Path({str(marker)!r}).touch()
from setuptools import setup
NEEDED = ["flask==2.0.1", "six"]
setup(
    install_requires=NEEDED,
    extras_require={{"ml": ["torch>=2"], "one": "numpy"}},
)
"""
    listing = read_manifest("setup-py", text)
    assert asked(listing) == [("flask==2.0.1", 4), ("six", 4), ("torch>=2", 7), ("numpy", 7)]
    assert not listing.problems
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("setup(install_requires=open('requirements.txt').read().split())", 1),
        ("needed = ['six']\nneeded.append('flask==0.1')\nsetup(install_requires=needed)", 3),
        ("needed = ['six']\nneeded += ['flask==0.1']\nsetup(install_requires=needed)", 3),
        ("needed = ['six']\nneeded = ['flask==0.1']\nsetup(install_requires=needed)", 3),
        ("options = {'install_requires': ['flask==0.1']}\nsetup(**options)", 2),
        ("import config\n\nsetuptools.setup(**config.ALL)", 3),
        ("options = {}\noptions['install_requires'] = ['flask==0.1']\nrun(options)", 2),
        ("print 'Python 2'", 1),
    ],
)
def test_a_list_that_a_setup_py_computes_is_a_problem(text: str, line: int) -> None:
    listing = read_manifest("setup-py", text)
    assert [number for number, _ in listing.problems] == [line]
    assert not listing.dependencies


def test_a_setup_py_without_any_list_asks_for_nothing() -> None:
    assert read_manifest("setup-py", "setup(name='own')  # install_requires: none\n") == Listing()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_script_names_its_packages(end: str) -> None:
    lines = ["#!/usr/bin/env python", "# /// script", "# dependencies = [", "#   'flask==2.0.1',", "#", "# ]"]
    listing = read_manifest("script", end.join([*lines, "# ///", "print()", ""]))
    assert asked(listing) == [("flask==2.0.1", 4)]


@pytest.mark.parametrize("text", ["# /// script\n# dependencies = ['six']\n", "# /// script\nsix\n# ///\n"])
def test_a_script_whose_block_is_broken_is_a_problem(text: str) -> None:
    assert read_manifest("script", text).problems


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pyproject", "[project\n"),
        ("pyproject", "project = 1\n"),
        ("pyproject", '[project]\ndependencies = { flask = "1" }\nname = 3\noptional-dependencies = []\n'),
        ("pyproject", "[tool]\npoetry = 1\n"),
        ("poetry-lock", "[[package]]\nversion = '1'\n"),
        ("poetry-lock", ""),
        ("pipfile", "packages = 1\n"),
        ("pipfile-lock", "{"),
        ("pipfile-lock", '{"default": []}'),
        ("conda", ""),
        ("conda", "dependencies: [a\n"),
        ("setup-cfg", "install_requires = x\n"),
        ("setup-py", "setup(\n"),
        ("setup-py", "\0"),
        ("pixi", "[dependencies]\n"),
        ("conda-lock", "package: []\n"),
    ],
)
def test_a_broken_manifest_is_a_problem_and_names_nothing(kind: str, text: str) -> None:
    listing = read_manifest(kind, text)
    assert listing.problems
    assert not listing.dependencies
    assert all("\n" not in sentence for _, sentence in listing.problems)


def test_a_list_where_a_table_should_be_names_what_is_there() -> None:
    # TOML that is whole, of a shape that the standard does not know.
    assert read_manifest("pyproject", "[project]\ndependencies = 3\n").problems


def test_deep_nesting_is_a_problem_not_a_crash() -> None:
    assert read_manifest("pyproject", "a = " + "[" * 100_000).problems
    assert read_manifest("setup-py", "(" * 100_000).problems


@settings(deadline=None)
@given(kind=st.sampled_from(KINDS), text=st.text())
def test_no_text_makes_a_reader_fail(kind: str, text: str) -> None:
    listing = read_manifest(kind, text)
    lines = [line for line, _ in listing.problems]
    lines += [each.line for each in listing.dependencies]
    lines += [each.line for each in listing.unaudited]
    lines += [each.line for each in listing.references]
    assert all(line >= 1 for line in lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("torch-geometric\ntorch\n", 2),
        ("pytorch\nTorch==1\n", 2),
        ("scikit_learn\n", 1),
        ("none\n", 1),
        ("x.torch\n'torch'\n", 2),
    ],
)
def test_the_line_of_a_name_is_that_of_the_whole_word(text: str, line: int) -> None:
    assert line_of(text, "scikit-learn" if "scikit" in text else "torch") == line
