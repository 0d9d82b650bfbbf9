"""Locks and conda environments: every package with its version and line, or said why not."""

from __future__ import annotations

import pytest
from mlsecops.dependencies import Listing, Reference, read_manifest
from mlsecops.dependencies.conda import specifier


def pins(listing: Listing) -> list[tuple[str, str | None, int]]:
    """Name, version and line of each dependency."""
    return [(each.name, each.version, each.line) for each in listing.dependencies]


def test_a_uv_lock() -> None:
    listing = read_manifest(
        "uv-lock",
        """version = 1
[[package]]
name = "own"
version = "0.1"
source = { editable = "libs/own" }
[[package]]
name = "Flask"
version = "2.0.1"
source = { registry = "https://example.org/simple" }
[[package]]
name = "forked"
version = "1.0"
source = { git = "https://example.org/forked?rev=main" }
[[package]]
name = "remote"
version = "1.0"
source = { url = "https://example.org/remote.whl" }
[[package]]
name = "local"
version = "1.0"
source = { path = "wheels/local.whl" }
""",
    )
    assert pins(listing) == [("flask", "2.0.1", 6)]
    assert [(each.what, each.line) for each in listing.unaudited] == [
        ("forked", 10),
        ("remote", 14),
        ("local", 18),
    ]
    assert listing.references == (Reference("code", ("libs/own",), 2),)
    assert listing.complete


def test_a_poetry_lock() -> None:
    listing = read_manifest(
        "poetry-lock",
        """[[package]]
name = "flask"
version = "2.0.1"
[package.source]
type = "legacy"
url = "https://example.org/simple"
[[package]]
name = "own"
version = "1"
[package.source]
type = "directory"
url = "libs/own"
[[package]]
name = "forked"
version = "1"
[package.source]
type = "git"
url = "https://example.org/forked.git"
[[package]]
name = "local"
version = "1"
[package.source]
type = "file"
url = "local.whl"
[metadata]
lock-version = "2.0"
""",
    )
    assert pins(listing) == [("flask", "2.0.1", 1)]
    assert [each.what for each in listing.unaudited] == ["forked", "local"]
    assert listing.references == (Reference("code", ("libs/own",), 7),)


def test_a_pdm_lock() -> None:
    listing = read_manifest(
        "pdm-lock",
        '[metadata]\nlock_version = "4.4"\n[[package]]\nname = "six"\nversion = "1.16.0"\n'
        '[[package]]\nname = "forked"\nversion = "1"\ngit = "https://example.org/forked"\n'
        '[[package]]\nname = "own"\nversion = "1"\npath = "./libs/own"\neditable = true\n'
        '[[package]]\nname = "local"\nversion = "1"\npath = "./local.whl"\n',
    )
    assert pins(listing) == [("six", "1.16.0", 3)]
    assert [each.what for each in listing.unaudited] == ["forked", "local"]
    assert listing.references == (Reference("code", ("./libs/own",), 10),)


def test_a_pylock() -> None:
    listing = read_manifest(
        "pylock",
        'lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1.16.0"\n'
        '[[packages]]\nname = "own"\ndirectory = { path = "." }\n'
        '[[packages]]\nname = "forked"\nvcs = { type = "git", url = "https://example.org/forked" }\n'
        '[[packages]]\nname = "remote"\narchive = { url = "https://example.org/remote.zip" }\n'
        '[[packages]]\nname = "unversioned"\n',
    )
    assert pins(listing) == [("six", "1.16.0", 2)]
    assert [each.what for each in listing.unaudited] == ["forked", "remote"]
    assert listing.references == (Reference("code", (".",), 5),)
    assert listing.problems == ((14, "unversioned has no version"),)


def test_a_lock_in_one_line_keeps_its_packages() -> None:
    listing = read_manifest(
        "pylock", 'lock-version = "1.0"\npackages = [{ name = "six", version = "1.16.0" }]\n'
    )
    assert pins(listing) == [("six", "1.16.0", 2)]


def test_both_spellings_of_the_table_are_read() -> None:
    text = 'version = 1\npackages = []\n[[package]]\nname = "flask"\nversion = "2.0.1"\n'
    assert pins(read_manifest("uv-lock", text)) == [("flask", "2.0.1", 3)]


def test_an_empty_lock_is_whole_and_an_empty_file_is_not() -> None:
    assert not read_manifest("uv-lock", "version = 1\n").problems
    assert read_manifest("uv-lock", "").problems


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("six", "1.16.0\\n-r /etc/passwd"),
        ("six", "1.16.0 --index-url https://example.org"),
        ("six\\n-r other.txt", "1.0"),
        ("-r", "1.0"),
        ("six", "latest"),
    ],
)
def test_a_lock_cannot_slip_a_line_to_a_tool(name: str, version: str) -> None:
    listing = read_manifest("uv-lock", f'version = 1\n[[package]]\nname = "{name}"\nversion = "{version}"\n')
    assert listing.dependencies == ()
    assert [line for line, _ in listing.problems] == [2]


def test_a_pipfile_lock() -> None:
    listing = read_manifest(
        "pipfile-lock",
        """{
  "_meta": {"sources": [{"name": "index"}]},
  "default": {
    "flask": {"version": "==2.0.1", "markers": "python_version >= '3.6'"},
    "forked": {"git": "https://example.org/forked", "ref": "main"},
    "own": {"editable": true, "path": "."},
    "loose": {"version": "*"}
  },
  "docs": {
    "sphinx": {"version": "==7.0"}
  }
}""",
    )
    assert pins(listing) == [("flask", "2.0.1", 4), ("sphinx", "7.0", 10)]
    assert [(each.what, each.line) for each in listing.unaudited] == [("forked", 5)]
    assert listing.references == (Reference("code", (".",), 6),)
    assert [line for line, _ in listing.problems] == [7]


def test_a_conda_environment_with_a_pip_part() -> None:
    listing = read_manifest(
        "conda",
        """name: env
channels: [conda-forge]
dependencies:
  - python=3.8
  - numpy=1.21
  - pandas=1.2.3=py38_0
  - conda-forge::pytorch>=1.8
  - librosa
  - libgcc-ng
  - setuptools=58.0.4
  - pip
  - pip:
      - flask==2.0.1
      - -r requirements.txt
      - git+https://example.org/forked#egg=forked
      - nonsense=1
""",
    )
    assert [(each.requirement, each.line) for each in listing.dependencies] == [
        ("numpy==1.21.*", 5),
        ("pandas==1.2.3", 6),
        ("torch>=1.8", 7),
        ("librosa", 8),
        ("setuptools==58.0.4", 10),
        ("flask==2.0.1", 13),
    ]
    assert listing.references == (Reference("manifest", ("requirements.txt",), 14),)
    assert [(each.what, each.line) for each in listing.unaudited] == [("forked", 15)]
    assert [line for line, _ in listing.problems] == [16]
    assert listing.left_out == ("python", "libgcc-ng", "pip")


def test_a_conda_environment_without_a_pip_part() -> None:
    listing = read_manifest("conda", "dependencies:\n- six\n- pip:\n")
    assert [each.name for each in listing.dependencies] == ["six"]
    assert not listing.problems


@pytest.mark.parametrize(
    "entry", ["3", "{npm: [left-pad]}", "'numpy[version=\">1\"]'", "'=1'", "pip: flask", '"\\UFFFFFFFF"']
)
def test_an_entry_that_conda_alone_understands_is_a_problem(entry: str) -> None:
    assert read_manifest("conda", f"dependencies:\n- {entry}\n").problems


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("", ""),
        ("*", ""),
        ("=1.2", "==1.2.*"),
        ("=1.2.3", "==1.2.3"),
        ("=1.2=py_0", "==1.2"),
        ("==1.2", "==1.2"),
        ("1.2.*", "==1.2.*"),
        ("1.2.3 py38_0", "==1.2.3"),
        ("=1.2.*", "==1.2.*"),
        ("=1.*", "==1.*"),
        (">=1.2,<2", ">=1.2,<2"),
        (">= 1.2", ">=1.2"),
    ],
)
def test_condas_constraints(constraint: str, expected: str) -> None:
    assert specifier(constraint) == expected
