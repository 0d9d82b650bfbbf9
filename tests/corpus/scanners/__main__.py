"""`python -m corpus.scanners NAME LIST`: scan each file that LIST names, print a JSON line for each.

Every file is scanned on its own and has its own time, so that one that ends a scanner costs only itself.
The words are ours: dangerous, unknown (suspicious), harmless (clean), not scanned (nothing read, or error).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SECONDS = 60


def modelscan() -> Callable[[str], str]:
    """Issues of any severity are danger; what it skips or fails on is not scanned."""
    module: Any = importlib.import_module("modelscan.modelscan")

    def scan(path: str) -> str:
        found = module.ModelScan().scan(path)
        if found["summary"]["total_issues"]:
            return "dangerous"
        return (
            "harmless"
            if found["summary"]["scanned"]["total_scanned"] and not found["errors"]
            else "not scanned"
        )

    return scan


def picklescan() -> Callable[[str], str]:
    """Its own three words for what is imported."""
    module: Any = importlib.import_module("picklescan.scanner")

    def scan(path: str) -> str:
        found = module.scan_file_path(path)
        if found.issues_count:
            return "dangerous"
        if found.scan_err or not found.scanned_files:
            return "not scanned"
        return "unknown" if found.suspicious_count else "harmless"

    return scan


def fickling() -> Callable[[str], str]:
    """The two gravest of its severities are danger, what is between them and `likely safe` is doubt.

    Archives are opened by its loader where it can.
    """
    analysis: Any = importlib.import_module("fickling.analysis")
    pickles: Any = importlib.import_module("fickling.fickle")
    loader: Any = importlib.import_module("fickling.loader")
    zipfile: Any = importlib.import_module("zipfile")

    def streams(path: str) -> list[Any]:
        if not zipfile.is_zipfile(path):
            with Path(path).open("rb") as file:
                return list(pickles.StackedPickle.load(file, fail_on_decode_error=False))
        found: list[Any] = []
        with loader.RelaxedZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith((".pkl", ".pickle", ".bin", ".npy")):
                    stacked = io.BytesIO(archive.read(name))
                    found += pickles.StackedPickle.load(stacked, fail_on_decode_error=False)
        return found

    def scan(path: str) -> str:
        severities = [analysis.check_safety(each).severity for each in streams(path)]
        if not severities:
            return "not scanned"
        worst = max(severities)
        if worst >= analysis.Severity.LIKELY_OVERTLY_MALICIOUS:
            return "dangerous"
        return "harmless" if worst == analysis.Severity.LIKELY_SAFE else "unknown"

    return scan


def modelaudit() -> Callable[[str], str]:
    """Critical issues are danger, warnings are doubt."""
    core: Any = importlib.import_module("modelaudit.core")

    def scan(path: str) -> str:
        found = core.scan_model_directory_or_file(path, cache_enabled=False)
        severities = {str(getattr(each.severity, "value", each.severity)).lower() for each in found.issues}
        if "critical" in severities:
            return "dangerous"
        if core.determine_exit_code(found) == 2 or not found.files_scanned:
            return "not scanned"
        return "unknown" if "warning" in severities else "harmless"

    return scan


SCANNERS = {each.__name__: each for each in (modelscan, picklescan, fickling, modelaudit)}


def timed(scan: Callable[[str], str], path: str) -> dict[str, object]:
    """Scan one file in a thread of its own, which is left behind when it takes too long."""
    pool = ThreadPoolExecutor(1)
    started = time.perf_counter()
    future = pool.submit(scan, path)
    try:
        error = future.exception(SECONDS)
    except TimeoutError as late:
        error = late
    pool.shutdown(wait=False)
    said = f"{type(error).__name__}: {error}"[:300] if error else ""
    word = "not scanned" if error else future.result()
    return {"path": path, "outcome": word, "seconds": time.perf_counter() - started, "said": said}


def main(name: str, listed: str) -> None:
    """Scan all; what a scanner prints itself is nobody's."""
    logging.disable()
    scan = SCANNERS[name]()
    out = sys.stdout
    for path in json.loads(Path(listed).read_text(encoding="utf-8")):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            line = timed(scan, path)
        print(json.dumps(line), file=out, flush=True)
    os._exit(0)  # whatever is still running


if __name__ == "__main__":
    main(*sys.argv[1:])
