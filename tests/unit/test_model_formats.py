"""Our readers of ONNX, safetensors and NumPy files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from mlsecops.job import Job
from mlsecops.onnx import FormatError, read
from mlsecops.tools.model_formats import ModelFormats
from support import pickles
from support.contexts import context


def field(number: int, value: bytes) -> bytes:
    """A protobuf field of bytes."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def tensor(place: bytes = b"../../secret") -> bytes:
    return field(13, field(1, b"location") + field(2, place))


def attribute(kind: int, value: bytes) -> bytes:
    return field(5, field(kind, value))


GRAPH = 7
PLACES = {
    "initializer": field(GRAPH, field(5, tensor())),
    "sparse initializer": field(GRAPH, field(15, field(1, tensor()))),
    "sparse indices": field(GRAPH, field(15, field(2, tensor()))),
    "attribute": field(GRAPH, field(1, attribute(5, tensor()))),
    "attributes": field(GRAPH, field(1, attribute(10, tensor()))),
    "sparse attribute": field(GRAPH, field(1, attribute(22, field(1, tensor())))),
    "sparse attributes": field(GRAPH, field(1, attribute(23, field(2, tensor())))),
    "subgraph": field(GRAPH, field(1, attribute(6, field(5, tensor())))),
    "nested subgraphs": field(GRAPH, field(1, attribute(11, field(1, attribute(6, field(5, tensor())))))),
    "function": field(GRAPH, b"") + field(25, field(7, attribute(5, tensor()))),
    "function's default": field(GRAPH, b"") + field(25, field(11, field(5, tensor()))),
    "training": field(GRAPH, b"") + field(20, field(1, field(5, tensor()))),
    "second graph": field(GRAPH, b"") + field(GRAPH, field(5, tensor())),
    "second value": field(
        GRAPH, field(5, field(13, field(1, b"location") + field(2, b"w.bin") + field(2, b"../../secret")))
    ),
    "second key": field(
        GRAPH, field(5, field(13, field(1, b"x") + field(1, b"location") + field(2, b"../../secret")))
    ),
}


@pytest.mark.parametrize("where", PLACES)
def test_external_data_is_found_wherever_it_stands(where: str) -> None:
    assert "../../secret" in read(PLACES[where]).places


def test_domains_of_nodes_everywhere_and_of_own_functions() -> None:
    inner = field(1, field(7, b"evil.inner"))
    graph = field(GRAPH, field(1, field(7, b"own") + attribute(6, inner)))
    found = read(graph + field(25, field(10, b"own") + field(7, field(7, b"evil.body"))))
    assert found.domains == {"own", "evil.inner", "evil.body"}
    assert found.own_domains == {"own"}


def test_deep_nesting_is_walked_without_recursion() -> None:
    inner = field(5, tensor())
    for _ in range(3000):
        inner = field(1, attribute(6, inner))
    assert read(field(GRAPH, inner)).places == {"../../secret"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (field(1, b"x"), "no ONNX graph"),
        (PLACES["initializer"][:-3], "cut off"),
        (field(GRAPH, b"\x0b"), "not a protobuf"),
        (field(GRAPH, b"\x02\x00"), "not a protobuf"),
        (field(GRAPH, b"\x80" * 12), "not a protobuf"),
        (b"\xba\x80\x80\x80\x80\x01\x00", "not a protobuf"),
        (field(GRAPH, b"\x0d\x00"), "cut off"),
    ],
)
def test_what_is_no_onnx(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        read(data)


def scanned(tmp_path: Path, name: str, content: bytes) -> tuple[list[str], list[str], set[str]]:
    """Rule ids found, problems, files looked at."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "models" / name).write_bytes(content)
    shared = context("model", root, tmp_path)
    work = tmp_path / "scratch"
    work.mkdir()
    tool = ModelFormats()
    targets = tuple(model.uri for model in shared.project.models)
    parsed = tool.run(Job(tool=tool, context=shared, targets=targets, work=work))
    assert parsed.canary == tool.canary_rules
    rules = [result["ruleId"] for result in parsed.results]
    return rules, [problem.message for problem in parsed.problems], set(parsed.looked_at)


@pytest.mark.parametrize(
    ("place", "escapes"),
    [
        (b"weights.bin", False),
        (b"data/..weights", False),
        (b"/etc/passwd", True),
        (b"a/../../b", True),
        (b"..\\b", True),
        (b"C:\\b", True),
        (b"file:///x", True),
    ],
)
def test_places_outside_of_the_folder(tmp_path: Path, place: bytes, escapes: bool) -> None:
    rules, problems, seen = scanned(tmp_path, "m.onnx", field(GRAPH, field(5, tensor(place))))
    assert rules == (["onnx-external-data-escapes"] if escapes else [])
    assert (problems, seen) == ([], {"models/m.onnx"})


def test_custom_operators(tmp_path: Path) -> None:
    content = field(GRAPH, field(1, field(7, b"ai.onnx.ml")) + field(1, field(7, b"my.ops")))
    assert scanned(tmp_path, "m.onnx", content)[0] == ["onnx-custom-operator"]


def safetensors(header: object, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(begin: object, end: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [begin, end]}


def test_sound_safetensors(tmp_path: Path) -> None:
    content = safetensors({"__metadata__": {}, "b": entry(4, 8), "a": entry(0, 4)}, bytes(8))
    assert scanned(tmp_path, "m.safetensors", content) == ([], [], {"models/m.safetensors"})


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": entry(0, 4), "b": entry(6, 10)}, bytes(10)),
        ({"a": entry(0, 6), "b": entry(4, 8)}, bytes(8)),
        ({"a": entry(0, 4)}, bytes(9)),
        ({"a": entry(4, 8)}, bytes(8)),
        ({}, bytes(4)),
        ({"a": entry(0, -4)}, bytes(4)),
        ({"a": entry(False, 4)}, bytes(4)),
        ({"a": entry(0.0, 4.0)}, bytes(4)),
        ({"a": {"data_offsets": [0]}}, b""),
        ({"a": 1}, b""),
        ([1], b""),
        (b'{"a": {"data_offsets": [0, 4]}, "a": {"data_offsets": [0, 4]}}', bytes(4)),
        (b'{"a":' + b"[" * 100_000, b""),
        (b"{nothing}", b""),
    ],
)
def test_unsound_safetensors(tmp_path: Path, header: object, data: bytes) -> None:
    rules, problems, seen = scanned(tmp_path, "m.safetensors", safetensors(header, data))
    assert (rules, len(problems), seen) == ([], 1, set())
    assert problems[0].startswith("not scanned")


def npy(descr: str) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)


@pytest.mark.parametrize(
    ("descr", "objects"),
    [
        ("'<f8'", False),
        ("[('Ozone', '<f8'), ('Object', '<i4', (2,))]", False),
        ("'|O'", True),
        ("'O8'", True),
        ("'object'", True),
        ("'i4,O'", True),
        ("[('x', '<f8'), ('y', [('z', '|O')])]", True),
        ("[('x', ('|O', (2,)))]", True),
    ],
)
def test_object_arrays(tmp_path: Path, descr: str, objects: bool) -> None:
    expected = ["numpy-objects"] if objects else []
    assert scanned(tmp_path, "a.npy", npy(descr)) == (expected, [], {"models/a.npy"})


@pytest.mark.parametrize("content", [b"\x93NUMPY\x01", b"\x93NUMPY\x09\x00" + bytes(20), npy("(")])
def test_unreadable_arrays(tmp_path: Path, content: bytes) -> None:
    assert len(scanned(tmp_path, "a.npy", content)[1]) == 1


def test_archives_of_arrays(tmp_path: Path) -> None:
    good = pickles.zipped({"a.npy": pickles.numpy_plain()})
    assert scanned(tmp_path / "1", "a.npz", good) == ([], [], {"models/a.npz"})
    bad = pickles.zipped({"a.npy": pickles.numpy_plain(), "b.npy": pickles.numpy_object(b"")})
    assert scanned(tmp_path / "2", "a.npz", bad)[0] == ["numpy-objects"]
    other = pickles.zipped({"a.npy": pickles.numpy_plain(), "b.txt": b"x"})
    assert len(scanned(tmp_path / "3", "a.npz", other)[1]) == 1
    assert len(scanned(tmp_path / "4", "a.npz", good[:-30])[1]) == 1


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), "no reader"),
        ("m.gguf", b"GGUF" + bytes(64), "no reader"),
        (
            "m.onnx",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
            "pointer",
        ),
    ],
)
def test_what_has_no_reader_is_said(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    rules, problems, seen = scanned(tmp_path, name, content)
    assert (rules, len(problems), seen) == ([], 1, set())
    assert why in problems[0]
