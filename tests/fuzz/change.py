"""One change to a file: of its bytes, or inside a structure whose lengths and checksums are then mended."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from corpus.chance import Chance

from fuzz.bytewise import mutated

_DEEPEST = 3
_NOT_OF_IT = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What decides: chance, another file to take bytes from, and the structures that are looked for.

    A structure gives back bytes with a change inside, or raises one of many errors where they are not of it.
    """

    chance: Chance
    other: bytes
    structures: Sequence[Structure]
    depth: int = 0

    def of(self, data: bytes) -> bytes:
        """The data with one change."""
        if self.depth < _DEEPEST and self.chance.below(3):
            inside = replace(self, depth=self.depth + 1)
            for structure in self.chance.some(self.structures, len(self.structures)):
                with suppress(*_NOT_OF_IT):
                    return structure(data, inside)
        return mutated(data, self.other, self.chance)

    def item(self, items: Sequence[bytes], theirs: Sequence[bytes] = ()) -> list[bytes]:
        """Pieces with one changed, dropped, doubled, moved or taken from others. Raises IndexError."""
        out, at = list(items), self.chance.below(len(items) + 1)
        how = self.chance.choice(("change", "change", "change", "drop", "double", "move", "take"))
        if how == "double":
            out[at:at] = [out[at]] * self.chance.choice((1, 1, 2, 300))
        elif how == "take" and theirs:
            out[at:at] = [self.chance.choice(theirs)]
        else:
            piece = out.pop(at)
            if how == "move":
                out.insert(self.chance.below(len(out) + 1), piece)
            elif how != "drop":
                out.insert(at, self.of(piece))
        return out


Structure = Callable[[bytes, Change], bytes]
