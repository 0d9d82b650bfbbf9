"""Compressions without compression: frames of lz4, zstd and 7z whose blocks are stored as they are."""

from __future__ import annotations

import struct
import zlib

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


def seven_zip(name: str, data: bytes) -> bytes:
    """An archive with one stored file (7zFormat.txt)."""
    packed = b"\x06" + _number(0) + _number(1) + b"\x09" + _number(len(data)) + b"\x00"
    folder = b"\x0b" + _number(1) + b"\x00" + _number(1) + b"\x01\x00"
    unpack = b"\x07" + folder + b"\x0c" + _number(len(data)) + b"\x00"
    digests = b"\x08\x0a\x01" + struct.pack("<I", zlib.crc32(data)) + b"\x00"
    names = b"\x00" + name.encode("utf-16-le") + b"\x00\x00"
    files = b"\x05" + _number(1) + b"\x11" + _number(len(names)) + names + b"\x00"
    header = b"\x01\x04" + packed + unpack + digests + b"\x00" + files + b"\x00"
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


def _number(value: int) -> bytes:
    """The format's own numbers: the leading ones of the first byte count those that follow."""
    first, mask, tail = 0, 0x80, b""
    for size in range(8):
        if value < 1 << (7 * (size + 1)):
            return bytes([first | value >> (8 * size)]) + (value & (1 << (8 * size)) - 1).to_bytes(
                size, "little"
            )
        first |= mask
        mask >>= 1
    return b"\xff" + value.to_bytes(8, "little") + tail
