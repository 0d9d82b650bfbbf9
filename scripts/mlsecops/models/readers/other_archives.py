"""RAR archives and their like: known, so that they are named, and never opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_ARCHIVES: Mapping[bytes, str] = {
    b"Rar!\x1a\x07": "RAR",
    b"!<arch>\n": "ar",
    b"MSCF\0\0\0\0": "cabinet",
    b"xar!\0": "xar",
    b"hsqs": "squashfs",
    b"070701": "cpio",
    b"070707": "cpio",
}


@dataclass(frozen=True, slots=True)
class OtherArchives:
    """Knows archives that nothing here opens; no loader of models takes them."""

    format: str = "archive"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the bytes that they begin with."""
        del source
        return head.startswith(tuple(_ARCHIVES))

    def read(self, source: Source, walk: Walk) -> None:
        """Raises UnreadableError that names the kind of archive."""
        del walk
        head = source.at(0, 16)
        name = next(name for magic, name in _ARCHIVES.items() if head.startswith(magic))
        raise UnreadableError(f"{name} archives cannot be opened here")
