"""TensorFlow: SavedModels, frozen graphs and meta graphs, binary or as text, and Keras' metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlsecops.models.enough import enough
from mlsecops.models.inspection import Fact
from mlsecops.models.places import leads
from mlsecops.models.protobuf import Span, Wire
from mlsecops.models.readers.keras_zip import read_config
from mlsecops.models.rules import tensorflow as rules
from mlsecops.models.source import Source
from mlsecops.models.tensorflow import text
from mlsecops.models.tensorflow.graph import Graph
from mlsecops.models.tensorflow.shapes import Kind, kinds_of
from mlsecops.models.walk import UnreadableError, Walk

_META_GRAPHS, _ABOUT, _GRAPH, _ASSETS, _OBJECTS = 2, 1, 2, 6, 7
_VERSION = 5
_USER_OBJECT, _METADATA = 4, 3
_ENTRY, _ENTRY_METADATA = 1, 5
_FIELDS, _MOST_FIELDS = 1_000_000, 40_000_000
_MOST_CONFIG = 16 << 20


@dataclass(frozen=True, slots=True)
class TensorFlowReader:
    """Reads graphs in the binary encoding."""

    format: str = "TensorFlow graph"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether it is one of TensorFlow's messages, by its fields."""
        return bool(head) and bool(kinds_of(source))

    def read(self, source: Source, walk: Walk) -> None:
        """Walk through all graphs and their functions."""
        for kind in kinds_of(source):
            _read(source, kind, source.name, walk)


@dataclass(frozen=True, slots=True)
class TensorFlowTextReader:
    """Reads the same messages written as text (`.pbtxt`)."""

    format: str = "TensorFlow graph as text"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether it begins with a field of one of them."""
        return source.size > 0 and text.starts(head)

    def read(self, source: Source, walk: Walk) -> None:
        """Put it into the binary encoding and read that."""
        if source.size > text.LONGEST:
            raise UnreadableError(f"its text is longer than {text.LONGEST >> 20} MiB")
        data, kind = text.to_binary(source.at(0, source.size))
        with walk.unpacked([data], source.name, source.size) as part:
            _read(part, kind, source.name, walk)


def _read(source: Source, kind: Kind, part: str, walk: Walk) -> None:
    wire = Wire(source, left=min(_FIELDS + source.size, _MOST_FIELDS))
    if kind == "saved model":
        for meta in wire.parts(None, _META_GRAPHS):
            _meta_graph(wire, meta, part, walk)
    elif kind == "meta graph":
        _meta_graph(wire, wire.whole, part, walk)
    elif kind == "graph":
        _graph(Graph(wire, part), [wire.whole], walk)
    elif kind == "keras metadata":
        for entry in wire.parts(None, _ENTRY):
            for metadata in wire.parts(entry, _ENTRY_METADATA):
                _config(wire, metadata, part, walk)
    walk.found.streams += 1


def _meta_graph(wire: Wire, meta: Span, part: str, walk: Walk) -> None:
    """A graph with what stands around it: assets, and objects of Keras that the loader builds again."""
    for about in wire.parts(meta, _ABOUT):
        for version in wire.parts(about, _VERSION):
            walk.found.producer = walk.found.producer or f"tensorflow {wire.text(version, 40)}"
    names: set[str] = set()
    for asset in wire.parts(meta, _ASSETS):
        for fact in _asset(wire, asset, part, names):
            walk.found.add(fact)
    _graph(Graph(wire, part, assets=frozenset(names)), wire.parts(meta, _GRAPH), walk)
    for objects in wire.parts(meta, _OBJECTS):
        for node in wire.parts(objects, 1):
            for user in wire.parts(node, _USER_OBJECT):
                for metadata in wire.parts(user, _METADATA):
                    _config(wire, metadata, part, walk)


def _graph(graph: Graph, spans: Iterable[Span], walk: Walk) -> None:
    for fact in enough(graph.facts(spans)):
        walk.found.add(fact)
    walk.found.has_operators(sorted(graph.used - graph.own))


def _asset(wire: Wire, asset: Span, part: str, names: set[str]) -> Iterator[Fact]:
    """Note the node that an asset's path is put into; say where the path leads if it leaves the folder."""
    for info in wire.parts(asset, 1):
        names.update(wire.text(name, 1000).split(":", 1)[0] for name in wire.parts(info, 1))
    for name in wire.parts(asset, 2):
        path = wire.text(name, 1000)
        if leads(path) != "beside":
            message = f"Loading this model takes an asset from `{path[:200]}`, outside of its folder."
            yield Fact(rule=rules.ASSET.id, subject=path[:300], message=message, part=part)


def _config(wire: Wire, metadata: Span, part: str, walk: Walk) -> None:
    """A configuration of Keras beside a graph: classes that are not known are rebuilt from the graph."""
    if metadata.size > _MOST_CONFIG:
        raise UnreadableError("a configuration in it is larger than any real model's")
    data = wire.data(metadata, _MOST_CONFIG)
    if data.strip().startswith((b"{", b"[")):
        read_config(data, part, walk, revived=True)
