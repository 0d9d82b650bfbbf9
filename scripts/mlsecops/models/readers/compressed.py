"""Compressed files: what comes out of them goes to the readers, whatever the file is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsecops.models.readers import members
from mlsecops.models.source import Source
from mlsecops.models.unpack.codecs import CODECS, Codec, Streams, behind_skippable
from mlsecops.models.walk import HEAD, GrowthError, UnreadableError, Walk
from mlsecops.models.zip.gaps import is_zero

_INSIDE = "uncompressed"
_OTHERS: Mapping[bytes, str] = {
    b"\x1f\x9d": "compress (.Z)",
    b"\x1f\xa0": "compress (.Z)",
    b"LZIP\x01": "lzip",
    b"\x89LZO\x00\r\n\x1a\n": "lzop",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
}


@dataclass(frozen=True, slots=True)
class Compressed:
    """Reads files in one compression."""

    codec: Codec

    @property
    def format(self) -> str:
        """Name of the compression."""
        return self.codec.name

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the bytes that a stream begins with."""
        if self.codec.begins(head):
            return True
        behind = behind_skippable(source, 0) if self.codec.skippable else 0
        return behind > 0 and self.codec.begins(source.at(behind, HEAD))

    def read(self, source: Source, walk: Walk) -> None:
        """Hand on what comes out, then what is behind it. Raises UnreadableError where it is not whole."""
        streams = Streams(source, self.codec, walk.mend)
        try:
            _hand_on(streams, source, walk)
        except GrowthError as error:
            members.tell_bomb(source.name, str(error), walk)
            return
        if streams.trouble:
            raise UnreadableError(streams.trouble)
        rest = source.part(streams.used, source.size, "(after the end)")
        if not is_zero(rest, 0, rest.size):
            members.read_loose(rest, f"after the end of its {self.format}", walk)
        walk.found.streams += 1


@dataclass(frozen=True, slots=True)
class Uncommon:
    """Knows compressions that nothing here unpacks, so that they are named."""

    format: str = "compressed"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the bytes that they begin with."""
        del source
        return head.startswith(tuple(_OTHERS))

    def read(self, source: Source, walk: Walk) -> None:
        """Raises UnreadableError that names the compression."""
        del walk
        head = source.at(0, HEAD)
        name = next(name for magic, name in _OTHERS.items() if head.startswith(magic))
        raise UnreadableError(f"it is compressed with {name}, which nothing here can unpack")


def _hand_on(streams: Streams, source: Source, walk: Walk) -> None:
    name = source.part(0, 0, _INSIDE).name
    with walk.unpacked(streams, name, source.size) as inside:
        if inside.size and not walk.read(inside) and not members.is_plain_text(inside.at(0, HEAD)):
            walk.found.not_read(name, "nothing here knows what is compressed in it")


COMPRESSED: tuple[Compressed | Uncommon, ...] = (*map(Compressed, CODECS), Uncommon())
