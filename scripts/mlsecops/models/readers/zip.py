"""Zip archives: every member that any loader could read, and all that loaders differ about."""

from __future__ import annotations

import stat
from dataclasses import dataclass

from mlsecops.models.inspection import Fact
from mlsecops.models.member_names import shown
from mlsecops.models.readers import members
from mlsecops.models.rules.archives import AMBIGUOUS, CHECKSUM
from mlsecops.models.source import Source
from mlsecops.models.torch_layout import layout_of
from mlsecops.models.walk import GrowthError, UnreadableError, Walk
from mlsecops.models.zip.content import STORED, Content, content
from mlsecops.models.zip.entries import Entry, Oddity, Structure
from mlsecops.models.zip.records import ENCRYPTED, MASKED, PATCHED, STRONG
from mlsecops.models.zip.structure import is_zip, read_structure

_LOCKS = ENCRYPTED | STRONG | PATCHED | MASKED
_ENCRYPTED = "it is encrypted"
# Formats that a zip with other bytes before it may be in; those of any other begin where the file does.
_BY_THEIR_END = frozenset(["zip", "PyTorch"])
_MILD = 5.0  # severity of an oddity that no loader stumbles over
# Members of a sound archive are together no longer than it; several ways to read some double that.
_MOST_READ, _ALWAYS_READ = 4, 1 << 20


@dataclass(frozen=True, slots=True)
class Zip:
    """Reads any zip: models saved by PyTorch, NumPy, Keras and skops are zips, too."""

    format: str = "zip"

    def recognises(self, head: bytes, source: Source) -> bool:
        """A local header at the beginning, or a directory at the end."""
        return is_zip(head, source)

    def read(self, source: Source, walk: Walk) -> None:
        """Hand every member to the readers. Raises UnreadableError for an archive without any."""
        structure = read_structure(source, within=bool(walk.formats - _BY_THEIR_END))
        for oddity in structure.oddities:
            _tell(oddity, source, walk)
        for reason in structure.troubles:
            walk.found.not_read(source.name, reason)
        _read_members(structure, source, walk)
        for start, end in structure.loose:
            where = "before it" if start == 0 else "after it" if end == source.size else "between its members"
            members.read_loose(source.part(start, end - start, f"({where})"), where, walk)
        if not structure.entries and not structure.troubles:
            raise UnreadableError("it is an archive without content")
        walk.found.streams += 1


def _tell(oddity: Oddity, source: Source, walk: Walk) -> None:
    sentence = shown(oddity.sentence, 400)
    walk.found.add(
        Fact(
            rule=AMBIGUOUS.id,
            subject=shown(oddity.subject),
            message=f"Loaders may read another content than scanners see: {sentence}.",
            part=source.name,
            severity=None if oddity.grave else _MILD,
        )
    )


def _read_members(structure: Structure, source: Source, walk: Walk) -> None:
    layout = layout_of(structure.names)
    left = source.size * _MOST_READ + _ALWAYS_READ
    seen: set[tuple[int, int, int]] = set()
    for entry in structure.entries:
        members.check_name(entry.name, source, walk)
        way = (entry.data, entry.packed, entry.method)
        if way in seen or (entry.name.endswith("/") and not entry.packed):
            continue
        seen.add(way)
        left -= min(entry.packed, source.size)
        if left < 0:
            raise UnreadableError("its members share their bytes too often")
        judged = layout is not None and layout.judges(entry.name)
        try:
            _Member(entry, source, walk, judged).read()
        except GrowthError as error:
            members.tell_bomb(source.part(0, 0, shown(entry.name)).name, str(error), walk)


@dataclass(frozen=True, slots=True)
class _Member:
    """One way to read one member."""

    entry: Entry
    source: Source
    walk: Walk
    judged: bool

    @property
    def name(self) -> str:
        return self.source.part(0, 0, shown(self.entry.name)).name

    def read(self) -> None:
        """Unpack it where it is compressed, hand it on, then say how it ended. Raises GrowthError."""
        entry, source, walk = self.entry, self.source, self.walk
        try:
            member = content(entry, source, walk.mend)
        except UnreadableError as error:
            walk.found.not_read(self.name, str(error))
            return
        if entry.method == STORED:
            for _ in member:
                pass
            self._hand_on(source.part(entry.data, entry.packed, shown(entry.name)))
        else:
            with walk.unpacked(member, self.name, entry.packed) as part:
                self._hand_on(part)
        self._tell_end(member)

    def _hand_on(self, part: Source) -> None:
        if stat.S_ISLNK(self.entry.mode):
            members.check_link(self.entry.name, members.link_target(part), self.source, self.walk)
        locked = bool(self.entry.flags & _LOCKS)
        members.read_member(part, self.walk, judged=self.judged or locked)

    def _tell_end(self, member: Content) -> None:
        entry, walk = self.entry, self.walk
        whole = not member.trouble and (not entry.listed or member.crc == entry.crc)
        if entry.flags & _LOCKS:
            if whole and entry.listed:
                sentence = f"{entry.name} is marked as encrypted and is not"
                _tell(Oddity(entry.name, sentence), self.source, walk)
            else:
                walk.found.not_read(self.name, _ENCRYPTED)
        elif member.trouble and entry.sized:
            walk.found.not_read(self.name, member.trouble)
        elif not whole:
            message = f"`{shown(entry.name)}` is not what its checksum says; PyTorch loads it nevertheless."
            walk.found.add(Fact(rule=CHECKSUM.id, subject=shown(entry.name), message=message, part=self.name))
        if entry.sized and entry.method != STORED and not member.trouble:
            self._tell_length(member)

    def _tell_length(self, member: Content) -> None:
        entry = self.entry
        if member.size != entry.size:
            sentence = f"{entry.name} is said to have {entry.size:,} bytes and has {member.size:,}"
            _tell(Oddity(entry.name, sentence), self.source, self.walk)
        behind = entry.data + member.stream.used
        rest = self.source.part(
            behind, entry.data + entry.packed - behind, f"{shown(entry.name)} (behind its end)"
        )
        if entry.method == 8 and rest.size:
            members.read_loose(rest, f"after the content of {shown(entry.name)}", self.walk)
