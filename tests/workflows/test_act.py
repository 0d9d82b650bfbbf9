"""How act is installed, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import act


@pytest.mark.parametrize(
    ("go", "complaint"),
    [
        (None, "go is not on PATH"),
        ("echo go version go1.23.4 linux/amd64", "act needs Go 1.24 or newer"),
        ('test "$1" = version && echo go version go1.24.0 || { echo no proxy >&2; exit 1; }', "no proxy"),
    ],
)
def test_without_a_fit_go_there_is_no_act_and_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str | None, complaint: str
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    if go:
        (tmp_path / "go").write_text(f"#!/bin/sh\n{go}\n")
        (tmp_path / "go").chmod(0o755)

    with pytest.raises(act.ActUnavailableError, match=complaint):
        act.program()


def test_sources_that_the_checksum_database_does_not_know_are_no_reason_to_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GOSUMDB", "off")
    version = 'test "$1" = version && echo go version go1.24.0 && exit'
    said = 'echo "${GOSUMDB-asked}: SECURITY ERROR" >&2; exit 1'
    (tmp_path / "go").write_text(f"#!/bin/sh\n{version}\n{said}\n")
    (tmp_path / "go").chmod(0o755)

    with pytest.raises(AssertionError, match="asked: SECURITY ERROR"):
        act.program()
