"""These tests build real images, with a Docker engine of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.contexts import prepare_tools
from support.docker_engine import DockerEngine, base_image, load_base, running
from support.packages import EngineUnavailableError

BASE = "python:3.13.16-slim-trixie"


@pytest.fixture(scope="session", name="session_engine")
def _session_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    try:
        base_image()
        with running(tmp_path_factory.mktemp("docker") / "engine") as engine:
            load_base(engine, BASE, "base:1")
            prepare_tools()
            yield engine
    except EngineUnavailableError as error:
        pytest.skip(f"images were not built: {error}")


@pytest.fixture(name="engine")
def _engine(session_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    """The engine, which must be as clean after each test as it was before."""
    for name, value in session_engine.environ.items():
        monkeypatch.setenv(name, value)
    yield session_engine
    assert session_engine.leftovers() == []


@pytest.fixture(name="example")
def _example(tmp_path: Path) -> Path:
    """The example project, its base image without the digest that only the real one has."""
    root = tmp_path / "example"
    shutil.copytree(Path(__file__).parents[2] / "example-project", root)
    file = root / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    digest = text[text.index("@sha256:") : text.index(" AS base")]
    file.write_text(text.replace(digest, ""), encoding="utf-8")
    return root
