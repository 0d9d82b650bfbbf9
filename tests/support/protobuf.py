"""Messages of protocol buffers, put together field by field."""

from __future__ import annotations

import struct


def varint(number: int) -> bytes:
    """An integer of variable length."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: bytes | str | float) -> bytes:
    """One field: integers of variable length, text and bytes with their length, floats of 32 bits."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data
