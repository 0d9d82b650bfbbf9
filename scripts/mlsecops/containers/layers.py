"""The files of an image: those that a container sees, and those that a later layer hides."""

from __future__ import annotations

import io
import posixpath
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mlsecops.containers.archive import ImageError
from mlsecops.models.source import Source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_BLOCK = 512
_MOST_ENTRIES = 2_000_000
_BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError)

Kind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of one layer, without a leading `/`; `content` are a file's bytes, `target` a link's.

    `mode` are the twelve bits of rights.
    """

    path: str
    kind: Kind
    layer: int
    mode: int = 0o644
    user: int = 0
    group: int = 0
    content: Source | None = None
    target: str = ""

    @property
    def size(self) -> int:
        """Bytes of a file, 0 for all else."""
        return self.content.size if self.content else 0

    def read(self, most: int) -> bytes:
        """The first bytes of a file."""
        return self.content.at(0, most) if self.content else b""

    def may_write(self, user: int, groups: frozenset[int]) -> bool:
        """Whether somebody other than root can change it."""
        if self.kind == "link":
            return False
        if user == self.user:
            return bool(self.mode & stat.S_IWUSR)
        return bool(self.mode & (stat.S_IWGRP if self.group in groups else stat.S_IWOTH))


@dataclass(slots=True)
class Filesystem:
    """What a container sees, by path, and the files below that: deleted, or replaced by another."""

    entries: dict[str, Entry] = field(default_factory=dict)
    hidden: list[Entry] = field(default_factory=list)
    _below: dict[str, set[str]] = field(default_factory=dict)

    def put(self, entry: Entry) -> None:
        """Take an entry of the next layer."""
        before = self.entries.get(entry.path)
        if before is not None and not (before.kind == entry.kind == "folder"):
            self.remove(entry.path)
        self.entries[entry.path] = entry
        path = entry.path
        while path:
            above = posixpath.dirname(path)
            names = self._below.setdefault(above, set())
            if path in names:
                break
            names.add(path)
            path = above

    def remove(self, path: str) -> None:
        """Hide a path and all below it."""
        self._hide(path)
        self._below.get(posixpath.dirname(path), set()).discard(path)

    def empty(self, path: str) -> None:
        """Hide all below a folder."""
        for each in list(self._below.get(path, ())):
            self.remove(each)

    def _hide(self, path: str) -> None:
        left = [path]
        while left:
            each = left.pop()
            left += self._below.pop(each, ())
            entry = self.entries.pop(each, None)
            if entry is not None and entry.kind == "file":
                self.hidden.append(entry)

    def text(self, path: str, most: int = 1 << 20) -> str:
        """Text of a file, links followed; empty when there is none."""
        entry = self.resolve(path)
        return entry.read(most).decode("utf-8", "replace") if entry else ""

    def resolve(self, path: str) -> Entry | None:
        """The file or folder at a path, links followed within the image."""
        for _ in range(40):
            entry = self.entries.get(path)
            if entry is None or entry.kind != "link":
                return entry or self._through_folders(path)
            path = _joined(posixpath.dirname(path), entry.target)
        return None

    def _through_folders(self, path: str) -> Entry | None:
        """A path of which a folder above is a link."""
        for _ in range(40):
            parts = path.split("/")
            for length in range(1, len(parts)):
                above = self.entries.get("/".join(parts[:length]))
                if above is not None and above.kind == "link":
                    folder = _joined(posixpath.dirname(above.path), above.target)
                    path = _joined(folder, "/".join(parts[length:]))
                    break
            else:
                break
        found = self.entries.get(path)
        return found if found is None or found.kind != "link" else None


def merged(layers: Sequence[Source]) -> Filesystem:
    """The filesystem that layers make. Raises ImageError when one cannot be read to its end."""
    files = Filesystem()
    total = 0
    for number, source in enumerate(layers):
        try:
            entries = list(_entries(source, number))
        except _BROKEN as error:
            raise ImageError(f"layer {number + 1} cannot be read ({type(error).__name__})") from error
        total += len(entries)
        if total > _MOST_ENTRIES:
            raise ImageError(f"it has more than {_MOST_ENTRIES:,} files")
        _put_layer(files, entries)
    return files


def _put_layer(files: Filesystem, entries: Sequence[Entry]) -> None:
    # A layer's deletions are of what lies below it, wherever they stand among its own files.
    for entry in entries:
        folder, name = posixpath.split(entry.path)
        if name == _OPAQUE:
            files.empty(folder)
        elif name.startswith(_WHITEOUT):
            files.remove(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
    own: dict[str, Entry] = {}
    for entry in entries:
        if not posixpath.basename(entry.path).startswith(_WHITEOUT):
            own[entry.path] = entry
    for entry in own.values():
        files.put(entry)


def _entries(source: Source, layer: int) -> Iterator[Entry]:
    with tarfile.open(fileobj=_View(source), mode="r:") as archive:
        seen: dict[str, Entry] = {}
        for member in archive:
            path = _joined("", member.name)
            if not path:
                continue
            entry = _entry(member, path, source, layer, seen)
            seen[path] = entry
            yield entry
        end = archive.offset
    # tarfile takes a broken header for the end.
    if any(source.at(end, _BLOCK)):
        raise tarfile.ReadError


def _entry(
    member: tarfile.TarInfo, path: str, source: Source, layer: int, seen: Mapping[str, Entry]
) -> Entry:
    kind: Kind = "other"
    content = None
    if member.isreg():
        if member.offset_data + member.size > source.size:
            raise tarfile.ReadError
        kind = "file"
        content = source.part(member.offset_data, member.size, "")
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind = "link"
    elif member.islnk():
        original = seen.get(_joined("", member.linkname))
        kind, content = ("file", original.content) if original else ("other", None)
    return Entry(
        path=path,
        kind=kind,
        layer=layer,
        mode=member.mode & 0o7777,
        user=member.uid,
        group=member.gid,
        content=content,
        target=member.linkname if kind == "link" else "",
    )


def _joined(folder: str, path: str) -> str:
    """A path from the image's root; what would lead above the root ends there."""
    return posixpath.normpath(posixpath.join("/", folder, path)).strip("/")


class _View(io.RawIOBase):
    """A part of a file as tarfile wants it."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source, self._position = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        piece = self._source.at(self._position, len(target))
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
