"""Workflows are executed by act; without it these tests are skipped, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlsecops.advisories.server import serve
from mlsecops.advisories.snapshot import load
from mlsecops.advisories.source import OSV_URL_VARIABLE, SEED
from support import act
from support.acting.chain import Chain, stage_both
from support.acting.platform import Platform
from support.acting.runner import Act
from support.acting.staging import Staged
from support.acting.toys import Bench
from support.github_api import DescriptionUnavailableError


@pytest.fixture(scope="session")
def act_program() -> Path:
    """The program act."""
    try:
        return act.program()
    except act.ActUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def staged(act_program: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Staged, Staged]:
    """Our workflows flat and as they are, with everything made that a run cannot fetch."""
    folder = tmp_path_factory.mktemp("staged")
    both = stage_both(folder)
    Act(act_program, both[0], folder).prepare()
    return both


@pytest.fixture(scope="session")
def osv() -> Iterator[str]:
    """The address of an OSV service that is up to date: it serves the snapshot that is shipped."""
    with serve(load(SEED)) as server:
        yield server.url


@pytest.fixture
def platform(act_program: Path) -> Iterator[Platform]:
    """GitHub; the test fails when a request to it is not as GitHub describes it."""
    try:
        running = Platform()
    except DescriptionUnavailableError as error:
        pytest.skip(str(error))
    with running:
        yield running
    assert running.violations == []


@pytest.fixture
def chain(
    act_program: Path, staged: tuple[Staged, Staged], platform: Platform, osv: str, tmp_path: Path
) -> Chain:
    """All that it takes to run our workflows in a caller's repository."""
    flat, nested = (Act(act_program, each, tmp_path, {OSV_URL_VARIABLE: osv}) for each in staged)
    return Chain(flat, nested, platform, tmp_path)


@pytest.fixture
def bench(act_program: Path, tmp_path: Path) -> Bench:
    """act with toy workflows and actions in the place of ours."""
    return Bench(act_program, tmp_path)
