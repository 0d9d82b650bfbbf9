"""Makes the list of names: `python -m model_imports SCRATCH OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

from model_imports.by_hand import listings
from model_imports.environments import collected
from model_imports.pack import packed


def main(scratch: Path, out: Path) -> None:
    """Environments go below `scratch` and are used again; the result is written to `out`."""
    scratch.mkdir(parents=True, exist_ok=True)
    out.write_bytes(packed([*collected(scratch.resolve(), [sys.executable, "-m", "uv"]), *listings()]))


main(Path(sys.argv[1]), Path(sys.argv[2]))
