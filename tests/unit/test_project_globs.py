from __future__ import annotations

import time
from pathlib import Path

import pytest
from mlsecops.project import ProjectError, discover
from mlsecops.project.globs import compile_excludes
from support.shapes import write


@pytest.mark.parametrize(
    ("pattern", "uri", "folder"),
    [
        ("*.md", "README.md", False),
        ("*.md", "docs/deep/a.md", False),
        ("data", "data", True),
        ("data", "src/data", True),
        ("data", "src/data", False),
        ("data/", "src/data", True),
        ("data/**", "data", True),
        ("/data", "data", True),
        ("data/raw", "data/raw", True),
        ("data/*.csv", "data/a.csv", False),
        ("**/raw", "raw", True),
        ("**/raw", "a/b/raw", True),
        ("**/raw/**", "a/b/raw", True),
        ("data/**/raw", "data/raw", True),
        ("data/**/raw", "data/a/b/raw", True),
        ("a?c", "abc", False),
        ("**", "anything/at/all", False),
        ("*", "anything", True),
        ("./docs", "docs", True),
        ("with space/*", "with space/ü", False),
        ("a[1].py", "a[1].py", False),
        ("a*b", "a\nb", False),
        ("a*b*c", "axbxbxc", False),
    ],
)
def test_matches(pattern: str, uri: str, folder: bool) -> None:
    assert compile_excludes([pattern]).match(uri, folder=folder) == pattern


@pytest.mark.parametrize(
    ("pattern", "uri", "folder"),
    [
        ("*.md", "a.mdx", False),
        ("data/", "data", False),
        ("data/**", "data", False),
        ("**/raw/**", "raw", False),
        ("/data", "src/data", True),
        ("data/raw", "src/data/raw", True),
        ("data/*.csv", "data/deep/a.csv", False),
        ("data/*", "data", True),
        ("**/raw", "a/raws", True),
        ("a?c", "a/c", False),
        ("data", "database", True),
        ("a[1].py", "a1.py", False),
        ("", "a", False),
        ("  ", "a", False),
    ],
)
def test_does_not_match(pattern: str, uri: str, folder: bool) -> None:
    assert compile_excludes([pattern]).match(uri, folder=folder) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("!keep.md", "negation"),
        ("../other", "leave the project"),
        ("a/../b", "leave"),
        ("/", "names nothing"),
    ],
)
def test_a_pattern_that_means_nothing_is_an_error_that_names_it(pattern: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words) as raised:
        compile_excludes(["fine", pattern])
    assert pattern in str(raised.value)


def test_no_pattern_takes_long() -> None:
    began = time.process_time()
    excludes = compile_excludes(["/".join(["**", "a*a*a*a*b"] * 8), "*a*a*a*a*a*a*a*b"])
    assert excludes.match("/".join(["a" * 60] * 60), folder=False) is None
    assert time.process_time() - began < 0.5


def test_excluded_files_are_counted_by_pattern(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "data/a.csv": "1",
            "data/deep/b.csv": "1",
            "README.md": "x",
            "docs/a.md": "x",
            "docs/a.py": "x = 1",
            "models/m.pkl": b"x",
        },
    )
    (tmp_path / "link.md").symlink_to("README.md")
    project = discover(tmp_path, excludes=["data/**", "*.md", "models/*.pkl"])
    assert [file.uri for file in project.files] == ["docs/a.py"]
    assert [(row.path, row.files, row.reason, row.kind) for row in project.left_out] == [
        ("*.md", 3, "excluded by the policy", "excluded"),
        ("data/**", 2, "excluded by the policy", "excluded"),
        ("models/*.pkl", 1, "excluded by the policy", "excluded"),
    ]
    assert project.models == ()
