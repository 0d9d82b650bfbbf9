"""Checkpoints of TensorFlow: an index of numbers and texts is harmless, nothing else in a table is."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus.formats.tables import (
    HEADER,
    MAGIC,
    STRING,
    VARIANT,
    block,
    checkpoint,
    table,
    tensor,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.checkpoint import CheckpointReader
from support.parts import read_with, reasons, rules

NAMES = [f"layer/{number}/kernel" for number in range(5)]
DAMAGED, OTHER = "its table is damaged", "it is a table of LevelDB, and no checkpoint of TensorFlow"


def read(folder: Path, data: bytes) -> Inspection:
    return read_with(folder, data, CheckpointReader())


@pytest.mark.parametrize("names", [[], NAMES[:1], NAMES])
def test_a_checkpoint_of_numbers_and_texts_is_harmless(tmp_path: Path, names: list[str]) -> None:
    for kind in (1, STRING):
        found = read(tmp_path, checkpoint(names, kind))
        assert (rules(found), reasons(found), found.streams) == ([], [], 1)
        assert found.details["tensors"] == f"{len(names)}, in files beside it that are not read"
        assert (found.formats, found.producer) == (["TensorFlow checkpoint"], "tensorflow")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (checkpoint(NAMES, VARIANT), "it holds objects of TensorFlow, which nothing here can read"),
        (table(block([(b"key", b"value")])), OTHER),
        (table(block([(b"", HEADER), (b"a", b"\x7a\1x")])), OTHER),
        (table(block([(b"", HEADER), (b"", tensor())])), OTHER),
        (table(block([])), OTHER),
        (table(), OTHER),
        (table(block([(b"", HEADER)]), kind=1), "its table is compressed with snappy"),
        (table(block([(b"", HEADER)]), gap=-1), "its table"),
        (table(block([(b"", HEADER)]), gap=1 << 20), DAMAGED),
        (table(block([(b"", HEADER)])[:-4] + b"\xff\0\0\0"), DAMAGED),
        (table(b"\5\1\0a" + bytes(8)), DAMAGED),
        (table(b"\0\1\x7fa" + bytes(8)), DAMAGED),
        (bytes(40) + MAGIC, DAMAGED),
        (b"\x80" * 40 + MAGIC, "protobuf"),
        (b"\0\0\0\xff\xff\xff\xff\x0f".ljust(40, b"\0") + MAGIC, "a larger block than any real one"),
    ],
)
def test_what_is_no_sound_checkpoint_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in reasons(read(tmp_path, data))[0]


def test_blocks_that_are_there_twice(tmp_path: Path) -> None:
    one = block([(b"", HEADER)])
    twice = block([(b"a", b"\0" + bytes([len(one)]))] * 2)
    body = one + bytes(5) + twice + bytes(5)
    footer = b"\0\0" + bytes([len(one) + 5, len(twice)])
    assert reasons(read(tmp_path, body + footer.ljust(40, b"\0") + MAGIC)) == [DAMAGED]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    assert reasons(read(tmp_path, checkpoint(NAMES) + b"\0")) == ["nobody knows it"]
    assert reasons(read(tmp_path, MAGIC)) == ["nobody knows it"]


@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), min_size=1, max_size=5),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_table_breaks_the_reader(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(checkpoint(NAMES))
    for at, value in changes:
        data[at % (len(data) - 8)] = value
    found = read(tmp_path, bytes(data))
    assert not [each for each in reasons(found) if "mlsecops itself" in each]
