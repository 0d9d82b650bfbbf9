"""A reader that knows marked bytes and remembers in which part it saw them."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

MARK = b"!mark!"


@dataclass(frozen=True)
class Witness:
    """Knows parts that begin with `MARK`; `seen` are their names, `contents` their first bytes."""

    format: str = "marked"
    seen: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the mark."""
        return head.startswith(MARK)

    def read(self, source: Source, walk: Walk) -> None:
        """Remember the part."""
        self.seen.append(source.name)
        self.contents.append(source.at(0, 1 << 20))
