"""These tests run the real tools."""

from pathlib import Path

import pytest
from support import trivy
from support.contexts import prepare_tools


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    prepare_tools()


@pytest.fixture(scope="session", name="trivy_program")
def _trivy_program() -> Path:
    try:
        return trivy.program()
    except trivy.TrivyUnavailableError as error:
        pytest.skip(f"images were not scanned: {error}")
