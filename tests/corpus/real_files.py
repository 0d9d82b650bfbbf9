"""Real objects saved by real libraries, made once for each state of the libraries and of our programs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import uv
from filelock import FileLock
from mlsecops.toolbox import cache_folder
from mlsecops.toolbox.environments import Environments

from corpus.collection import Placed

TESTS = Path(__file__).resolve().parents[1]
SECONDS = 600


def environment(name: str) -> Path:
    """An environment from `tests/requirements`, made on first use. Raises ToolboxError."""
    environments = Environments(TESTS / "requirements", cache_folder() / "tools", Path(uv.find_uv_bin()))
    return environments.ensure(name)


def real_files() -> list[Placed]:
    """All of them, each with its technique. They are only read: the next test run has the same ones."""
    libraries = environment("model-libraries")
    programs = b"".join(path.read_bytes() for path in sorted((TESTS / "corpus" / "real").glob("*.py")))
    state = hashlib.sha256(libraries.name.encode() + programs).hexdigest()[:16]
    folder = cache_folder() / "model-corpus" / state
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            _make(libraries, folder)
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return [
        Placed(
            path=folder / each["name"],
            family=each["family"],
            technique=each["technique"],
            expected="harmless",
            source="saved by the library",
        )
        for each in index
    ]


def _make(libraries: Path, folder: Path) -> None:
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        subprocess.run(
            [str(libraries / "bin" / "python"), "-m", "corpus.real", str(scratch)],
            check=True,
            env={"PYTHONPATH": str(TESTS), "HOME": str(scratch), "PATH": os.defpath, "OMP_NUM_THREADS": "1"},
            timeout=SECONDS,
        )
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
