"""One Chromium for all tests of the page, and pages of every size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlsecops.findings import Report
from mlsecops.report.page import page
from mlsecops.report.parts import Links
from mlsecops.verdict import Verdict
from support.browser import Browser, BrowserUnavailableError, chromium
from support.node_tools import NodeUnavailableError, packages
from support.reports import blocked, finding, history, many, passed, report, rich_report

LINKS = Links(
    run="https://host.example/run",
    security="https://host.example/security",
    docs="https://host.example/docs",
    blob="https://host.example/blob/1",
    head="3f2c1ab",
)
Written = Callable[[Report, Verdict], Path]


@pytest.fixture(scope="session")
def needed() -> None:
    try:
        packages()
        chromium()
    except (NodeUnavailableError, BrowserUnavailableError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def browser(needed: None) -> Iterator[Browser]:
    """The browser, in which each test opens tabs of its own."""
    with Browser() as started:
        yield started


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of no finding, of one, of fifty, of 25,000, and one with something of everything."""
    folder = tmp_path_factory.mktemp("pages")
    one = finding()
    made = {
        "none": (report(), passed()),
        "one": (report([one]), blocked(one)),
        "fifty": many(50),
        "most": many(25_000),
        "rich": rich_report(),
    }
    for name, (whole, verdict) in made.items():
        (folder / name).with_suffix(".html").write_text(page(whole, verdict, LINKS, history()), "utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes the page of a report."""

    def write(whole: Report, verdict: Verdict) -> Path:
        file = tmp_path / "index.html"
        file.write_text(page(whole, verdict, LINKS, history()), encoding="utf-8")
        return file

    return write
