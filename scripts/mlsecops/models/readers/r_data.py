"""R's serialized objects, `.rds` and `.rda`: code in them, and whether it runs by itself.

https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.cursor import Cursor
from mlsecops.models.inspection import Fact
from mlsecops.models.readers.r_objects import RObjects
from mlsecops.models.readers.r_stream import RStream
from mlsecops.models.rules.documents import R_CODE, R_PROMISE
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_HEADS = re.compile(
    rb"(?:RD[XAB][23]\n)?(?:X\n\0\0\0[\2\3]\0[\0-\x09]|B\n[\2\3]\0\0\0[\0-\xff]{2}[\0-\x09]\0|A\n[23]\n\d{5,7}\n)"
)
_MAGIC = re.compile(rb"RD[XAB][23]\n")
_RUNS = re.compile(
    r"system2?|shell(?:\.exec)?|pipe|dyn\.load|library\.dynam|download\.(?:file|packages)|install\.packages|url"
    r"|socketConnection|sys\.source|source|unlink|file\.remove|reg\.finalizer"
)
# Those that no variable is called, for places where a name may be either.
_SURELY_RUNS = re.compile(
    r"system2?|shell\.exec|dyn\.load|library\.dynam|download\.file|install\.packages|socketConnection|sys\.source"
    r"|reg\.finalizer"
)
_BY_NAME = frozenset(["do.call", "get", "get0", "mget", "match.fun", "getExportedValue", "::", ":::"])
_EVALUATES, _FROM_TEXT = frozenset(["eval", "evalq"]), frozenset(["parse", "str2lang", "str2expression"])


@dataclass(frozen=True, slots=True)
class RReader:
    """Walks an object without making anything of it."""

    format: str = "R"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the spelling, its version and that of R."""
        del source
        return _HEADS.match(head) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Add promises that wait to be looked at, and calls that run commands."""
        magic = _MAGIC.match(source.at(0, 8))
        cursor = Cursor(source, position=magic.end() if magic else 0)
        kind = cursor.take(2)[:1]
        cursor.order = "little" if kind == b"B" else "big"
        stream = RStream(cursor, as_text=kind == b"A")
        version, writer, _ = stream.integer(), stream.integer(), stream.integer()
        if version == 3:
            stream.text(stream.integer())
        walk.found.producer = walk.found.producer or f"R {writer >> 16}.{writer >> 8 & 255}.{writer & 255}"
        objects = RObjects(stream)
        try:
            objects.read()
        finally:
            for fact in _facts(objects, source):
                walk.found.add(fact)
        if cursor.left and not stream.ends():
            raise UnreadableError("something lies behind its last object")


def _facts(objects: RObjects, source: Source) -> Iterator[Fact]:
    for role in sorted(objects.promises):
        message = "The object is an expression that runs when R first looks at its value."
        severity = None if role == "awaited top" else 8.0
        yield Fact(rule=R_PROMISE.id, subject=role, message=message, part=source.name, severity=severity)
    runs = {name for name in objects.calls if _RUNS.fullmatch(name)}
    runs |= {name for name in objects.constants if _SURELY_RUNS.fullmatch(name)}
    if objects.calls & _BY_NAME:
        runs |= {name for name in objects.words if _SURELY_RUNS.fullmatch(name)}
    if objects.calls & _EVALUATES:
        runs |= objects.calls & _FROM_TEXT
    for name in sorted(runs):
        message = f"Code in the object calls `{name[:100]}`."
        yield Fact(rule=R_CODE.id, subject=name[:100], message=message, part=source.name)
