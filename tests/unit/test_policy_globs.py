from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.policy import matches


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("app.py", "app.py"),
        ("./app.py", "app.py"),
        ("*.py", "app.py"),
        ("a?p.py", "app.py"),
        ("src/*.py", "src/app.py"),
        ("src", "src/app.py"),
        ("src/", "src/deep/app.py"),
        ("src/*", "src/deep/app.py"),
        ("src/**", "src/app.py"),
        ("src/**", "src/deep/down/app.py"),
        ("**", "app.py"),
        ("**/app.py", "app.py"),
        ("**/app.py", "a/b/app.py"),
        ("src/**/app.py", "src/app.py"),
        ("src/**/app.py", "src/a/b/app.py"),
        ("src/**/b/*.py", "src/a/b/c.py"),
        ("**/**/x", "x"),
        ("models/*-v?.pkl", "models/a-b-v2.pkl"),
        ("*a*b*c", "xaxbxbxc"),
        ("**.py", "app.py"),
        ("a[1].py", "a[1].py"),
        ("with space/*.py", "with space/ü.py"),
        ("a*b", "a\nb"),
    ],
)
def test_matches(pattern: str, uri: str) -> None:
    assert matches(pattern, uri)


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("app.py", "src/app.py"),
        ("app.py", "app.pyc"),
        ("*.py", "src/app.py"),
        ("src/*.py", "src/deep/app.py"),
        ("src", "source/app.py"),
        ("src/app", "src/app.py"),
        ("src/**/x.py", "src/app.py"),
        ("a?p.py", "a/p.py"),
        ("a[1].py", "a1.py"),
        ("*a*b", "xbxa"),
        ("ab*ba", "aba"),
        ("App.py", "app.py"),
        ("", "app.py"),
        ("a.b", "axb"),
        ("src/**/deep/app.py", "src/app.py"),
        ("**.py", "src/app.py"),
    ],
)
def test_does_not_match(pattern: str, uri: str) -> None:
    assert not matches(pattern, uri)


def test_no_pattern_takes_long() -> None:
    started = time.process_time()

    assert not matches("*a" * 40 + "b", "a" * 4000)
    assert not matches("**/a/" * 40 + "b", "a/" * 2000 + "c")

    assert time.process_time() - started < 1.0


@settings(deadline=None)
@given(
    st.lists(
        st.text("ab.-", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."}),
        min_size=1,
        max_size=4,
    )
)
def test_a_path_matches_itself_and_every_folder_above_it(parts: list[str]) -> None:
    uri = "/".join(parts)

    for depth in range(1, len(parts) + 1):
        assert matches("/".join(parts[:depth]), uri)
    assert matches("**/" + parts[-1], uri)
    assert matches("/".join("*" for _ in parts), uri)
    assert not matches(uri + "/more", uri)
