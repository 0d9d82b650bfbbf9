from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.models.protobuf import Span, Wire, outline
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError
from support.protobuf import field, varint


@contextmanager
def source(data: bytes) -> Iterator[Source]:
    with tempfile.TemporaryFile(buffering=0) as stream:
        stream.write(data)
        yield Source.of(stream)


def fields(data: bytes, left: int = 1000) -> list[tuple[int, int | bytes]]:
    with source(data) as opened:
        wire = Wire(opened, left=left)
        return [
            (number, value if isinstance(value, int) else wire.data(value)) for number, value in wire.fields()
        ]


def test_every_kind_of_field_comes_with_its_number() -> None:
    data = field(1, 300) + field(2, "text") + field(3, 1.0) + b"\x21" + bytes(8) + field(536870911, b"")

    assert fields(data) == [(1, 300), (2, b"text"), (3, 0x3F800000), (4, 0), (536870911, b"")]


def test_messages_nest_and_know_their_place() -> None:
    inner = field(1, "deep")
    data = field(9, 1) + field(2, field(3, inner))
    with source(data) as opened:
        wire = Wire(opened)
        [outer] = wire.parts(None, 2)
        [middle] = wire.parts(outer, 3)
        [text] = wire.parts(middle, 1)

        assert wire.text(text) == "deep"
        assert data[text.start : text.start + text.size] == b"deep"


def test_long_text_is_cut_off_and_odd_bytes_are_replaced() -> None:
    with source(field(1, b"\xff" + b"a" * 100)) as opened:
        wire = Wire(opened)
        [span] = wire.parts(None, 1)

        assert wire.text(span, 3) == "�aa"


def test_big_payloads_are_skipped_and_what_follows_them_is_found() -> None:
    reads: list[int] = []

    class Counting(Source):
        def at(self, offset: int, length: int) -> bytes:
            reads.append(length)
            return super().at(offset, length)

    data = field(1, bytes(20_000_000)) + field(2, "end") + field(1, bytes(5_000_000)) + field(3, 7)
    with source(data) as opened:
        counting = Counting(opened.stream, opened.start, opened.size)
        numbers = [number for number, _ in Wire(counting).fields()]

    assert numbers == [1, 2, 1, 3]
    assert sum(reads) < 1_000_000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x01", "not a sound"),
        (b"\x0b", "not a sound"),
        (b"\x0a\x05abc", "cut off"),
        (b"\x0d\x01\x02", "cut off"),
        (b"\x09\x01\x02", "cut off"),
        (b"\x08", "cut off"),
        (b"\x08\xff", "cut off"),
        (b"\x08" + b"\xff" * 11, "not a sound"),
        (b"\xff" * 9 + b"\x01\x01", "not a sound"),
        (field(1, 1)[:1] + b"\x80", "cut off"),
    ],
)
def test_what_is_no_message_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        fields(data)


def test_more_fields_than_allowed_are_not_looked_at() -> None:
    with pytest.raises(UnreadableError, match="more protobuf fields"):
        fields(field(1, 1) * 11, left=10)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"\x93NUMPY", None),
        (field(1, 7), ((1, 7),)),
        (field(1, 7) + field(2, "long")[:-2], ((1, 7),)),
        (field(2, "long")[:-2], None),
        (field(1, "a") * 100, tuple((1, Span(3 * index + 2, 1)) for index in range(64))),
    ],
)
def test_an_outline_tells_whether_it_is_a_message(data: bytes, expected: object) -> None:
    with source(data) as opened:
        assert outline(opened) == expected


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.one_of(st.integers(0, 2**64 - 1), st.binary()))))
def test_what_was_written_is_read(items: list[tuple[int, int | bytes]]) -> None:
    assert fields(b"".join(field(number, value) for number, value in items)) == items


@given(st.binary(max_size=300))
def test_any_bytes_end_in_fields_or_a_reason(data: bytes) -> None:
    with suppress(UnreadableError):
        assert all(number > 0 for number, _ in fields(data))


def test_integers_of_variable_length() -> None:
    assert varint(300) == b"\xac\x02"
