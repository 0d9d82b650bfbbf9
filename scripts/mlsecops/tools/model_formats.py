"""Our own readers for model formats that hold no pickle: whether they keep to what their format allows."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from mlsecops.job import Job, Parsed, Problem
from mlsecops.project import ModelFile
from mlsecops.sarif.build import Json, Location, Result, Rule

ESCAPES = Rule(
    id="onnx-external-data-escapes",
    name="OnnxExternalDataEscapes",
    summary="This ONNX model reads a file outside of its folder.",
    help="A tensor of the model says that its data lies at an absolute path or above the model's folder. A "
    "runtime that follows it reads whatever lies there on the machine that serves the model.",
    fix="Export the model again with its data inside, or with data files beside it.",
    severity=8.1,
    tags=("external/cwe/cwe-22", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
CUSTOM = Rule(
    id="onnx-custom-operator",
    name="OnnxCustomOperator",
    summary="This ONNX model needs operators from outside of ONNX.",
    help="Custom operators are native code that has to be loaded beside the model before it can run.",
    fix="Export the model with standard operators only, or review and pin the library it needs.",
    severity=5.0,
    tags=("external/cwe/cwe-829", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
OBJECTS = Rule(
    id="numpy-objects",
    name="NumpyObjects",
    summary="This NumPy file holds pickled Python objects.",
    help="NumPy stores arrays of objects as a pickle, and a pickle is a program that runs when it is loaded.",
    fix="Save arrays with a number type, and load them without allow_pickle.",
    severity=8.8,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
)
RULES = (ESCAPES, CUSTOM, OBJECTS)
_STANDARD_DOMAINS = frozenset(
    ["", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"]
)
_MAX_HEADER = 100_000_000
_MAX_MODEL = 2**31
_MAX_DEPTH = 16


class FormatError(Exception):
    """A file that does not keep to its format; the text is one sentence."""


@dataclass(frozen=True)
class ModelFormats:
    """Reads ONNX, safetensors and NumPy files; every other format is named as not scanned."""

    name: str = "mlsecops-model-formats"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset({ESCAPES.id})
    weight: float = 0.3
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Read every target with the reader of its format, then a model that reads `/etc/passwd`."""
        models = {model.uri: model for model in job.project.models}
        results: list[Json] = []
        problems: list[Problem] = []
        looked_at: set[str] = set()
        for uri in job.targets:
            reason = _unreadable(models[uri])
            if reason is None:
                try:
                    results += _read(job.project.file(uri).path, models[uri])
                    looked_at.add(uri)
                    continue
                except (FormatError, OSError) as error:
                    reason = str(error)
            problems.append(Problem(uri, reason))
        canary = job.canary({"canary.onnx": canary_model()}) / "canary.onnx"
        found = _read_onnx(canary, "canary")
        return Parsed(
            looked_at=frozenset(looked_at),
            rules=[rule.to_sarif() for rule in RULES],
            results=results,
            canary=frozenset(result["ruleId"] for result in found),
            problems=problems,
        )


def _unreadable(model: ModelFile) -> str | None:
    if model.pointer is not None:
        return f"not scanned: it is a pointer ({model.pointer}), the model itself is not here"
    if model.compression is not None:
        return f"not scanned: {model.format} compressed with {model.compression} has no reader"
    if model.format not in _READERS:
        return f"not scanned: there is no reader for its format ({model.format})"
    return None


def _read(path: Path, model: ModelFile) -> list[Json]:
    return _READERS[model.format](path, model.uri)


def _read_onnx(path: Path, uri: str) -> list[Json]:
    """Walk the protobuf message of a model (onnx.proto3) without any of its tensors' data."""
    if path.stat().st_size > _MAX_MODEL:
        raise FormatError("not scanned: an ONNX file cannot be larger than 2 GiB")
    data = path.read_bytes()
    if not data:
        raise FormatError("not scanned: the file is empty")
    places: set[str] = set()
    domains: set[str] = set()
    graphs = [value for number, value in fields(data) if number == 7 and isinstance(value, bytes)]
    functions = [value for number, value in fields(data) if number == 25 and isinstance(value, bytes)]
    if not graphs:
        raise FormatError("not scanned: it has no ONNX graph")
    for graph in graphs:
        _walk_graph(graph, places, domains, 0)
    for function in functions:
        for number, node in fields(function):
            if number == 7 and isinstance(node, bytes):
                _walk_node(node, places, domains, 0)
    local = {_text(function, 10) for function in functions}
    results = [
        _result(ESCAPES, uri, f"The model reads its weights from `{place}`, outside of its folder.", place)
        for place in sorted(places)
        if place.startswith(("/", "\\")) or ".." in place.replace("\\", "/").split("/") or ":" in place
    ]
    results += [
        _result(CUSTOM, uri, f"The model needs operators of the domain `{domain}`.", domain)
        for domain in sorted(domains - _STANDARD_DOMAINS - local)
    ]
    return results


def _walk_graph(graph: bytes, places: set[str], domains: set[str], depth: int) -> None:
    for number, value in fields(graph):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            _walk_node(value, places, domains, depth)
        elif number == 5:
            _walk_tensor(value, places)
        elif number == 15:
            for inner, tensor in fields(value):
                if inner in (1, 2) and isinstance(tensor, bytes):
                    _walk_tensor(tensor, places)


def _walk_node(node: bytes, places: set[str], domains: set[str], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise FormatError(f"not scanned: its graphs are nested more than {_MAX_DEPTH} deep")
    domains.add(_text(node, 7))
    for number, attribute in fields(node):
        if number != 5 or not isinstance(attribute, bytes):
            continue
        for kind, value in fields(attribute):
            if kind in (5, 10) and isinstance(value, bytes):
                _walk_tensor(value, places)
            elif kind in (6, 11) and isinstance(value, bytes):
                _walk_graph(value, places, domains, depth + 1)


def _walk_tensor(tensor: bytes, places: set[str]) -> None:
    for number, entry in fields(tensor):
        if number == 13 and isinstance(entry, bytes) and _text(entry, 1) == "location":
            places.add(_text(entry, 2))


def _text(message: bytes, wanted: int) -> str:
    for number, value in fields(message):
        if number == wanted and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    return ""


def fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protobuf message (encoding of protocol buffers): number and bytes or integer."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield number, value
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
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


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise FormatError("not scanned: it is not a protobuf message")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def _read_safetensors(path: Path, uri: str) -> list[Json]:
    """Check the header (safetensors' format description): plain JSON, tensors side by side without holes."""
    del uri
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(_MAX_HEADER, size - 8):
            raise FormatError("not scanned: its header is longer than the file")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise FormatError("not scanned: its header is not JSON") from error
    try:
        spans = sorted(tuple(header[name]["data_offsets"]) for name in header if name != "__metadata__")
        contiguous = all(first[1] == second[0] for first, second in pairwise(spans))
        whole = not spans or (spans[0][0] == 0 and spans[-1][1] == size - 8 - length)
    except (LookupError, TypeError, AttributeError) as error:
        raise FormatError("not scanned: its header does not describe tensors") from error
    if not (contiguous and whole):
        raise FormatError("not scanned: its tensors overlap, leave holes, or do not fill the file")
    return []


def _read_npy(path: Path, uri: str) -> list[Json]:
    with path.open("rb") as stream:
        return _objects(_npy_holds_objects(stream), uri)


def _read_npz(path: Path, uri: str) -> list[Json]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names) or not all(name.endswith(".npy") for name in names):
                raise FormatError("not scanned: it holds something else than arrays with names of their own")
            holds = False
            for name in names:
                with archive.open(name) as member:
                    holds |= _npy_holds_objects(member)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"not scanned: it is no readable zip ({error})") from error
    return _objects(holds, uri)


def _npy_holds_objects(stream: IO[bytes]) -> bool:
    """Whether the header of a `.npy` (NumPy's format description) names an object type."""
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\x01", b"\x02", b"\x03"):
        raise FormatError("not scanned: it has no NumPy header")
    length = int.from_bytes(stream.read(2 if magic[6] == 1 else 4), "little")
    if length > 1 << 20:
        raise FormatError("not scanned: its NumPy header is too long")
    try:
        header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
        kind = header["descr"]
    except (ValueError, SyntaxError, LookupError, TypeError, RecursionError, MemoryError) as error:
        raise FormatError("not scanned: its NumPy header cannot be read") from error
    return "O" in (kind if isinstance(kind, str) else repr(kind))


def _objects(holds: bool, uri: str) -> list[Json]:
    return [_result(OBJECTS, uri, "The file holds pickled Python objects.", "objects")] if holds else []


def _result(rule: Rule, uri: str, message: str, what: str) -> Json:
    identity = ("model-format", rule.id, uri, what)
    return Result(rule_id=rule.id, message=message, location=Location(uri=uri), identity=identity).to_sarif()


def canary_model() -> bytes:
    """An ONNX model with one tensor whose data is said to lie in `/etc/passwd`."""
    entry = _field(1, b"location") + _field(2, b"/etc/passwd")
    return _field(7, _field(5, _field(13, entry)))


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value


_READERS: Mapping[str, Callable[[Path, str], list[Json]]] = {
    "onnx": _read_onnx,
    "safetensors": _read_safetensors,
    "numpy": _read_npy,
    "npz": _read_npz,
}
