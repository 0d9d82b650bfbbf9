"""Constants of a pickle in one of the opcodes that a protocol has for them, and how to choose among them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from corpus.chance import Chance


@dataclass(frozen=True, slots=True)
class Style:
    """How to write: by default as plainly as a pickler of that protocol does.

    `chance` chooses between opcodes that do the same; `memo` and `junk` are how often a value is memoised
    for nothing or preceded by something that is popped; `frames` is how many frames protocol 4 and up get.
    """

    protocol: int = 4
    chance: Chance | None = None
    memo: float = 0.0
    junk: float = 0.0
    frames: int = 1

    def one_of(self, *choices: bytes) -> bytes:
        """One of several ways to write the same, the first unless there is chance."""
        return self.chance.choice(choices) if self.chance else choices[0]

    def sometimes(self, share: float) -> bool:
        """Whether something that happens that often happens now."""
        return self.chance is not None and self.chance.share() < share


def scalar(value: object, style: Style) -> bytes:
    """A constant: one of the opcodes that the protocol has for it. Raises TypeError for anything else."""
    match value:
        case None:
            return b"N"
        case bool():
            if style.protocol < 2:
                return b"I01\n" if value else b"I00\n"
            return b"\x88" if value else b"\x89"
        case str():
            return _text(value, style)
        case int():
            return _integer(value, style)
        case float():
            return f"F{value!r}\n".encode() if style.protocol < 1 else b"G" + struct.pack(">d", value)
        case bytes() | bytearray():
            return _bytes(value, style)
        case _:
            raise TypeError(f"no opcode for {type(value).__name__}")


def _text(value: str, style: Style) -> bytes:
    data = value.encode()
    lines = (
        value.replace("\\", "\\u005c")
        .replace("\n", "\\u000a")
        .replace("\r", "\\u000d")
        .replace("\0", "\\u0000")
    )
    unicode = b"V" + lines.encode("raw-unicode-escape") + b"\n"
    if style.protocol < 1:
        return style.one_of(unicode, b"S" + repr(value).encode() + b"\n") if value.isascii() else unicode
    ways = [b"X" + struct.pack("<I", len(data)) + data, unicode]
    if style.protocol >= 4:
        ways.append(b"\x8d" + struct.pack("<Q", len(data)) + data)
        if len(data) < 256:
            ways.insert(0, b"\x8c" + bytes([len(data)]) + data)
    return style.one_of(*ways)


def _integer(value: int, style: Style) -> bytes:
    if style.protocol < 1:
        return style.one_of(f"I{value}\n".encode(), f"L{value}L\n".encode())
    ways = [b"J" + struct.pack("<i", value)] if -(1 << 31) <= value < 1 << 31 else []
    if 0 <= value < 256:
        ways.insert(0, b"K" + bytes([value]))
    elif 0 <= value < 65536:
        ways.insert(0, b"M" + struct.pack("<H", value))
    if style.protocol >= 2:
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        ways.append(b"\x8a" + bytes([len(data)]) + data)
    return style.one_of(*ways or [f"L{value}L\n".encode()])


def _bytes(value: bytes | bytearray, style: Style) -> bytes:
    if isinstance(value, bytearray):
        return b"\x96" + struct.pack("<Q", len(value)) + bytes(value)
    ways = [b"B" + struct.pack("<I", len(value)) + value]
    if len(value) < 256:
        ways.insert(0, b"C" + bytes([len(value)]) + value)
    if style.protocol >= 4:
        ways.append(b"\x8e" + struct.pack("<Q", len(value)) + value)
    return style.one_of(*ways)
