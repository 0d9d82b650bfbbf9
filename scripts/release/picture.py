"""The picture of the comment in the README: its Markdown as GitHub shows it, drawn by Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from release.png import PngError, with_palette

ROOT = Path(__file__).resolve().parents[2]
COMMENT = ROOT / "mlsecops-report" / "careless" / "comment.md"
PICTURE = ROOT / "docs" / "comment.png"
STYLE = Path(__file__).with_name("comment.css")
# The first screen of a long comment is enough for a README.
WIDTH, TALLEST = 900, 760
MARGIN = 16
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Nothing is fetched and nothing is kept: the page holds all that it shows.
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_SECONDS = 60
_HEIGHT = re.compile(r'data-height="(\d+)"')
_MEASURE = """
const tall = document.querySelector("article").offsetHeight;
document.documentElement.dataset.height = tall;
document.querySelector("footer").hidden = tall < innerHeight;
"""


class PictureError(Exception):
    """The picture cannot be drawn; the text says what is missing."""


def page(markdown: str, style: str) -> str:
    """A page that shows one comment; it measures itself into the attribute `data-height`."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return (
        f'<!doctype html><meta charset="utf-8"><title>comment</title><style>{style}</style>'
        "<article><header><b>github-actions</b> <i>bot</i> commented just now</header>"
        f"<main>{body}</main></article><footer></footer><script>{_MEASURE}</script>"
    )


def browser() -> str:
    """The path of a browser. Raises PictureError."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        raise PictureError("install Chromium: none of " + ", ".join(BROWSERS) + " is on the path")
    return found


def draw(comment: Path, picture: Path) -> None:
    """Draw a comment, at twice its size. Raises PictureError, PngError, OSError."""
    program = browser()
    with tempfile.TemporaryDirectory() as scratch:
        source, drawn = Path(scratch, "comment.html"), Path(scratch, "comment.png")
        source.write_text(
            page(comment.read_text(encoding="utf-8"), STYLE.read_text(encoding="utf-8")), encoding="utf-8"
        )
        common = [program, *QUIET, f"--user-data-dir={scratch}/profile", source.as_uri()]
        measured = _HEIGHT.search(run([*common, f"--window-size={WIDTH},800", "--dump-dom"]))
        if measured is None:
            raise PictureError("the browser does not say how tall the comment is")
        size = f"--window-size={WIDTH},{min(int(measured[1]) + 2 * MARGIN, TALLEST)}"
        shoot([*common, size, "--force-device-scale-factor=2"], drawn, picture)


def main(arguments: Sequence[str]) -> int:
    """Draw the comment of the careless change, or the one that the arguments name."""
    return drawn("draw-comment", draw, (COMMENT, PICTURE), arguments)


def drawn(
    name: str, draw: Callable[[Path, Path], None], usual: tuple[Path, Path], arguments: Sequence[str]
) -> int:
    """Draw from one file into another, the usual ones or those of the arguments, and say what came of it."""
    source, picture = (*map(Path, arguments[:2]), *usual[len(arguments) :])
    try:
        draw(source, picture)
    except (PictureError, PngError, OSError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    sys.stdout.write(f"{picture}: {picture.stat().st_size >> 10} kB\n")
    return 0


def shoot(command: Sequence[str], drawn: Path, picture: Path) -> None:
    """Have a browser draw, and keep what it drew with few colours. Raises PictureError, PngError, OSError."""
    run([*command, f"--screenshot={drawn}"])
    if not drawn.is_file():
        raise PictureError("the browser left no picture")
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(with_palette(drawn.read_bytes()))


def run(command: Sequence[str]) -> str:
    """What a browser prints. Raises PictureError."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PictureError(f"the browser fails: {error}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
