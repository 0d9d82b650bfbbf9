"""Which of TensorFlow's messages a file is: they carry no magic number, so their fields have to tell.

Messages: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto and fingerprint.proto,
tensorflow/core/framework/graph.proto, and Keras' saved_metadata.proto.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import Literal

from mlsecops.models.protobuf import Span, Wire
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

Kind = Literal["saved model", "meta graph", "graph", "keras metadata", "fingerprint"]

_MOST_LOOKED_AT, _MOST_FIELDS = 100_000, 20_000
_LAST = 7  # the highest number of a field that is looked for
_MOST_PARTS = 60
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*(?:@[\w.]+)?")
_OPERATOR = re.compile(r"[A-Za-z_][A-Za-z0-9_.>]*")
_VERSION = re.compile(r"\d+\.\d+")
_HASHES = range(1, 6)
_LARGEST_FINGERPRINT = 400


def kinds_of(source: Source) -> tuple[Kind, ...]:
    """The messages that a file is: one, or more where it was made to be read in two ways."""
    look = _Look(Wire(source, left=_MOST_LOOKED_AT))
    if look.is_fingerprint():
        return ("fingerprint",)
    found: list[Kind] = []
    if any(look.is_meta_graph(part) for part in look.parts(None, 2)):
        found.append("saved model")
    if look.is_meta_graph(None):
        found.append("meta graph")
    if look.is_graph(None):
        found.append("graph")
    if any(look.is_keras_entry(part) for part in look.parts(None, 1)):
        found.append("keras metadata")
    return tuple(found)


class _Look:
    """Guesses by shape; a message that is none, or breaks off, gives what came before."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.known: dict[Span | None, list[tuple[int, int | Span]]] = {}

    def fields(self, message: Span | None) -> list[tuple[int, int | Span]]:
        """The first fields of each number that is looked for; padding around them is passed over."""
        if message not in self.known:
            self.known[message] = self._scan(message)
        return self.known[message]

    def _scan(self, message: Span | None) -> list[tuple[int, int | Span]]:
        found: list[tuple[int, int | Span]] = []
        times: Counter[int] = Counter()
        try:
            for number, value in islice(self.wire.fields(message), _MOST_FIELDS):
                kind = min(number, _LAST + 1)
                times[kind] += 1
                if times[kind] <= _MOST_PARTS:
                    found.append((number, value))
        except UnreadableError:
            if message is not None:
                return []
        return found

    def parts(self, message: Span | None, number: int) -> list[Span]:
        """The first messages and texts of a number."""
        return [value for found, value in self.fields(message) if found == number and isinstance(value, Span)]

    def text(self, message: Span | None, number: int) -> str:
        """The first text of a number."""
        for part in self.parts(message, number):
            return self.wire.text(part, 200)
        return ""

    def is_fingerprint(self) -> bool:
        """Hashes of a SavedModel: numbers 1 to 5, then a version and perhaps an identifier."""
        if not 0 < self.wire.source.size <= _LARGEST_FINGERPRINT:
            return False
        fields = self.fields(None)
        numbers = [number for number, value in fields if isinstance(value, int)]
        whole = sum(1 for number, value in fields if isinstance(value, Span) and number in (6, 7))
        return (
            len(numbers) >= 3
            and all(each in _HASHES for each in numbers)
            and len(numbers) + whole == len(fields)
        )

    def is_node(self, message: Span) -> bool:
        """A name and an operator."""
        operator = self.text(message, 2)
        return bool(_OPERATOR.fullmatch(operator)) and bool(_NAME.fullmatch(self.text(message, 1)))

    def is_function(self, message: Span) -> bool:
        """A signature with a name, and nodes."""
        nodes = self.parts(message, 3)
        return any(self.is_node(node) for node in nodes[:8])

    def is_graph(self, message: Span | None) -> bool:
        """Nodes, or a library of functions."""
        if any(self.is_node(node) for node in self.parts(message, 1)):
            return True
        libraries = self.parts(message, 2)
        return any(self.is_function(each) for library in libraries for each in self.parts(library, 1)[:8])

    def is_meta_graph(self, message: Span | None) -> bool:
        """A graph as its second field, or what TensorFlow writes before it."""
        if any(self.is_graph(each) for each in self.parts(message, 2)):
            return True
        if message is None:
            return False
        about = self.parts(message, 1)
        return any(_VERSION.match(self.text(each, 5)) for each in about)

    def is_keras_entry(self, message: Span) -> bool:
        """A node of Keras' object graph with its configuration."""
        return self.text(message, 4).startswith("_tf_keras") or '"class_name"' in self.text(message, 5)
