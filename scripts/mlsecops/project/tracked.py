"""Which folders Git keeps files in, from its index (https://git-scm.com/docs/index-format).

What is installed is not the project's own, unless it is committed: then whoever wrote the commit chose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlsecops.project.reading import read

_MOST_BYTES = 256 << 20
_MOST_ENTRIES = 4_000_000
_FIXED = 62  # bytes of an entry before its path
_FLAGS, _EXTENDED, _LENGTH = 60, 0x4000, 0x0FFF


def tracked_folders(root: Path) -> frozenset[str]:
    """The folders below `root` that hold tracked files, relative to it; nothing without a readable index."""
    for top in (root, *root.parents):
        if (top / ".git").is_dir():
            return frozenset(_folders(top / ".git" / "index", root.relative_to(top).as_posix()))
    return frozenset()


def _folders(index: Path, below: str) -> Iterator[str]:
    try:
        data = read(str(index), _MOST_BYTES)
    except OSError:
        return
    prefix = "" if below == "." else f"{below}/"
    last = ""
    for path in paths(data):
        folder = path.decode("utf-8", "surrogateescape").rpartition("/")[0]
        if folder == last or not f"{folder}/".startswith(prefix):
            continue
        last = folder
        parts = folder[len(prefix) :].split("/")
        yield from ("/".join(parts[: number + 1]) for number in range(len(parts)))


def paths(data: bytes) -> Iterator[bytes]:
    """The paths in an index of version 2, 3 or 4, in order; what is broken ends them."""
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        return
    at, path = 12, b""
    for _ in range(min(int.from_bytes(data[8:12], "big"), _MOST_ENTRIES)):
        flags = int.from_bytes(data[at + _FLAGS : at + _FIXED], "big")
        start = at + _FIXED + (2 if flags & _EXTENDED else 0)
        kept = 0
        if version == 4:
            dropped, start = _number(data, start)
            kept = max(0, len(path) - dropped)
        end = data.find(b"\0", start)
        if end < 0:
            return
        path = path[:kept] + data[start:end]
        yield path
        at = end + 1 if version == 4 else at + (end - at + 8) // 8 * 8


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number as Git's packs write offsets, and where it ends."""
    value = data[at] & 0x7F if at < len(data) else 0
    while at < len(data) and data[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (data[at] & 0x7F if at < len(data) else 0)
    return value, at + 1
