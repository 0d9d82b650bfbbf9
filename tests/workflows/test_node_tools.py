"""GitHub's packages are pinned by hash without any address; a machine without Node skips with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.node_tools import SCRIPTS, NodeUnavailableError, packages
from support.workflow_files import REPOSITORY


def program(folder: Path, name: str, answer: str) -> None:
    """A program that prints one line."""
    (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def test_every_package_has_a_hash_and_no_address() -> None:
    lock = json.loads((SCRIPTS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((SCRIPTS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = {name.removeprefix("node_modules/"): each for name, each in lock.items() if name}

    assert all(each["integrity"].startswith("sha512-") and "resolved" not in each for each in locked.values())
    assert {name: locked[name]["version"] for name in wanted} == wanted


def test_every_python_linter_has_a_hash_and_no_address() -> None:
    text = (REPOSITORY / "tests" / "requirements" / "workflow-lint.txt").read_text(encoding="utf-8")

    assert "://" not in text
    assert "index" not in text
    assert text.count("==") <= text.count("--hash=sha256:")


def test_a_machine_without_node_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NodeUnavailableError, match="node is not on PATH"):
        packages()


@pytest.mark.parametrize("version", ["v18.20.4", "v20.5.1"])
def test_an_old_node_is_told(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", version)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NodeUnavailableError, match=f"Node 20.6 or newer; this is {version}"):
        packages()


def test_a_machine_without_npm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", "v24.1.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))

    with pytest.raises(NodeUnavailableError, match="npm is not on PATH"):
        packages()


def test_a_registry_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", "v24.1.0")
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))

    with pytest.raises(NodeUnavailableError, match="no such host"):
        packages()
