"""GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): header, settings and templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlsecops.models.cursor import CUT_OFF, Cursor
from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.readers.gguf_tensors import read_tensors
from mlsecops.models.readers.template_files import Templates
from mlsecops.models.rules.configs import LEAVES_FOLDER
from mlsecops.models.rules.gguf import HEADER
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

MAGIC = b"GGUF"
_WIDTHS: Mapping[int, int] = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_SMALLEST_ENTRY, _SMALLEST_TENSOR = 13, 24  # bytes
_LONGEST_NAME = 65_535
_LONGEST_TEXT = 1 << 20  # of what is looked at
_FAR_TOO_LARGE = 1 << 32  # beyond what a download that broke off explains
_DEEPEST = 3
_MOST_TEXTS = 4_000_000  # the largest vocabularies and merges there are have a tenth
_NAMES_FILE = re.compile(r"(?:^|[._])(?:path|file|filename|sidecar)$")
_LEAVES = re.compile(r"^(?:/|\\|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*://)|(?:^|[\\/])\.\.(?:[\\/]|$)")


@dataclass(frozen=True, slots=True)
class GgufReader:
    """Looks at every setting, renders no template, reads no weights."""

    format: str = "GGUF"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its first four bytes."""
        del source
        return head.startswith(MAGIC)

    def read(self, source: Source, walk: Walk) -> None:
        """Read header, settings and the list of tensors, in whichever byte order."""
        cursor = Cursor(source, position=len(MAGIC))
        version = cursor.number(4)
        if version & 0xFFFF == 0:
            cursor.order, version = "big", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in (1, 2, 3):
            raise UnreadableError(f"its GGUF version {version} is not known")
        _File(cursor, walk, 4 if version == 1 else 8, Templates(source, walk)).read()


@dataclass(slots=True)
class _File:
    cursor: Cursor
    walk: Walk
    width: int
    templates: Templates
    keys: set[str] = field(default_factory=set)
    alignment: int = 32
    texts: int = 0

    def read(self) -> None:
        tensors, entries = self.cursor.number(self.width), self.cursor.number(self.width)
        self._fits(tensors, _SMALLEST_TENSOR, "tensors")
        self._fits(entries, _SMALLEST_ENTRY, "settings")
        for _ in range(entries):
            self._entry()
        read_tensors(self.cursor, self.walk, tensors, width=self.width, alignment=self.alignment)

    def _entry(self) -> None:
        length = self._length("name")
        if length > _LONGEST_NAME:
            raise self._broken("name", f"It says that a name in its header has {length:,} bytes.")
        key = self.cursor.take(length).decode("utf-8", "replace")
        if key in self.keys:
            self._fact(
                f"{key} twice", f"The setting `{key}` stands there twice: readers differ in which counts."
            )
        self.keys.add(key)
        self._value(key, self.cursor.number(4), 0)

    def _value(self, key: str, kind: int, depth: int) -> None:
        if key == "general.alignment":
            if kind != _UINT32 or not self._aligned(self.cursor.number(4)):
                raise self._broken("alignment", "Its alignment is no power of two, and readers divide by it.")
        elif kind == _STRING:
            self._text(key)
        elif kind == _ARRAY:
            self._array(key, depth)
        elif kind in _WIDTHS:
            self.cursor.skip(_WIDTHS[kind])
        else:
            raise UnreadableError(f"its setting {key!r} has a type that is not known ({kind})")

    def _aligned(self, alignment: int) -> bool:
        self.alignment = alignment
        return 8 <= alignment <= 1 << 20 and alignment & (alignment - 1) == 0

    def _text(self, key: str) -> None:
        length = self._length(f"text of `{key}`")
        start = self.cursor.position
        self.cursor.skip(length)
        text = self.cursor.source.at(start, min(length, _LONGEST_TEXT)).decode("utf-8", "replace")
        if "template" in key:
            self.templates.read(text, key)
        else:
            add_text(text, self.cursor.source, self.walk)
        if key == "general.name":
            self.walk.found.details.setdefault("name", text[:200])
        if _NAMES_FILE.search(key) and _LEAVES.search(text) and not key.startswith("quantize."):
            self.walk.found.add(
                Fact(
                    rule=LEAVES_FOLDER.id,
                    subject=key,
                    part=self.cursor.source.name,
                    message=f"The setting `{key}` leads to `{text[:200]}`, outside of the model's folder.",
                    severity=5.0,
                )
            )

    def _array(self, key: str, depth: int) -> None:
        if depth >= _DEEPEST:
            raise self._broken("nesting", f"The setting `{key}` nests lists deeper than any reader expects.")
        kind, count = self.cursor.number(4), self.cursor.number(self.width)
        if kind in _WIDTHS:
            self._fits(count, _WIDTHS[kind], f"values in `{key}`")
            self.cursor.skip(count * _WIDTHS[kind])
            return
        if kind not in (_STRING, _ARRAY):
            raise UnreadableError(f"its setting {key!r} has a type that is not known ({kind})")
        self._fits(count, self.width, f"values in `{key}`")
        self.texts += count
        if self.texts > _MOST_TEXTS:
            raise UnreadableError("its settings hold more texts than any vocabulary")
        for _ in range(count):
            if kind == _ARRAY:
                self._array(key, depth + 1)
            elif "template" in key:
                self._text(key)
            else:
                self.cursor.skip(self._length(f"text in `{key}`"))

    def _length(self, what: str) -> int:
        length = self.cursor.number(self.width)
        if length > self.cursor.left:
            self._fits(length, 1, f"bytes in a {what}")
        return length

    def _fits(self, count: int, size: int, what: str) -> None:
        """Raise where that many do not fit into the rest of the file; what no download explains is a fact."""
        if count * size <= self.cursor.left:
            return
        if count * size >= _FAR_TOO_LARGE:
            raise self._broken(what, f"It says that there are {count:,} {what}, more than the file can hold.")
        raise UnreadableError(CUT_OFF)

    def _broken(self, subject: str, message: str) -> UnreadableError:
        self._fact(subject, message)
        return UnreadableError("its header cannot be followed any further")

    def _fact(self, subject: str, message: str) -> None:
        source = self.cursor.source
        self.walk.found.add(
            Fact(
                rule=HEADER.id,
                subject=subject,
                message=message,
                part=source.name,
                offset=self.cursor.position,
            )
        )
