"""TFLite files: custom operators, and numbers that lie in other files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from corpus.formats.tflite import Flat, model
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.pickle_behind import PickleBehindReader
from mlsecops.models.readers.tflite import TfLiteReader
from support.parts import read_with, reasons, rules, subjects
from support.pickle_streams import ECHO, judge


def test_operators_of_the_runtime_and_of_tensorflow_are_no_fact(tmp_path: Path) -> None:
    names = [None, "TFLite_Detection_PostProcess", "FlexRegexReplace", "FlexAddV2"]
    found = read_with(tmp_path, model([*names], ["weights.bin", None]), TfLiteReader())

    assert (found.facts, found.unread, found.formats) == ({}, [], ["TFLite"])


def test_custom_operators_are_unknown_and_tensorflows_dangerous_ones_dangerous(tmp_path: Path) -> None:
    found = read_with(
        tmp_path, model(["Mine", "FlexWriteFile", "FlexNoSuchOp", "FlexPyFunc"]), TfLiteReader()
    )

    assert subjects(found, "tensorflow-custom-operator") == ["Mine", "NoSuchOp"]
    assert subjects(found, "tensorflow-writes-file") == ["WriteFile"]
    assert subjects(found, "tensorflow-python-call") == ["PyFunc"]


def test_numbers_in_files_elsewhere(tmp_path: Path) -> None:
    found = read_with(tmp_path, model([], ["/etc/passwd", "../../x"]), TfLiteReader())

    assert rules(found) == ["tflite-outside-file"]
    assert subjects(found, "tflite-outside-file") == ["../../x", "/etc/passwd"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\0\0\0TFL3", "nobody knows it"),
        (struct.pack("<I", 900) + b"TFL3" + bytes(40), "it points behind its own end"),
        (
            struct.pack("<I", 8) + b"TFL3" + struct.pack("<I", 0xFFFFFF00) + bytes(40),
            "it points behind its own end",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reasons(read_with(tmp_path, data, TfLiteReader())) == [reason]


@pytest.mark.parametrize("between", [b"", bytes(2 << 20)])
def test_a_pickle_behind_it_is_looked_for(tmp_path: Path, between: bytes) -> None:
    readers = (TfLiteReader(), PickleBehindReader(judge))
    assert read_with(tmp_path, model([None]) + between, *readers).facts == {}
    found = read_with(tmp_path, model([None]) + between + ECHO, *readers)
    assert (rules(found), reasons(found)) == (["model-runs-code"], [])


def test_more_operators_than_any_model_are_not_read(tmp_path: Path) -> None:
    flat = Flat()
    fields = {1: 0}
    flat.data[:8] = struct.pack("<I", flat.table(fields)) + b"TFL3"
    flat.point(fields[1], len(flat.data))
    data = bytes(flat.data) + struct.pack("<I", 1 << 30)

    assert reasons(read_with(tmp_path, data, TfLiteReader())) == ["it has more operators than any real model"]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=4)), max_size=6),
    st.integers(9, 300),
)
def test_damaged_files_end(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(model(["Mine", "FlexWriteFile", None], ["/x"]))
    for place, damage in damages:
        start = 8 + place % (len(data) - 8)
        data[start : start + len(damage)] = damage
    found = read_with(tmp_path_factory.mktemp("flat"), bytes(data[:cut]), TfLiteReader())

    assert all(fact.message for fact in found.facts.values())
