"""7z archives: every file, out of folders that are unpacked once from their beginning to their end."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.models.inspection import Fact
from mlsecops.models.member_names import shown
from mlsecops.models.readers import members
from mlsecops.models.rules.archives import AMBIGUOUS, CHECKSUM
from mlsecops.models.seven_zip.archive import MAGIC, Archive, read_archive
from mlsecops.models.seven_zip.content import is_stored, unpacking
from mlsecops.models.seven_zip.records import Content, File, Folder
from mlsecops.models.source import Source
from mlsecops.models.unpack.stream import CUT_OFF, Unpacking
from mlsecops.models.walk import GrowthError, UnreadableError, Walk
from mlsecops.models.zip.gaps import is_zero

_MILD = 5.0  # severity of what no program stumbles over
_SYMBOLIC_LINK, _MOUNT_POINT = b"\x0c\0\0\xa0", b"\x03\0\0\xa0"  # reparse points of Windows
_MOST_LOCKED = 1_000
_NAMELESS = "(without a name)"
_BEHIND = "after its last file"


@dataclass(frozen=True, slots=True)
class SevenZip:
    """Reads 7z, in which nullifAI hid models; https://github.com/ip7z/7zip/blob/main/DOC/7zFormat.txt."""

    format: str = "7z"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the bytes that it begins with."""
        del source
        return head.startswith(MAGIC)

    def read(self, source: Source, walk: Walk) -> None:
        """Hand every file to the readers. Raises UnreadableError for a header that cannot be read."""
        archive = read_archive(source, walk.mend)
        for reason in archive.troubles:
            walk.found.not_read(source.name, reason)
        _check_names(archive, source, walk)
        locked = 0
        for folder, files in archive.members():
            locked += not _Folder(folder, source, walk).read(files)
            if locked > _MOST_LOCKED:
                raise UnreadableError(f"more than {_MOST_LOCKED:,} parts of it cannot be unpacked")
        for start, end in archive.loose:
            where = "after it" if end == source.size else "between its members"
            members.read_loose(source.part(start, end - start, f"({where})"), where, walk)
        if not archive.files and not archive.folders:
            raise UnreadableError("it is an archive without content")
        walk.found.streams += 1


def _check_names(archive: Archive, source: Source, walk: Walk) -> None:
    if archive.shared:
        _tell_ambiguous("header", "Its members reach into its header or behind its end.", source, walk)
    times = Counter(file.name for file in archive.files)
    folded = Counter(name.casefold() for name in times)
    for file in archive.files:
        name = shown(file.name)
        members.check_name(file.name, source, walk)
        if times[file.name] > 1 and (file.holds or file.empty):
            message = f"It holds `{name}` more than once, and programs differ in which they read."
            _tell_ambiguous(name, message, source, walk)
        elif folded[file.name.casefold()] > 1:
            message = (
                f"It holds `{name}` and the same name in other letters, which some programs take for one."
            )
            _tell_ambiguous(name, message, source, walk, _MILD)
        if file.deletes:
            _tell_ambiguous(name, f"Unpacking it deletes `{name}`.", source, walk, _MILD)
        elif file.empty:
            members.read_member(source.part(0, 0, name), walk)


def _tell_ambiguous(
    subject: str, message: str, source: Source, walk: Walk, severity: float | None = None
) -> None:
    fact = Fact(rule=AMBIGUOUS.id, subject=subject, message=message, part=source.name, severity=severity)
    walk.found.add(fact)


@dataclass(slots=True)
class _Pieces:
    """Bytes as they come out, dealt out file by file; `size` and `crc` are of what the last file got."""

    pieces: Iterator[bytes]
    size: int = 0
    crc: int = 0
    _left: bytes = field(default=b"", init=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes out."""
        while not self._left:
            piece = next(self.pieces, None)
            if piece is None:
                return True
            self._left = piece
        return False

    def take(self, length: int | None) -> Iterator[bytes]:
        """The next bytes, all that there are where no length is given."""
        self.size = self.crc = 0
        while (length is None or self.size < length) and not self.ended:
            most = len(self._left) if length is None else length - self.size
            piece, self._left = self._left[:most], self._left[most:]
            self.size += len(piece)
            self.crc = zlib.crc32(piece, self.crc)
            yield piece


@dataclass(frozen=True, slots=True)
class _Folder:
    """Files that are packed as one."""

    folder: Folder
    source: Source
    walk: Walk

    def read(self, files: list[tuple[File | None, Content]]) -> bool:
        """Unpack them one after the other and hand them on; return whether all of that went well."""
        names = [shown(file.name) if file else _NAMELESS for file, _ in files]
        name = self._name(names[0] if names else _BEHIND)
        try:
            unpacked = unpacking(self.folder, self.source, self.walk.mend)
        except UnreadableError as error:
            self.walk.found.not_read(name, str(error))
            return False
        try:
            return self._read(files, names, unpacked)
        except GrowthError as error:
            members.tell_bomb(name, str(error), self.walk)
            return False

    def _read(self, files: list[tuple[File | None, Content]], names: list[str], unpacked: Unpacking) -> bool:
        pieces = _Pieces(iter(unpacked))
        at, stored = self.folder.packs[0][0], is_stored(self.folder)
        for (file, content), name in zip(files, names, strict=True):
            taken = pieces.take(content.size)
            if stored or not content.size:
                for _ in taken:
                    pass
                self._hand_on(file, self.source.part(at, content.size, name))
                at += content.size
            else:
                with self.walk.unpacked(taken, self._name(name), self.folder.packed) as part:
                    self._hand_on(file, part)
            if pieces.size < content.size:
                self.walk.found.not_read(self._name(name), unpacked.trouble or CUT_OFF)
                return False
            self._check_crc(name, content, pieces.crc)
        return self._read_rest(pieces, unpacked)

    def _name(self, name: str) -> str:
        return self.source.part(0, 0, name).name

    def _hand_on(self, file: File | None, part: Source) -> None:
        if file is None:
            _tell_ambiguous("names", "It holds a file that its header does not name.", self.source, self.walk)
        elif file.is_link:
            members.check_link(file.name, _target(part), self.source, self.walk)
        members.read_member(part, self.walk)

    def _check_crc(self, name: str, content: Content, crc: int) -> None:
        if content.crc not in (None, crc):
            message = f"`{name}` is not what its checksum says."
            fact = Fact(rule=CHECKSUM.id, subject=name, message=message, part=self._name(name))
            self.walk.found.add(fact)

    def _read_rest(self, pieces: _Pieces, unpacked: Unpacking) -> bool:
        """What comes out, or was packed, beyond what the header says."""
        if not pieces.ended:
            name = self._name(f"({_BEHIND})")
            with self.walk.unpacked(pieces.take(None), name, self.folder.packed) as part:
                members.read_loose(part, _BEHIND, self.walk)
        if unpacked.trouble:
            self.walk.found.not_read(self._name(f"({_BEHIND})"), unpacked.trouble)
            return False
        at, length = self.folder.packs[0]
        rest = self.source.part(at + unpacked.used, length - unpacked.used, f"({_BEHIND})")
        if not is_zero(rest, 0, rest.size):
            members.read_loose(rest, _BEHIND, self.walk)
        return True


def _target(part: Source) -> str:
    """Where a link leads; those of Windows keep the place in a record of their own."""
    head = part.at(0, 4)
    if head not in (_SYMBOLIC_LINK, _MOUNT_POINT):
        return members.link_target(part)
    names = part.at(20 if head == _SYMBOLIC_LINK else 16, 4096)
    return names.decode("utf-16-le", "replace")
