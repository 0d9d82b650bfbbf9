"""These tests run the real tools."""

import pytest
from support.contexts import prepare_tools


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    prepare_tools()
