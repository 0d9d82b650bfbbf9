"""The picture of the comment: its page, its palette, and a browser that does not do its part."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release import page_picture, picture
from release.png import SIGNATURE, PngError, with_palette
from support.browser import BrowserUnavailableError, chromium

COMMENT = "<!-- marker -->\n### Title `code`\n\n| a | b |\n| - | - |\n| **1** | x<br>y |\n"
BROWSER = """#!/bin/sh
for argument in "$@"; do
  case "$argument" in
    --dump-dom) {dump} ;;
    --screenshot=*) {shoot} ;;
  esac
done
"""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(rows: list[bytes], width: int, kind: int = 2) -> bytes:
    """A picture of rows, each with its filter before it."""
    head = struct.pack(">IIBBBBB", width, len(rows), 8, kind, 0, 0, 0)
    body = zlib.compress(b"".join(rows))
    parts = [(b"IHDR", head), (b"tEXt", b"x"), (b"IDAT", body[:5]), (b"IDAT", body[5:]), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(name, content) for name, content in parts)


def pixels(picture: bytes) -> list[bytes]:
    """The colours of a picture with a palette and without filters."""
    found: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack_from(">I4s", picture, at)
        content = picture[at + 8 : at + 8 + length]
        assert picture[at : at + length + 12] == chunk(name, content)
        found[name] = content
        at += length + 12
    width, height, depth, kind = struct.unpack_from(">IIBB", found[b"IHDR"])
    assert (depth, kind) == (8, 3)
    data, palette = zlib.decompress(found[b"IDAT"]), found[b"PLTE"]
    rows = [data[row * (width + 1) : (row + 1) * (width + 1)] for row in range(height)]
    assert all(row[0] == 0 for row in rows)
    return [palette[3 * index : 3 * index + 3] for row in rows for index in row[1:]]


def test_every_filter_of_png_is_undone() -> None:
    # Two pixels in each row: https://www.w3.org/TR/png-3/#9Filter-types
    rows = [
        bytes([0, 10, 20, 30, 40, 50, 60]),
        bytes([1, 1, 1, 1, 1, 1, 1]),
        bytes([2, 255, 0, 1, 0, 0, 0]),
        bytes([3, 10, 10, 10, 10, 10, 10]),
        bytes([4, 1, 2, 3, 4, 5, 6]),
    ]
    assert [list(pixel) for pixel in pixels(with_palette(png(rows, 2)))] == [
        [10, 20, 30],
        [40, 50, 60],
        [1, 1, 1],
        [2, 2, 2],
        [0, 1, 2],
        [2, 2, 2],
        [10, 10, 11],
        [16, 16, 16],
        [11, 12, 14],
        [20, 21, 22],
    ]


@given(st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=200))
def test_up_to_256_colours_stay_as_they_are(colours: list[bytes]) -> None:
    assert pixels(with_palette(png([b"\0" + b"".join(colours)], len(colours)))) == colours


def test_of_many_colours_each_becomes_one_close_to_it_and_rare_ones_are_kept() -> None:
    grey = [bytes([level, level, (level + shift) % 256]) for level in range(256) for shift in (0, 1, 2)]
    orange = bytes([255, 140, 0])
    colours = [*grey, orange]
    drawn = pixels(with_palette(png([b"\0" + b"".join(colours)], len(colours))))
    assert len(set(drawn)) <= 256
    assert drawn[-1] == orange
    for before, after in zip(colours, drawn, strict=True):
        assert max(abs(one - other) for one, other in zip(before, after, strict=True)) <= 4


@pytest.mark.parametrize("content", [b"", b"GIF89a", SIGNATURE, png([bytes(5)], 1, kind=6)])
def test_what_is_no_full_colour_png_is_refused(content: bytes) -> None:
    with pytest.raises(PngError, match="the picture is no PNG"):
        with_palette(content)


def test_the_page_shows_the_markdown_and_fetches_nothing() -> None:
    shown = picture.page(COMMENT, "b { color: red }")
    assert "<h3>Title <code>code</code></h3>" in shown
    assert "<td>x<br>y</td>" in shown
    assert "http" not in shown
    assert ("<footer>" in shown, "<footer>" in picture.page(COMMENT, "", fading=True)) == (False, True)


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a comment and without a browser on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "comment.md").write_text(COMMENT, encoding="utf-8")
    return tmp_path


def draw(bench: Path) -> int:
    return picture.main([str(bench / "comment.md"), str(bench / "out" / "comment.png")])


def install(bench: Path, *, dump: str = "echo '<html data-height=\"120\">'", shoot: str = ":") -> None:
    """Put a browser on the path that does as little as it is told."""
    program = bench / "chromium"
    program.write_text(BROWSER.format(dump=dump, shoot=shoot), encoding="utf-8")
    program.chmod(0o755)


def test_the_picture_is_what_the_browser_draws(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = png([bytes([0, 1, 2, 3])], 1)
    (bench / "drawn.png").write_bytes(drawn)
    install(bench, shoot=f'/bin/cp {bench}/drawn.png "${{argument#*=}}"; echo "$@" > {bench}/told')
    assert draw(bench) == 0
    assert (bench / "out" / "comment.png").read_bytes() == with_palette(drawn)
    assert "comment.png: 0 kB" in capsys.readouterr().out
    assert "--window-size=900,152 " in (bench / "told").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"dump": "exit 3"}, "the browser fails: "),
        ({"dump": "echo '<html>'"}, "the browser does not say how tall the comment is"),
        ({}, "the browser left no picture"),
        ({"shoot": '/bin/echo x > "${argument#*=}"'}, "the picture is no PNG"),
    ],
)
def test_a_browser_that_fails_ends_in_a_sentence(
    bench: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str], complaint: str
) -> None:
    install(bench, **options)
    assert draw(bench) == 1
    assert capsys.readouterr().err.startswith(f"draw-comment: {complaint}")


def test_a_page_is_drawn_the_same_way(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bench / "drawn.png").write_bytes(png([bytes([0, 1, 2, 3])], 1))
    install(bench, shoot=f'/bin/cp {bench}/drawn.png "${{argument#*=}}"; echo "$@" > {bench}/told')
    page, picture = bench / "index.html", bench / "out" / "page.png"
    assert page_picture.main([str(page), str(picture)]) == 1
    assert capsys.readouterr().err.startswith("draw-page: [Errno 2] No such file")
    page.write_text("<h1>", encoding="utf-8")
    assert page_picture.main([str(page), str(picture)]) == 0
    assert picture.read_bytes() == with_palette((bench / "drawn.png").read_bytes())
    assert page.as_uri() in (bench / "told").read_text(encoding="utf-8")


def test_both_runs_of_the_demo_are_drawn_unless_one_is_named(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench / "drawn.png").write_bytes(png([bytes([0, 1, 2, 3])], 1))
    install(bench, shoot=f'/bin/cp {bench}/drawn.png "${{argument#*=}}"')
    pairs = [(bench / "comment.md", bench / f"{name}.png") for name in ("clean", "careless")]
    monkeypatch.setattr(picture, "COMMENTS", pairs)
    assert picture.main([]) == 0
    assert all(drawn.is_file() for _, drawn in pairs)
    assert picture.main(["comment.md"]) == 2
    assert capsys.readouterr().err == "draw-comment: name a file and its picture, or nothing\n"


def test_without_a_browser_a_sentence_says_what_to_install(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(bench) == 1
    assert capsys.readouterr().err.startswith("draw-comment: install Chromium: ")


def test_a_real_browser_draws_a_comment_as_tall_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        chromium()
    except BrowserUnavailableError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(picture, "TALLEST", 200)
    sizes = []
    for name, text in (("short", "### x\n"), ("long", "### x\n\ny\n\n" * 100)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        picture.draw(tmp_path / name, tmp_path / f"{name}.png")
        sizes.append(struct.unpack_from(">II", (tmp_path / f"{name}.png").read_bytes(), 16))
    assert [width for width, _ in sizes] == [2 * picture.WIDTH] * 2
    assert sizes[0][1] < sizes[1][1] == 400
