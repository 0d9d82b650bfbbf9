"""ONNX models (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): operators and files, no numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from mlsecops.models.protobuf import Span, Wire, outline
from mlsecops.models.readers.onnx_references import References, report
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

# Kinds of messages, and which of their fields hold which kind.
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 14: "property", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse", 16: "property"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "tensor": {13: "entry"},
}
# Fields of text that are looked at: name, type and domain of operators, key and value of entries.
_TEXTS: Mapping[str, frozenset[int]] = {
    "model": frozenset([2, 6]),
    "graph": frozenset([10]),
    "node": frozenset([4, 7]),
    "function": frozenset([1, 10]),
    "attribute": frozenset([1, 4]),
    "entry": frozenset([1, 2]),
    "property": frozenset([1, 2]),
}
_GRAPH_FIELDS = frozenset([1, 2, 5, 8, 10, 11, 12, 13, 14, 15, 16])
_FILE = re.compile(r"(?:^|_)(?:path|file|filename|library|lib|ep_cache_context|cache_context)$")
_DEEPEST, _LONGEST_PATH, _LONGEST_TEXT, _MOST_NAMES = 64, 4096, 1 << 16, 20_000
_MOST_TEXTS, _MOST_LOOKED_AT = 2000, 1000


@dataclass(frozen=True, slots=True)
class OnnxReader:
    """Walks all graphs of a model, however nested; tensors are skipped."""

    format: str = "ONNX"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a graph in its place: a field of number 7 that holds what graphs hold."""
        first = outline(source, _MOST_LOOKED_AT)
        if first is None:
            return False
        graphs = [value for number, value in first if number == 7 and isinstance(value, Span)]
        return any(_is_graph(source, value) for value in graphs) if graphs else _begins_like_one(head)

    def read(self, source: Source, walk: Walk) -> None:
        """Add places of data outside of the model and operators that are not ONNX's own."""
        model = _Model(Wire(source))
        try:
            model.read()
        finally:
            report(model.refers, source, walk)


def _begins_like_one(head: bytes) -> bool:
    """A version, short texts about the producer, then the graph: what is there of a file that is cut off."""
    if head[:1] != b"\x08" or not 1 <= head[1] <= 32:
        return False
    position = 2
    while head[position : position + 1] in (b"\x12", b"\x1a", b"\x22", b"\x28", b"\x32"):
        texts = head[position] != 0x28
        position += 2 + (head[position + 1] if texts and position + 1 < len(head) else 0)
    return head[position : position + 1] == b":"


def _is_graph(source: Source, span: Span) -> bool:
    fields = outline(source.part(span.start, span.size, ""), 16)
    return fields is not None and any(number in _GRAPH_FIELDS for number, _ in fields)


@dataclass(slots=True)
class _Frame:
    kind: str
    fields: Iterator[tuple[int, int | Span]]
    texts: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Model:
    """A model on the way through its messages."""

    wire: Wire
    refers: References = field(default_factory=References)

    def read(self) -> None:
        """Walk all messages, deepest first, holding no more than the way down."""
        frames = [_Frame("model", self.wire.fields())]
        while frames:
            frame = frames[-1]
            for number, value in frame.fields:
                if not isinstance(value, Span):
                    continue
                if number in _TEXTS.get(frame.kind, ()):
                    frame.texts.append((number, self.wire.text(value, _LONGEST_TEXT)))
                if below := _PARTS.get(frame.kind, {}).get(number):
                    frames.append(_Frame(below, self.wire.fields(value)))
                    break
            else:
                self._keep(frames.pop())
            if len(frames) > _DEEPEST:
                raise UnreadableError("its graphs are nested too deeply")
            if self.refers.most > _MOST_NAMES:
                raise UnreadableError("it names more operators and files than any real model")

    def _keep(self, frame: _Frame) -> None:
        """Take a message that has ended; where a field stands several times, all of it counts."""
        kind, refers = frame.kind, self.refers
        texts: dict[int, list[str]] = {}
        for number, text in frame.texts:
            texts.setdefault(number, []).append(text)
        if kind == "node":
            refers.operators.update(product(texts.get(7, [""]), texts.get(4, [""])))
        elif kind == "function":
            refers.own.update(product(texts.get(10, [""]), texts.get(1, [""])))
        elif kind == "entry" and "location" in texts.get(1, ()):
            refers.places.update(text[:_LONGEST_PATH] for text in texts.get(2, ()))
        elif kind == "attribute":
            values = [text for text in texts.get(4, ()) if len(text) < _LONGEST_PATH]
            refers.files.update(product(filter(_FILE.search, texts.get(1, ())), values))
        elif kind in ("property", "model", "graph") and len(refers.texts) < _MOST_TEXTS:
            refers.texts += [text for _, text in frame.texts]
            if kind == "model":
                refers.producer = next(iter(texts.get(2, ())), "")
