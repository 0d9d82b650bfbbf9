"""Tells wapiti who calls, in its process: else it takes keys on its command line only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


async def run(configuration: Any, credential: Any, headless: Any) -> None:
    """Add the headers of the caller to every request."""
    del credential, headless
    configuration.headers = {**(configuration.headers or {}), **_headers()}


def _headers() -> dict[str, str]:
    """Those in the file that `MLSECOPS_ORDER` names."""
    headers: dict[str, str] = json.loads(Path(os.environ["MLSECOPS_ORDER"]).read_text(encoding="utf-8"))
    return headers
