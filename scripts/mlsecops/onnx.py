"""What an ONNX model refers to: a walk through its protobuf message (onnx.proto3), without its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# Kinds of messages, and which of their fields hold which kind.
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "tensor": {13: "entry"},
    "entry": {},
}
# Fields of text: the domain of a node and of a function, key and value of an entry.
_TEXTS = {"node": (7,), "function": (10,), "entry": (1, 2)}
_MOST_FIELDS = 5_000_000
_VARINT_BITS, _MAX_KEY = 63, 1 << 32


class FormatError(ValueError):
    """A file that does not keep to its format; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """Places of external data, domains that operators are taken from, and domains that the model defines."""

    places: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    own_domains: set[str] = field(default_factory=set)


def read(data: bytes) -> Found:
    """Walk all graphs of a model, however nested. Raises FormatError."""
    if not data:
        raise FormatError("not scanned: the file is empty")
    found = Found()
    due = [("model", memoryview(data))]
    graphs = seen = 0
    while due:
        kind, message = due.pop()
        graphs += kind == "graph"
        texts: list[tuple[int, str]] = []
        for number, value in fields(message):
            seen += 1
            if isinstance(value, int):
                continue
            if number in _PARTS[kind]:
                due.append((_PARTS[kind][number], value))
            elif number in _TEXTS.get(kind, ()):
                texts.append((number, _text(value)))
            if seen > _MOST_FIELDS:
                raise FormatError("not scanned: it has too many parts")
        _keep(kind, texts, found)
    if not graphs:
        raise FormatError("not scanned: it has no ONNX graph")
    return found


def _keep(kind: str, texts: list[tuple[int, str]], found: Found) -> None:
    if kind == "node":
        found.domains.update(text for _, text in texts)
    elif kind == "function":
        found.own_domains.update(text for _, text in texts)
    elif (1, "location") in texts:
        # Readers take the last of several values; all of them are looked at.
        found.places.update(text for number, text in texts if number == 2)


def fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The fields of a protobuf message (encoding of protocol buffers): number and bytes or integer."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if key >= _MAX_KEY or number == 0:
            raise FormatError("not scanned: it is not a protobuf message")
        if wire == 0:
            value, position = _varint(message, position)
            yield number, value
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
            yield number, 0  # a number of fixed width
        elif wire == 2:
            length, position = _varint(message, position)
            if position + length > end:
                raise FormatError("not scanned: it is cut off")
            yield number, message[position : position + length]
            position += length
        else:
            raise FormatError("not scanned: it is not a protobuf message")
    if position != end:
        raise FormatError("not scanned: it is cut off")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > _VARINT_BITS:
            raise FormatError("not scanned: it is not a protobuf message")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def _text(value: memoryview) -> str:
    return bytes(value[:4096]).decode("utf-8", "replace")
