"""NumPy files: their header, and the pickle in arrays of objects."""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Fact
from mlsecops.models.readers.numpy_files import NpyReader
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk
from support.parts import read_with, reasons, rules


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = (header + "\n").encode("utf-8" if version == 3 else "latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def plain(descr: str, shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}   "


@dataclass(frozen=True)
class AnyPickle:
    """Stands for the reader of pickles."""

    format: str = "pickle"

    def recognises(self, head: bytes, source: Source) -> bool:
        return head.startswith(b"\x80")

    def read(self, source: Source, walk: Walk) -> None:
        walk.found.add(Fact(rule="pickle", subject=str(source.size), message=""))


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (plain("'<f8'"), 16),
        (plain("'|S5'"), 10),
        (plain("'<U3'"), 24),
        (plain("'<M8[ns]'"), 16),
        (plain("'|b1'"), 2),
        (plain("'<f4'", "()"), 4),
        (plain("'<f4'", "(0, 3)"), 0),
        (plain("'<f4'", "(2L, 3L)"), 24),
        (plain("[('a', '<f4'), ('O', '<i8', (2,)), (('title', 'b'), '|V3')]", "(1,)"), 23),
        (plain("[('a', [('b', '<f4')]), ('c', '<i8', 2)]", "(1,)"), 20),
        (plain("('<f4', (3,))", "(1,)"), 12),
    ],
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_arrays_of_numbers_are_no_fact(tmp_path: Path, header: str, size: int, version: int) -> None:
    found = read_with(tmp_path, npy(header, bytes(size), version), NpyReader())
    assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize(
    "descr",
    [
        "'|O'",
        "'O8'",
        "'object'",
        "'f4,O'",
        "[('a', '<f4'), ('b', '|O')]",
        "[('a', [('b', 'O')])]",
        "('O', (2,))",
    ],
)
def test_objects_go_to_the_reader_of_pickles(tmp_path: Path, descr: str) -> None:
    stream = pickle.dumps([1])
    found = read_with(tmp_path, npy(plain(descr), stream), NpyReader(), AnyPickle())
    assert rules(found) == ["numpy-objects", "pickle"]
    assert not found.unread


def test_objects_without_a_reader_are_not_clean(tmp_path: Path) -> None:
    assert reasons(read_with(tmp_path, npy(plain("'|O'"), b"junk"), NpyReader())) == [
        "its objects are no pickle"
    ]
    assert reasons(read_with(tmp_path, npy(plain("'|O'")), NpyReader())) == ["its pickle is missing"]


def test_what_lies_behind_the_array_is_read(tmp_path: Path) -> None:
    array = npy(plain("'<f4'"), bytes(8))
    both = read_with(tmp_path, array + array, NpyReader())
    assert (both.facts, both.formats) == ({}, ["NumPy", "NumPy"])
    assert rules(read_with(tmp_path, array + b"\x80junk", NpyReader(), AnyPickle())) == ["pickle"]
    assert rules(read_with(tmp_path, array + b"junk", NpyReader())) == ["numpy-header"]


@pytest.mark.parametrize(
    "data",
    [
        npy("{'descr': __import__('os').system('echo'), 'shape': (1,), 'fortran_order': False}"),
        npy(plain("'<f4'", "(-1,)")),
        npy(plain("'<f8'", "(9999999999, 9999999999)")),
        npy(plain("'<f4'", "(1,), 'x': 1"), bytes(4)),
        npy(" " * 70_000, version=2),
    ],
)
def test_headers_that_mislead_are_facts(tmp_path: Path, data: bytes) -> None:
    assert rules(read_with(tmp_path, data, NpyReader())) == ["numpy-header"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npy(plain("'<f8'"), bytes(15)), "cut off: 1 bytes"),
        (npy(plain("'<f8'"))[:40], "cut off within"),
        (b"\x93NUMPY\x09\x00aaaa", "version"),
        (npy("{'descr': a + b}"), "cannot be read"),
        (npy("{'descr': '<f4'}"), "does not describe"),
        (npy("[]"), "does not describe"),
        (npy("{"), "cannot be read"),
        (npy(plain("'<f4'", "3")), "does not describe"),
        (npy("(" * 5000), "cannot be read"),
        (npy(plain("[" * 30 + "]" * 30)), "type"),
        (npy(plain("[('a', " * 30 + "'O'" + ")]" * 30)), "nested too deeply"),
        (npy(plain("'<q9z'")), "type that is not known"),
        (npy(plain("7")), "type that is not known"),
        (npy(plain("[('a',)]")), "type that is not known"),
        (npy(plain("[('a', '<f4', 'x')]")), "type that is not known"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, NpyReader())
    assert reason in " ".join(reasons(found))
    assert not found.facts


@settings(max_examples=200, deadline=None)
@given(st.text("{}[]()'\",:descrshapefortran_order <f48OL-1\\", max_size=200))
def test_any_header_is_read_or_not(tmp_path_factory: pytest.TempPathFactory, header: str) -> None:
    found = read_with(tmp_path_factory.getbasetemp(), npy(header, bytes(16)), NpyReader())
    assert not any("itself failed" in reason for reason in reasons(found))
