"""A pytest plugin, copied beside the project's tests: what was collected, what ended and what failed where.

It runs in the scanned project's environment, so it uses nothing but pytest and the standard library, of any
version that is still in use. Each run of pytest appends one line of JSON to the file `MLSECOPS_EVIDENCE`.

It shares its process with the tests, and so cannot be proof against code that sets out to deceive it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pluggy import Result

_LONGEST = 1000


class Evidence:
    """What one process saw; the process that was started writes, xdist's workers report to it."""

    def __init__(self, config: pytest.Config, output: Path, canaries: dict[str, str]) -> None:
        self.config = config
        self.output = output
        self.canaries = canaries
        self.items: dict[str, str] = {}
        self.canary_items: dict[str, pytest.Item] = {}
        self.deselected: set[str] = set()
        self.ended: set[str] = set()
        self.skipped: set[str] = set()
        self.troubles: list[dict[str, Any]] = []
        self.uncollected: list[dict[str, str]] = []
        self.workers = False

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, Result[pytest.CollectReport], None]:
        """A file that calls sys.exit when it is imported must not end the run of all others."""
        outcome = yield
        if outcome.excinfo and issubclass(outcome.excinfo[0], SystemExit):
            words = f"SystemExit: {outcome.excinfo[1]} (it ends Python when it is imported)"
            outcome.force_result(pytest.CollectReport(collector.nodeid, "failed", words, []))
        report = outcome.get_result()
        vars(report)["mlsecops_path"] = _path(collector)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Before any hook of the project can take it away."""
        self.items[item.nodeid] = _path(item)
        if _path(item) in self.canaries:
            self.canary_items[item.nodeid] = item

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """By -k, -m, --deselect or a plugin, which all say so."""
        self.deselected.update(item.nodeid for item in items)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Whatever is selected, the canaries run."""
        yield
        kept = {item.nodeid for item in items}
        items.extend(item for nodeid, item in self.canary_items.items() if nodeid not in kept)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected."""
        if report.failed:
            path = vars(report).get("mlsecops_path", report.nodeid)
            self.uncollected.append({"path": path, "message": _last_line(str(report.longrepr))})

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Result[pytest.TestReport], None]:
        """The place of a failure, in whatever style the project has its tracebacks printed."""
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            message = call.excinfo.exconly(tryshort=True) if call.excinfo else str(report.longrepr)
            # Plain attributes travel from a worker with the report.
            vars(report)["mlsecops_line"] = _line(item, call)
            vars(report)["mlsecops_message"] = (message.strip().splitlines() or [""])[0][:_LONGEST]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What counts: the outcome after all hooks."""
        if report.failed:
            self.troubles.append(
                {
                    "nodeid": report.nodeid,
                    "when": report.when,
                    "line": vars(report).get("mlsecops_line", (report.location[1] or 0) + 1),
                    "message": vars(report).get("mlsecops_message", _last_line(str(report.longrepr))),
                }
            )
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.add(report.nodeid)
        if report.when == "teardown":
            self.ended.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist ended."""
        self.workers = True
        seen = getattr(node, "workeroutput", {}).get("mlsecops", {})
        self.items.update(seen.get("items", {}))
        self.deselected.update(seen.get("deselected", ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what was seen, and let the canaries' failures not fail the run."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["mlsecops"] = {
                "items": self.items,
                "deselected": sorted(self.deselected),
            }
            return
        seen = {
            "pytest": pytest.__version__,
            "workers": self.workers,
            "items": self.items,
            "deselected": sorted(self.deselected),
            "ended": sorted(self.ended),
            "skipped": sorted(self.skipped),
            "troubles": self.troubles,
            "uncollected": self.uncollected,
        }
        with self.output.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(seen) + "\n")
        canaries = [each for each in self.troubles if self.items.get(each["nodeid"]) in self.canaries]
        # More may have failed the run than tests: pytest-cov counts coverage below its threshold.
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and session.testsfailed == len(canaries):
            session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Switch the plugin on; runs of pytest that the tests start are none of ours."""
    output = os.environ.get("MLSECOPS_EVIDENCE")
    owner = os.environ.get("MLSECOPS_EVIDENCE_OWNER")
    is_worker = hasattr(config, "workerinput") and owner == str(os.getppid())
    if not output or (owner and not is_worker):
        return
    canaries: dict[str, str] = json.loads(os.environ.get("MLSECOPS_CANARIES", "{}"))
    if not is_worker:
        os.environ["MLSECOPS_EVIDENCE_OWNER"] = str(os.getpid())
        if not getattr(config.option, "numprocesses", None):
            os.environ.pop("PYTEST_ADDOPTS", None)  # workers of xdist read it, and nobody else shall
        config.option.xmlpath = f"{output}.{os.getpid()}.junit"
    _add_canaries(config, canaries)
    # -x would stop at the canary, and what can be collected tells more than nothing.
    config.option.maxfail = 0
    config.option.continue_on_collection_errors = True
    config.pluginmanager.register(Evidence(config, Path(output), canaries), "mlsecops-evidence-collector")


def _add_canaries(config: pytest.Config, canaries: dict[str, str]) -> None:
    """A file that is named alone gets the canary of its folder beside it."""
    named = [Path(config.invocation_params.dir, str(each).split("::")[0]) for each in config.args]
    folders = {os.path.realpath(path.parent) for path in named if path.is_file()}
    config.args.extend(path for path, folder in canaries.items() if folder in folders)


def _path(node: pytest.Item | pytest.Collector) -> str:
    return os.path.realpath(str(getattr(node, "path", None) or node.fspath))


def _line(item: pytest.Item, call: pytest.CallInfo[None]) -> int:
    """The last line of the test's own file in the traceback, else the line of its definition."""
    own = _path(item)
    entries = call.excinfo.traceback if call.excinfo else ()
    lines = [entry.lineno + 1 for entry in entries if os.path.realpath(str(entry.path)) == own]
    return lines[-1] if lines else (item.location[1] or 0) + 1


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip()[:_LONGEST] if lines else "no reason given"
