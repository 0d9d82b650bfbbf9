"""Tar archives, PyTorch's first format among them."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models.inspection import Fact
from mlsecops.models.member_names import shown
from mlsecops.models.readers import members
from mlsecops.models.rules.archives import AMBIGUOUS, ESCAPES
from mlsecops.models.source import Source
from mlsecops.models.tar_headers import BLOCK, Headers, Member, is_header
from mlsecops.models.walk import UnreadableError, Walk
from mlsecops.models.zip.gaps import is_zero

_HARD_LINK, _SYMBOLIC_LINK, _FOLDER = b"1", b"2", b"5"
_DEVICES = {b"3": "a device", b"4": "a device", b"6": "a pipe"}
_TWICE, _BEHIND = 5.0, 7.5  # severities: an archive that was added to; members that only some readers see
_MOST_READ, _ALWAYS_READ = 4, 1 << 20  # times the size of the file, and bytes beyond that
_TORCH = frozenset(["sys_info", "pickle", "storages"])


@dataclass(frozen=True, slots=True)
class Tar:
    """Reads tars of every kind, by their headers, in constant memory."""

    format: str = "tar"

    def recognises(self, head: bytes, source: Source) -> bool:
        """A first header with its checksum, or at least with the magic number."""
        del source
        return is_header(head[:BLOCK]) or (head[257:262] == b"ustar" and head[263:265] in (b"00", b" \0"))

    def read(self, source: Source, walk: Walk) -> None:
        """Hand every file to the readers. Raises UnreadableError for a broken or cut off tar."""
        headers = Headers(source)
        names: set[str] = set()
        left = source.size * _MOST_READ + _ALWAYS_READ
        try:
            for member in headers:
                _check(member, names, headers, source, walk)
                names.add(member.name.removeprefix("./"))
                left -= member.size + (member.other_size or 0)
                _read(member, left, source, walk)
        except UnreadableError:
            _read_rest(headers, "behind a header that is broken", source, walk)
            raise
        if not names:
            raise UnreadableError("it is an archive without content")
        _read_rest(headers, "after its end", source, walk)
        if names >= _TORCH:
            walk.found.producer = walk.found.producer or "torch"
        walk.found.streams += 1


def _check(member: Member, names: set[str], headers: Headers, source: Source, walk: Walk) -> None:
    name = shown(member.name)
    members.check_name(member.name, source, walk)
    if member.kind == _SYMBOLIC_LINK:
        members.check_link(member.name, member.link, source, walk)
    elif member.kind == _HARD_LINK:
        members.check_name(member.link, source, walk)
    elif kind := _DEVICES.get(member.kind):
        message = f"Unpacking it makes {kind}, `{name}`."
        walk.found.add(Fact(rule=ESCAPES.id, subject=name, message=message, part=source.name))
    if headers.ended is not None and headers.ended < member.data:
        message = f"`{name}` stands behind the archive's end, where only some programs read on."
        _tell_ambiguous(name, message, _BEHIND, source, walk)
    if member.name.removeprefix("./") in names and member.kind != _FOLDER:
        message = f"It holds `{name}` more than once, and programs differ in which they read."
        _tell_ambiguous(name, message, _TWICE, source, walk)


def _tell_ambiguous(name: str, message: str, severity: float, source: Source, walk: Walk) -> None:
    walk.found.add(
        Fact(rule=AMBIGUOUS.id, subject=name, message=message, part=source.name, severity=severity)
    )


def _read(member: Member, left: int, source: Source, walk: Walk) -> None:
    if left < 0:
        raise UnreadableError("its members share their bytes too often")
    if not member.size and (member.kind not in b"0\x007" or member.name.endswith("/")):
        return
    part = source.part(member.data, member.size, shown(member.name))
    if member.sparse:
        walk.found.not_read(part.name, "it is stored with holes (sparse)")
        return
    members.read_member(part, walk)
    if member.other_size is not None:
        message = f"Its headers say two different sizes of `{shown(member.name)}`."
        _tell_ambiguous(shown(member.name), message, _BEHIND, source, walk)
        members.read_member(source.part(member.data, member.other_size, shown(member.name)), walk)
    if part.size < member.size:
        raise UnreadableError("it is cut off")


def _read_rest(headers: Headers, where: str, source: Source, walk: Walk) -> None:
    rest = source.part(headers.at, source.size, f"({where})")
    if not is_zero(rest, 0, rest.size):
        members.read_loose(rest, where, walk)
