"""These tests run the real tools."""

from pathlib import Path

import pytest
from mlsecops.tools.trivy import Trivy
from support import trivy
from support.contexts import prepare_tools
from support.trivy_runs import RECIPES


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    prepare_tools()


@pytest.fixture(scope="session", name="trivy_program")
def _trivy_program() -> Path:
    try:
        return trivy.program()
    except trivy.TrivyUnavailableError as error:
        pytest.skip(f"images were not scanned: {error}")


@pytest.fixture(name="tool")
def _tool(trivy_program: Path) -> Trivy:
    return Trivy(RECIPES, which=lambda _: str(trivy_program))
