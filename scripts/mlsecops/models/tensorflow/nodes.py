"""Nodes of a graph, and where their inputs come from (tensorflow/core/framework/node_def.proto)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlsecops.models.known_names import words
from mlsecops.models.protobuf import Span, Wire
from mlsecops.models.walk import UnreadableError

NAME, OPERATOR, INPUT, ATTRIBUTES = 1, 2, 3, 5
_KEY, _VALUE = 1, 2
_LIST, _TEXT, _TENSOR, _FUNCTION = 1, 2, 8, 10
_TENSOR_TEXTS = 8
_CONSTANTS = ("Const", "HostConst")
_GIVEN = words(
    """Placeholder PlaceholderV2 _Arg Arg VarHandleOp ReadVariableOp VariableV2 Variable IteratorGetNext
    IteratorV2 LookupTableFindV2 LookupTableFind HashTableV2 QueueDequeueV2 ReaderReadV2 RegisterDatasetV2"""
)
_MOST_NAME, _MOST_NODES, _MOST_STEPS, _MOST_TEXTS = 1000, 300_000, 200, 64


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its operators (a hostile one has several), inputs, and where its attributes lie."""

    name: str
    operators: tuple[str, ...]
    inputs: tuple[str, ...]
    attributes: tuple[Span, ...]

    @classmethod
    def of(cls, wire: Wire, span: Span) -> Node:
        """Read a NodeDef. Raises UnreadableError."""
        name = ""
        operators: list[str] = []
        inputs: list[str] = []
        attributes: list[Span] = []
        for number, value in wire.fields(span):
            if isinstance(value, int):
                continue
            if number == NAME:
                name = wire.text(value, _MOST_NAME)
            elif number == OPERATOR:
                operators.append(wire.text(value, _MOST_NAME))
            elif number == INPUT:
                inputs.append(wire.text(value, _MOST_NAME))
            elif number == ATTRIBUTES:
                attributes.append(value)
        return cls(name, tuple(operators), tuple(inputs), tuple(attributes))

    def attribute(self, wire: Wire, key: str) -> Iterator[Span]:
        """The values of an attribute."""
        for entry in self.attributes:
            keys = [wire.text(part, _MOST_NAME) for part in wire.parts(entry, _KEY)]
            if key in keys:
                yield from wire.parts(entry, _VALUE)

    def texts(self, wire: Wire, key: str) -> Iterator[Span]:
        """The texts of an attribute: one, a list of them, or those of a tensor."""
        for value in self.attribute(wire, key):
            for number, part in wire.fields(value):
                if number == _TEXT and isinstance(part, Span):
                    yield part
                elif number == _LIST and isinstance(part, Span):
                    yield from wire.parts(part, _TEXT)
                elif number == _TENSOR and isinstance(part, Span):
                    yield from wire.parts(part, _TENSOR_TEXTS)

    def functions(self, wire: Wire) -> Iterator[str]:
        """The functions that its attributes name."""
        for entry in self.attributes:
            for value in wire.parts(entry, _VALUE):
                for number, part in wire.fields(value):
                    if number == _FUNCTION and isinstance(part, Span):
                        yield from (wire.text(name, _MOST_NAME) for name in wire.parts(part, 1))
                    elif number == _LIST and isinstance(part, Span):
                        for function in wire.parts(part, 9):
                            yield from (wire.text(name, _MOST_NAME) for name in wire.parts(function, 1))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an input comes from: texts in the graph, and whether also from whoever runs it."""

    texts: tuple[Span, ...]
    given: bool


@dataclass(slots=True)
class Scope:
    """The nodes of a graph or of a function by name; those of `assets` are filled in by the loader."""

    wire: Wire
    assets: frozenset[str] = frozenset()
    places: dict[str, Span] = field(default_factory=dict)

    def read(self, spans: Iterable[Span]) -> Iterator[tuple[Span, Node]]:
        """The nodes with their places, each noted."""
        for span in spans:
            node = Node.of(self.wire, span)
            if len(self.places) >= _MOST_NODES:
                raise UnreadableError("its graph has more nodes than any real model's")
            self.places[node.name] = span
            yield span, node

    def origin(self, start: str, steps: int = _MOST_STEPS) -> Origin:
        """Follow an input back to where it comes from; a name that is not known here is an argument."""
        due, seen = [start], {start}
        texts: list[Span] = []
        given = False
        while due and steps > 0:
            steps -= 1
            name = _plain(due.pop())
            if name not in self.places or name in self.assets:
                given = True
                continue
            node = Node.of(self.wire, self.places[name])
            if any(each in _CONSTANTS for each in node.operators):
                for number, text in enumerate(node.texts(self.wire, "value")):
                    if number < _MOST_TEXTS:
                        texts.append(text)
            elif any(each in _GIVEN for each in node.operators):
                given = True
            else:
                fresh = [each for each in node.inputs if not each.startswith("^") and each not in seen]
                seen.update(fresh)
                due += fresh
        return Origin(tuple(texts), given)


def _plain(name: str) -> str:
    """The node of an input such as `node:0` or `node:output:0`."""
    return name.removeprefix("^").split(":", 1)[0]
