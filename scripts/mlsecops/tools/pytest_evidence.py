"""A pytest plugin, copied beside the project's tests: which tests were collected, and which came to an end.

It runs in the scanned project's environment, so it uses nothing but pytest and the standard library.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


class Evidence:
    """Collects node ids during a session and writes them to one JSON file at its end."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.collected: set[str] = set()
        self.ended: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without workers: the tests of this process."""
        self.collected.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """With workers: each of them collects all tests."""
        del node
        self.collected.update(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The last phase of a test was reported."""
        if report.when == "teardown":
            self.ended.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        seen = {
            "pytest": pytest.__version__,
            "collected": sorted(self.collected),
            "ended": sorted(self.ended),
        }
        self.output.write_text(json.dumps(seen), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Switch the plugin on in the main process; workers report to it."""
    output = os.environ.get("MLSECOPS_EVIDENCE")
    if output and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Evidence(Path(output)), "mlsecops-evidence-collector")
