"""Protocol buffers by field number (protobuf.dev/programming-guides/encoding)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

Value = int | float | str | bytes


def message(*fields: tuple[int, Value | Iterable[Value]]) -> bytes:
    """Fields in their order: numbers as varints, floats as 32 bits, all else by its length."""
    out = bytearray()
    for number, given in fields:
        values = (given,) if isinstance(given, int | float | str | bytes) else given
        for value in values:
            out += _field(number, value)
    return bytes(out)


def varint(value: int) -> bytes:
    """A number in groups of seven bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data
