"""safetensors files: whether header and data agree."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.safetensors import SafetensorsReader
from support.parts import read_with, reasons, rules, subjects


def pack(header: bytes | dict[str, Any], data: int = 0) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def tensor(begin: int, end: int, kind: str = "F32", shape: tuple[int, ...] | None = None) -> dict[str, Any]:
    return {"dtype": kind, "shape": list(shape or ((end - begin) // 4,)), "data_offsets": [begin, end]}


WHOLE = pack(
    {"__metadata__": {"format": "pt"}, "a": tensor(0, 8), "b": tensor(8, 16), "n": tensor(16, 16)}, 16
)


@pytest.mark.parametrize(
    "data", [WHOLE, pack({}), pack(b'{"a": %s}   ' % json.dumps(tensor(0, 4)).encode(), 4)]
)
def test_whole_files_are_no_fact(tmp_path: Path, data: bytes) -> None:
    found = read_with(tmp_path, data, SafetensorsReader())
    assert (found.facts, found.unread, found.formats) == ({}, [], ["safetensors"])


WRONG = {
    "overlap": pack({"a": tensor(0, 8), "b": tensor(4, 12)}, 12),
    "hole": pack({"a": tensor(0, 4), "b": tensor(8, 12)}, 12),
    "hole at the start": pack({"a": tensor(4, 8)}, 8),
    "rest": pack({"a": tensor(0, 4)}, 400),
    "rest without tensors": pack({}, 400),
    "shape": pack({"a": tensor(0, 8, shape=(4,))}, 8),
    "shape overflows": pack({"a": tensor(0, 8, shape=(1 << 62, 1 << 62))}, 8),
    "negative": pack({"a": tensor(-8, 0)}, 0),
    "backwards": pack({"a": tensor(8, 0)}, 8),
    "fraction": pack(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4.0]}}', 4),
    "range": pack({"a": tensor(0, 1 << 50)}, 4),
    "twice": pack(b'{"a": %s, "a": %s}' % ((json.dumps(tensor(0, 4)).encode(),) * 2), 4),
    "length": struct.pack("<Q", 1 << 40) + b'{"a": {"data_offsets": []}}',
    "metadata": pack({"__metadata__": {"a": 1}}),
    "large metadata": pack({"__metadata__": {"a": "x" * (5 << 20)}}),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
def test_headers_that_mislead_are_facts(tmp_path: Path, data: bytes) -> None:
    assert rules(read_with(tmp_path, data, SafetensorsReader())) == ["safetensors-header"]


def test_metadata_are_looked_at(tmp_path: Path) -> None:
    data = pack({"__metadata__": {"note": "__import__('os').system('echo')"}})
    assert subjects(read_with(tmp_path, data, SafetensorsReader()), "embedded-command") == [
        "a Python program"
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (WHOLE[:-3], "cut off: 3 bytes"),
        (WHOLE[:40], "nobody"),
        (struct.pack("<Q", 5000) + b'{"a": {"data_offsets": ', "cut off within its header"),
        (pack(b'{"a": }'), "JSON"),
        (pack(b'{"a": {"dtype": "F32"}}'), "does not describe"),
        (pack(b'{"a": 1}'), "does not describe"),
        (pack({"a": tensor(0, 4, "F99")}, 4), "type that is not known"),
        (pack(b'{"a":' + b"[" * 100_000), "JSON"),
        (b"\2\0\0\0\0\0\0\0[]", "nobody"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, SafetensorsReader())
    assert reason in " ".join(reasons(found))
    assert not found.facts


@settings(max_examples=150, deadline=None)
@given(st.integers(9, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_any_bytes_are_read_or_not(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = read_with(folder, WHOLE[:at] + junk + WHOLE[at + len(junk) :], SafetensorsReader())
    assert not any("itself failed" in reason for reason in reasons(found))
