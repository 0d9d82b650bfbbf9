"""The products' descriptions of their APIs, out of clients that are generated from them."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from corpus.real_files import environment
from filelock import FileLock
from mlsecops.toolbox import cache_folder

_PROGRAM = Path(__file__).with_name("describe.py")
_SECONDS = 120


@functools.cache
def descriptions() -> dict[str, Any]:
    """What `describe.py` says of each product. Raises ToolboxError when the clients cannot be had."""
    clients = environment("export-clients")
    wanted = hashlib.sha256(clients.name.encode() + _PROGRAM.read_bytes()).hexdigest()[:16]
    path = cache_folder() / "tests" / f"export-apis-{wanted}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.is_file():
            path.with_suffix(".part").write_bytes(_described(clients))
            path.with_suffix(".part").replace(path)
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def _described(clients: Path) -> bytes:
    command = [str(clients / "bin" / "python"), "-I", str(_PROGRAM)]
    finished = subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS)
    assert finished.returncode == 0, finished.stderr.decode()
    return finished.stdout
