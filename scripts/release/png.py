"""A screenshot with a palette instead of full colour: the same to the eye, a fraction of its bytes (pure)."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Of RGB with 8 bits: https://www.w3.org/TR/png-3/#11IHDR
_FULL_COLOUR, _PALETTE = (8, 2, 0, 0, 0), (8, 3, 0, 0, 0)
_PIXEL = 3
_MOST_COLOURS = 256


class PngError(Exception):
    """This is no PNG of the one kind that can be read here: 8 bits of red, green and blue."""


def with_palette(png: bytes) -> bytes:
    """The picture in at most 256 of its colours, every other one replaced by one close to it.

    Raises PngError for anything but an RGB picture with 8 bits that is not interlaced.
    """
    chunks = list(_chunks(png))
    width, height, *kind = struct.unpack(">IIBBBBB", dict(chunks).get(b"IHDR", bytes(13)))
    if tuple(kind) != _FULL_COLOUR:
        raise PngError("the picture is no PNG with 8 bits of red, green and blue")
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    rows = [[row[at : at + _PIXEL] for at in range(0, len(row), _PIXEL)] for row in _rows(data, width)]
    counts = Counter(pixel for row in rows for pixel in row)
    palette = _palette([colour for colour, _ in counts.most_common()])
    index = {colour: _nearest(colour, palette) for colour in counts}
    packed = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in rows)
    return SIGNATURE + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, *_PALETTE)),
            (b"PLTE", b"".join(palette)),
            (b"IDAT", zlib.compress(packed, 9)),
            (b"IEND", b""),
        )
    )


def _palette(colours: list[bytes]) -> list[bytes]:
    """The most frequent colours, without those close to a more frequent one: as close as it takes to fit."""
    tolerance = 0
    while True:
        palette: list[bytes] = []
        for colour in colours:
            if all(_distance(colour, other) > tolerance for other in palette):
                palette.append(colour)
            if len(palette) > _MOST_COLOURS:
                break
        else:
            return palette
        tolerance = 2 * tolerance + 1


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    return min(range(len(palette)), key=lambda at: _distance(colour, palette[at]))


def _distance(one: bytes, other: bytes) -> int:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(SIGNATURE):
        raise PngError("the picture is no PNG")
    at = len(SIGNATURE)
    while at < len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        yield name, png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _rows(data: bytes, width: int) -> Iterator[bytes]:
    """The rows, their filters undone: https://www.w3.org/TR/png-3/#9Filters"""
    size = width * _PIXEL
    above = bytes(size)
    for start in range(0, len(data), size + 1):
        row = bytearray(data[start + 1 : start + 1 + size])
        kind = data[start]
        for at in range(size) if kind else ():
            left, corner = (row[at - _PIXEL], above[at - _PIXEL]) if at >= _PIXEL else (0, 0)
            row[at] = (row[at] + _predicted(kind, left, above[at], corner)) & 0xFF
        above = bytes(row)
        yield above


def _predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda value: abs(guess - value))
    return (0, left, above, (left + above) // 2)[kind]
