"""Core ML models (https://apple.github.io/coremltools/mlmodel/): custom code and files, no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.paths import leaves
from mlsecops.models.protobuf import Span, Wire, outline
from mlsecops.models.rules.onnx import CORE_ML_CUSTOM, ESCAPES
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

# Kinds of messages, and which of their fields hold which kind (Model.proto, NeuralNetwork.proto, MIL.proto).
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {
        2: "description",
        200: "pipeline in",
        201: "pipeline in",
        202: "pipeline",
        303: "network",
        403: "network",
        500: "network",
        502: "program",
        555: "custom model",
        556: "linked",
    },
    "description": {100: "metadata"},
    "metadata": {100: "entry"},
    "pipeline in": {1: "pipeline"},
    "pipeline": {1: "model"},
    "network": {1: "layer"},
    "layer": {500: "custom layer", 615: "loop", 600: "branch"},
    "loop": {2: "network", 3: "network"},
    "branch": {1: "network", 2: "network"},
    "linked": {1: "linked file"},
    "linked file": {1: "parameter", 2: "parameter"},
    "program": {2: "function entry"},
    "function entry": {2: "function"},
    "function": {3: "block entry"},
    "block entry": {2: "block"},
    "block": {3: "operation"},
    "operation": {3: "blocks", 5: "attribute"},
    "blocks": {3: "operation"},
    "attribute": {2: "value"},
    "value": {5: "file"},
}
_TEXTS: Mapping[str, frozenset[int]] = {
    "custom model": frozenset([10]),
    "custom layer": frozenset([10]),
    "parameter": frozenset([1]),
    "file": frozenset([1]),
    "metadata": frozenset([1, 2, 3, 4]),
    "entry": frozenset([1, 2]),
    "operation": frozenset([1]),
}
_TYPES = frozenset(
    [*range(200, 210), *range(300, 305), *range(400, 411), 500, 501, 502, 555, 556, 560, 600, 601]
)
_TYPES_MORE = frozenset(
    [602, 603, 604, 606, 607, 609, 610, 900, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 3000]
)
_BUNDLE, _DEEPEST, _LONGEST_TEXT = "@model_path/", 80, 4096


@dataclass(frozen=True, slots=True)
class CoreMlReader:
    """Walks models in models, networks and programs."""

    format: str = "Core ML"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its version, then a description or one of the fields that only models have."""
        if head[:1] != b"\x08":
            return False
        fields = outline(source, 16)
        if fields is None or fields[0][0] != 1 or not isinstance(fields[0][1], int) or fields[0][1] > 30:
            return False
        numbers = {number for number, _ in fields[1:]}
        return bool(numbers & (_TYPES | _TYPES_MORE)) and numbers <= {2, 10, *_TYPES, *_TYPES_MORE}

    def read(self, source: Source, walk: Walk) -> None:
        """Name the classes that it asks the app for, and files outside of its package."""
        wire = Wire(source)
        stack: list[tuple[str, Iterator[tuple[int, int | Span]]]] = [("model", wire.fields())]
        while stack:
            kind, fields = stack[-1]
            for number, value in fields:
                if not isinstance(value, Span):
                    continue
                if number in _TEXTS.get(kind, ()):
                    _text(kind, number, wire.text(value, _LONGEST_TEXT), source, walk)
                if below := _PARTS.get(kind, {}).get(number):
                    stack.append((below, wire.fields(value)))
                    break
            else:
                stack.pop()
            if len(stack) > _DEEPEST:
                raise UnreadableError("its parts are nested too deeply")


def _text(kind: str, number: int, text: str, source: Source, walk: Walk) -> None:
    if kind in ("custom model", "custom layer"):
        message = f"The model calls the class `{text[:200]}` of the app as a {kind}."
        walk.found.add(Fact(rule=CORE_ML_CUSTOM.id, subject=text[:200], message=message, part=source.name))
    elif kind == "operation" and text.startswith("custom_"):
        message = f"The model calls the app's own operator `{text[:200]}`."
        walk.found.add(Fact(rule=CORE_ML_CUSTOM.id, subject=text[:200], message=message, part=source.name))
    elif kind in ("file", "parameter"):
        if leaves(text.removeprefix(_BUNDLE)):
            message = f"The model reads `{text[:200]}`, outside of its package."
            walk.found.add(Fact(rule=ESCAPES.id, subject=text[:200], message=message, part=source.name))
    else:
        if (kind, number) == ("metadata", 3):
            walk.found.details.setdefault("author", text[:200])
        add_text(text, source, walk)
