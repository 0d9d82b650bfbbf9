"""The pictures of the comment in the README: its Markdown as GitHub shows it, drawn by Chromium."""

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
DEMO = ROOT / "mlsecops-report"
DOCS = ROOT / "docs"
# What scripts/demo leaves, and the pictures of it.
COMMENTS = (
    (DEMO / "clean" / "comment.md", DOCS / "comment-clean.png"),
    (DEMO / "careless" / "comment.md", DOCS / "comment.png"),
)
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
_MEASURE = 'document.documentElement.dataset.height = document.querySelector("article").offsetHeight;'


class PictureError(Exception):
    """The picture cannot be drawn; the text says what is missing."""


def page(markdown: str, style: str, *, fading: bool = False) -> str:
    """A page that shows one comment, `fading` at its end; it measures itself into `data-height`."""
    body = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable("table").render(markdown)
    return (
        f'<!doctype html><meta charset="utf-8"><title>comment</title><style>{style}</style>'
        "<article><header><b>github-actions</b> <i>bot</i> commented just now</header>"
        f"<main>{body}</main></article>{'<footer></footer>' if fading else ''}<script>{_MEASURE}</script>"
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
        texts = (comment.read_text(encoding="utf-8"), STYLE.read_text(encoding="utf-8"))
        source.write_text(page(*texts), encoding="utf-8")
        common = [program, *QUIET, f"--user-data-dir={scratch}/profile", source.as_uri()]
        measured = _HEIGHT.search(run([*common, f"--window-size={WIDTH},800", "--dump-dom"]))
        if measured is None:
            raise PictureError("the browser does not say how tall the comment is")
        tall = int(measured[1]) + 2 * MARGIN
        source.write_text(page(*texts, fading=tall > TALLEST), encoding="utf-8")
        size = f"--window-size={WIDTH},{min(tall, TALLEST)}"
        shoot([*common, size, "--force-device-scale-factor=2"], drawn, picture)


def main(arguments: Sequence[str]) -> int:
    """Draw the comments of both runs of the demo, or the one that the arguments name."""
    return drawn("draw-comment", draw, COMMENTS, arguments)


def drawn(
    name: str,
    draw: Callable[[Path, Path], None],
    usual: Sequence[tuple[Path, Path]],
    arguments: Sequence[str],
) -> int:
    """Draw from files into others, the usual ones or the two that are named, and say what came of it."""
    if len(arguments) not in (0, 2):
        sys.stderr.write(f"{name}: name a file and its picture, or nothing\n")
        return 2
    for source, picture in [(Path(arguments[0]), Path(arguments[1]))] if arguments else usual:
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
