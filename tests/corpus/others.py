"""Other scanners over the corpus, each in its own environment and process, without the network's help."""

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
SECONDS = 1800


def scanned(name: str, files: Sequence[Placed], scratch: Path) -> dict[Path, str]:
    """What a scanner says of each file, in our words. Raises ToolboxError where it cannot be had."""
    folder = environment(ENVIRONMENTS[name])
    home = scratch / f"home-{name}"
    home.mkdir()
    listed = home / "files.json"
    listed.write_text(json.dumps([str(each.path) for each in files]), encoding="utf-8")
    finished = subprocess.run(
        [str(folder / "bin" / "python"), "-m", "corpus.scanners", name, str(listed)],
        check=True,
        cwd=home,
        stdout=subprocess.PIPE,
        env={
            "HOME": str(home),
            "PATH": os.defpath,
            "PYTHONPATH": str(TESTS),
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "NO_ANALYTICS": "1",
            "CI": "true",
        },
        timeout=SECONDS,
    )
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    return {Path(each["path"]): each["outcome"] for each in lines}
