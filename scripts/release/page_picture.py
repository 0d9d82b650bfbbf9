"""The pictures of the page in the README: its first screen, drawn by Chromium."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release.picture import DEMO, DOCS, QUIET, browser, drawn, shoot

PAGES = (
    (DEMO / "clean" / "index.html", DOCS / "page-clean.png"),
    (DEMO / "careless" / "index.html", DOCS / "page.png"),
)
SIZE = (1280, 1400)
# Sharp enough, and small enough for a README.
_SCALE = 1.5


def draw(page: Path, picture: Path) -> None:
    """Draw the first screen of a page in its light colours. Raises PictureError, PngError, OSError."""
    program = browser()
    source = page.resolve(strict=True).as_uri()
    with tempfile.TemporaryDirectory() as scratch:
        window = ",".join(map(str, SIZE))
        size = [f"--window-size={window}", f"--force-device-scale-factor={_SCALE}"]
        command = [program, *QUIET, f"--user-data-dir={scratch}/profile", *size, source]
        shoot(command, Path(scratch, "page.png"), picture)


def main(arguments: Sequence[str]) -> int:
    """Draw the pages of both runs of the demo, or the one that the arguments name."""
    return drawn("draw-page", draw, PAGES, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
