"""Compressions without compression: frames of lz4 and zstd whose blocks are stored as they are."""

from __future__ import annotations

import struct

_PRIMES = (2654435761, 2246822519, 3266489917, 668265263, 374761393)
_WORD = 0xFFFFFFFF


def zstd(data: bytes) -> bytes:
    """A frame of raw blocks (RFC 8878)."""
    out = bytearray(b"\x28\xb5\x2f\xfd" + bytes([0xA0]) + struct.pack("<I", len(data)))
    pieces = [data[start : start + 100_000] for start in range(0, len(data), 100_000)] or [b""]
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        out += struct.pack("<I", len(piece) << 3 | last)[:3] + piece
    return bytes(out)


def lz4(data: bytes) -> bytes:
    """A frame of uncompressed blocks (lz4_Frame_format.md)."""
    descriptor = b"\x60\x40"
    out = bytearray(b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF]))
    for start in range(0, len(data), 65536):
        piece = data[start : start + 65536]
        out += struct.pack("<I", len(piece) | 1 << 31) + piece
    return bytes(out + bytes(4))


def xxh32(data: bytes) -> int:
    """The hash of fewer than 16 bytes, as lz4's header has it."""
    one, two, three, four, five = _PRIMES
    value = (five + len(data)) & _WORD
    rest = data
    while len(rest) >= 4:
        value = _rotated(value + int.from_bytes(rest[:4], "little") * three, 17) * four & _WORD
        rest = rest[4:]
    for byte in rest:
        value = _rotated(value + byte * five, 11) * one & _WORD
    value = (value ^ value >> 15) * two & _WORD
    value = (value ^ value >> 13) * three & _WORD
    return value ^ value >> 16


def _rotated(value: int, by: int) -> int:
    value &= _WORD
    return (value << by | value >> (32 - by)) & _WORD
