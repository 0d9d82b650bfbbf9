"""Our own readers for model formats that hold no pickle: whether they keep to what their format allows."""

from __future__ import annotations

import ast
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from mlsecops import onnx
from mlsecops.job import Job, Parsed, Problem, printable
from mlsecops.onnx import FormatError
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
_MAX_HEADER = 25_000_000  # bytes; the largest models there are need a tenth
_MAX_MODEL = 2**31
_MAX_NPY_HEADER = 1 << 16
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)


@dataclass(frozen=True)
class ModelFormats:
    """Reads ONNX, safetensors and NumPy files; every other format is named as not scanned."""

    name: str = "mlsecops-model-formats"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset(rule.id for rule in RULES)
    weight: float = 0.3
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Read every target with the reader of its format, then the known-bad model and array."""
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
        canary = job.canary({"canary.onnx": canary_model(), "canary.npy": _CANARY_ARRAY})
        found = [*_read_onnx(canary / "canary.onnx", "canary"), *_read_npy(canary / "canary.npy", "canary")]
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
    if path.stat().st_size > _MAX_MODEL:
        raise FormatError("not scanned: an ONNX file cannot be larger than 2 GiB")
    found = onnx.read(path.read_bytes())
    results = [
        _result(ESCAPES, uri, f"The model reads its weights from `{place}`, outside of its folder.", place)
        for place in sorted(map(printable, found.places))
        if place.startswith(("/", "\\")) or ".." in place.replace("\\", "/").split("/") or ":" in place
    ]
    results += [
        _result(CUSTOM, uri, f"The model needs operators of the domain `{domain}`.", domain)
        for domain in sorted(map(printable, found.domains - _STANDARD_DOMAINS - found.own_domains))
    ]
    return results


def _read_safetensors(path: Path, uri: str) -> list[Json]:
    """Check the header (safetensors' format description): plain JSON, tensors side by side without holes."""
    del uri
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(_MAX_HEADER, size - 8):
            raise FormatError("not scanned: its header is longer than the file")
        try:
            header = json.loads(stream.read(length), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise FormatError("not scanned: its header is not JSON with each name once") from error
    try:
        spans = sorted(_span(header[name]) for name in header if name != "__metadata__")
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise FormatError("not scanned: its header does not describe tensors") from error
    contiguous = all(first[1] == second[0] for first, second in pairwise(spans))
    filled = (spans[0][0], spans[-1][1]) if spans else (0, 0)
    if not contiguous or filled != (0, size - 8 - length):
        raise FormatError("not scanned: its tensors overlap, leave holes, or do not fill the file")
    return []


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _span(tensor: Json) -> tuple[int, int]:
    begin, end = tensor["data_offsets"]
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end:
        raise ValueError("offsets are whole numbers in order")
    return begin, end


def _read_npy(path: Path, uri: str) -> list[Json]:
    with path.open("rb") as stream:
        return _objects(_npy_holds_objects(stream), uri)


def _read_npz(path: Path, uri: str) -> list[Json]:
    try:
        with zipfile.ZipFile(path) as archive:
            return _objects(_npz_holds_objects(archive), uri)
    except FormatError:
        raise
    except _BROKEN_ZIP as error:
        raise FormatError(f"not scanned: it is no readable zip ({error})") from error


def _npz_holds_objects(archive: zipfile.ZipFile) -> bool:
    names = archive.namelist()
    if len(set(names)) != len(names) or not all(name.endswith(".npy") for name in names):
        raise FormatError("not scanned: it holds something else than arrays with names of their own")
    holds = False
    for name in names:
        with archive.open(name) as member:
            holds |= _npy_holds_objects(member)
    return holds


def _npy_holds_objects(stream: IO[bytes]) -> bool:
    """Whether the header of a `.npy` (NumPy's format description) names an object type."""
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\x01", b"\x02", b"\x03"):
        raise FormatError("not scanned: it has no NumPy header")
    length = int.from_bytes(stream.read(2 if magic[6] == 1 else 4), "little")
    if length > _MAX_NPY_HEADER:
        raise FormatError("not scanned: its NumPy header is too long")
    try:
        header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
        kind = header["descr"]
    except (ValueError, SyntaxError, LookupError, TypeError, RecursionError, MemoryError) as error:
        raise FormatError("not scanned: its NumPy header cannot be read") from error
    return _names_objects(kind)


def _names_objects(kind: object) -> bool:
    """Whether a type description has an object type in it; names of fields do not count."""
    if isinstance(kind, str):
        return "O" in kind or "obj" in kind
    if isinstance(kind, list):
        return any(isinstance(field, tuple) and any(map(_names_objects, field[1:])) for field in kind)
    return isinstance(kind, tuple) and any(map(_names_objects, kind))


def _objects(holds: bool, uri: str) -> list[Json]:
    return [_result(OBJECTS, uri, "The file holds pickled Python objects.", "objects")] if holds else []


def _result(rule: Rule, uri: str, message: str, what: str) -> Json:
    identity = ("model-format", rule.id, uri, what)
    return Result(rule_id=rule.id, message=message, location=Location(uri=uri), identity=identity).to_sarif()


def canary_model() -> bytes:
    """An ONNX model of a custom operator and a tensor whose data is said to lie in `/etc/passwd`."""
    entry = _field(1, b"location") + _field(2, b"/etc/passwd")
    node = _field(1, _field(7, b"canary.domain"))
    return _field(7, node + _field(5, _field(13, entry)))


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value


_CANARY_ARRAY = b"\x93NUMPY\x01\x00\x32\x00{'descr': '|O', 'fortran_order': 0, 'shape': (1,)}"
_READERS: Mapping[str, Callable[[Path, str], list[Json]]] = {
    "onnx": _read_onnx,
    "safetensors": _read_safetensors,
    "numpy": _read_npy,
    "npz": _read_npz,
}
