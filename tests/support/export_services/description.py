"""The products' descriptions of their APIs, out of clients that are generated from them."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

from corpus.real_files import environment

_SECONDS = 120


@functools.cache
def descriptions() -> dict[str, Any]:
    """What `describe.py` says of each product. Raises ToolboxError when the clients cannot be had."""
    python = environment("export-clients") / "bin" / "python"
    program = Path(__file__).with_name("describe.py")
    finished = subprocess.run(
        [str(python), "-I", str(program)], check=False, capture_output=True, text=True, timeout=_SECONDS
    )
    assert finished.returncode == 0, finished.stderr
    described: dict[str, Any] = json.loads(finished.stdout)
    return described
