"""JSON of strangers as plain values, within bounds of size and of how many values it has."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

LONGEST = 32 << 20
_MOST_VALUES = 700_000
_MOST_WALKED = 1_500_000  # a value that is named several times is walked as often
_DEEPEST = 500


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON text: its value, and names that stand in one object twice: readers differ in which counts."""

    value: Any
    repeated: set[str] = field(default_factory=set)


def parse(source: Source, offset: int = 0, length: int | None = None) -> Document:
    """The JSON text in a part. Raises UnreadableError for what is none, or beyond the bounds."""
    size = source.size - offset if length is None else length
    if size > LONGEST:
        raise UnreadableError(f"its JSON is longer than {LONGEST >> 20} MiB")
    return parse_bytes(source.at(offset, size))


def parse_bytes(data: bytes) -> Document:
    """The same for bytes at hand."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_VALUES:
        raise UnreadableError("its JSON has more values than any real file")
    repeated: set[str] = set()

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) != len(items):
            times = Counter(name for name, _ in items)
            repeated.update(name for name, count in times.items() if count > 1)
        return value

    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        value = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it is not sound JSON") from error
    return Document(value, repeated)


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """All values in a value, itself first, each with the names that lead to it, such as `a.b[0]`."""
    yield "", value
    way = [_below("", value)]
    walked = 0
    while way:
        found = next(way[-1], None)
        if found is None:
            way.pop()
            continue
        walked += 1
        if walked > _MOST_WALKED:
            raise UnreadableError("it names its values again and again")
        yield found
        if isinstance(found[1], dict | list):
            way.append(_below(*found))
            if len(way) > _DEEPEST:
                raise UnreadableError("its values are nested too deeply")


def _below(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield f"{path}.{name}" if path else str(name), each
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield f"{path}[{number}]", each
