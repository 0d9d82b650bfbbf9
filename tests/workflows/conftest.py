"""Workflows are executed by act; without it these tests are skipped, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import act


@pytest.fixture(scope="session")
def act_program() -> Path:
    """The program act."""
    try:
        return act.program()
    except act.ActUnavailableError as error:
        pytest.skip(str(error))
