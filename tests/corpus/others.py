"""Other scanners over the corpus, each in its own environment and process, with no settings but our own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from corpus.collection import Placed
from corpus.real_files import TESTS, environment

ENVIRONMENTS = {
    "modelscan": "model-scanners",
    "picklescan": "model-scanners",
    "fickling": "model-scanners",
    "modelaudit": "modelaudit",
}
NAMES = tuple(ENVIRONMENTS)
SECONDS = 4 * 3600


def scanned(name: str, files: Sequence[Placed], scratch: Path) -> dict[Path, str]:
    """What a scanner says of each file, in our words. Raises ToolboxError where it cannot be had."""
    home, listed = prepared(name, [each.path for each in files], scratch)
    finished = subprocess.run(
        command_of(name, listed),
        check=True,
        cwd=home,
        stdout=subprocess.PIPE,
        env=environment_of(home),
        timeout=SECONDS,
    )
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    return {Path(each["path"]): each["outcome"] for each in lines}


def prepared(name: str, files: Sequence[Path], scratch: Path) -> tuple[Path, Path]:
    """An empty home for a scanner, and the list of files for it."""
    home = scratch / f"home-{name}"
    home.mkdir(exist_ok=True)
    listed = home / "files.json"
    listed.write_text(json.dumps([str(each) for each in files]), encoding="utf-8")
    return home, listed


def command_of(name: str, listed: Path) -> list[str]:
    """How to start a scanner over the files of a list. Raises ToolboxError where it cannot be had."""
    folder = environment(ENVIRONMENTS[name])
    return [str(folder / "bin" / "python"), "-m", "corpus.scanners", name, str(listed)]


def environment_of(home: Path) -> dict[str, str]:
    """Variables for a scanner: none of ours, and no telemetry."""
    return {
        "HOME": str(home),
        "PATH": os.defpath,
        "PYTHONPATH": str(TESTS),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "NO_ANALYTICS": "1",
        "CI": "true",
    }
