"""The one place where tests that need GitHub's description are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.github_api import DescriptionUnavailableError, GitHubServer


@pytest.fixture
def guarded() -> Iterator[GitHubServer]:
    """A running double whose violations the test looks at itself."""
    try:
        server = GitHubServer()
    except DescriptionUnavailableError as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def github(guarded: GitHubServer) -> Iterator[GitHubServer]:
    """A running double; the test fails when a request or an answer is not as GitHub describes it."""
    yield guarded
    assert guarded.violations == []
