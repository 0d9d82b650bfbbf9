"""A machine without Chromium gets Debian's where that is possible, and a reason where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.browser import BrowserUnavailableError, chromium


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path of a machine whose user is root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "cache").mkdir()
    return tmp_path


def program(folder: Path, name: str, text: str = "") -> Path:
    """A shell script on the path, which writes its arguments down."""
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "$@" >> {folder}/told\n{text}\n', encoding="utf-8")
    file.chmod(0o755)
    return file


def test_what_is_there_is_taken(machine: Path) -> None:
    there = program(machine, "google-chrome")
    assert chromium() == str(there)


@pytest.mark.parametrize("updates", [False, True])
def test_debians_package_is_installed_after_an_update_if_need_be(machine: Path, updates: bool) -> None:
    needed = f"[ -e {machine}/updated ] || exit 100" if updates else ""
    (machine / "made").write_text("#!/bin/sh\n", encoding="utf-8")
    (machine / "made").chmod(0o755)
    program(
        machine,
        "apt-get",
        f'case "$1" in update) : > {machine}/updated ;; install) {needed}\n'
        f"/bin/cp {machine}/made {machine}/chromium ;; esac",
    )
    assert chromium() == str(machine / "chromium")
    told = (machine / "told").read_text(encoding="utf-8").split("\n")
    install = "install -y --no-install-recommends chromium"
    assert told[:-1] == ([install, "update", install] if updates else [install])


def test_a_package_that_cannot_be_had_is_told(machine: Path) -> None:
    program(machine, "apt-get", "echo 'E: no such host' >&2; exit 100")
    with pytest.raises(BrowserUnavailableError, match="apt-get cannot install it: E: no such host"):
        chromium()


def test_nobody_but_root_on_debian_can_install_it(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrowserUnavailableError, match="only root on Debian can install it"):
        chromium()
    program(machine, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BrowserUnavailableError, match="only root on Debian can install it"):
        chromium()
    assert not (machine / "told").exists()
