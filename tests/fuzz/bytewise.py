"""Mutations of bytes that know nothing of any format."""

from __future__ import annotations

import re
from collections.abc import Callable

from corpus.chance import Chance

Mutation = Callable[[bytes, bytes, Chance], bytes]

_WIDTHS = (1, 2, 4, 8)
_GROWN = (1 << 12, 1 << 15, 1 << 18, 1 << 20)
_NUMBER = re.compile(rb"\d+")
_NUMBERS = (b"0", b"-1", b"007", b"65536", b"4294967295", b"18446744073709551616", b"9" * 5000, b"1e999", b"")
# First bytes and marks of formats, opcodes, and what parsers stumble over.
_TOKENS = (
    b"PK\x03\x04 PK\x01\x02 PK\x05\x06 PK\x06\x06 \x1f\x8b\x08 BZh9 \xfd7zXZ\x00 \x28\xb5\x2f\xfd "
    b"\x04\x22\x4d\x18 7z\xbc\xaf\x27\x1c \x89HDF\r\n\x1a\n TREE SNOD HEAP GCOL OHDR OCHK FRHP "
    b"GGUF \x93NUMPY TFL3 RDX3\n X\n "
    b"\x80\x04\x95 \x93 \x94 \x85R 0 . (lp0\n cos\nsystem\n \x8c\x08 \x81 b \x88 s u e "
    b'{{ {% %} [[[[ {" }}}} !!python/object: <!ENTITY <?xml ustar '
    b"\xff\xff\xff\xff \xed\xa0\x80 \x00\x00\x00\x00"
).split(b" ")


def mutated(data: bytes, other: bytes, chance: Chance) -> bytes:
    """The bytes with one thing changed, now and then with bytes of another file."""
    return chance.choice(_GROWING if chance.below(60) == 0 else _MUTATIONS)(data, other, chance)


def boundary(chance: Chance, size: int) -> int:
    """A number that a length, a count or an offset should not be."""
    power = 1 << chance.choice((7, 8, 15, 16, 24, 31, 32, 33, 62, 63, 64))
    near = chance.choice((0, power, size, size // 2))
    return near + chance.choice((-1, 0, 1, 2, 8))


def cut(data: bytes, chance: Chance, longest: int = 1 << 16) -> tuple[int, int]:
    """Where some piece begins and ends: short ones more often."""
    start = chance.below(len(data) + 1)
    most = min(len(data) - start, chance.choice((1, 4, 16, 256, longest)))
    return start, start + chance.below(most + 1)


def _flip(data: bytes, other: bytes, chance: Chance) -> bytes:
    out = bytearray(data)
    for _ in range(1 + chance.below(4)):
        if out:
            out[chance.below(len(out))] ^= 1 << chance.below(8)
    return bytes(out)


def _byte(data: bytes, other: bytes, chance: Chance) -> bytes:
    at = chance.below(len(data) + 1)
    return data[:at] + bytes([chance.below(256)]) + data[at + 1 :]


def _integer(data: bytes, other: bytes, chance: Chance) -> bytes:
    width, at = chance.choice(_WIDTHS), chance.below(len(data) + 1)
    if chance.below(2):
        at -= at % width
    number = boundary(chance, len(data))
    if chance.below(3) == 0:
        number = int.from_bytes(data[at : at + width], "little") + chance.choice((-1, 1, 16, -8))
    order = "big" if chance.below(4) == 0 else "little"
    value = (number % (1 << 8 * width)).to_bytes(width, "big")
    return data[:at] + (value if order == "big" else value[::-1]) + data[at + width :]


def _digits(data: bytes, other: bytes, chance: Chance) -> bytes:
    numbers = list(_NUMBER.finditer(data[: 1 << 14]))
    if not numbers:
        return _byte(data, other, chance)
    start, end = chance.choice(numbers).span()
    return data[:start] + chance.choice(_NUMBERS) + data[end:]


def _insert(data: bytes, other: bytes, chance: Chance) -> bytes:
    at = chance.below(len(data) + 1)
    piece = chance.choice(_TOKENS) if chance.below(3) else chance.bytes(1 + chance.below(16))
    return data[:at] + piece + data[at + chance.choice((0, len(piece))) :]


def _delete(data: bytes, other: bytes, chance: Chance) -> bytes:
    start, end = cut(data, chance)
    return data[:start] + data[end:]


def _truncate(data: bytes, other: bytes, chance: Chance) -> bytes:
    at = chance.below(len(data) + 1)
    return data[:at] if chance.below(4) else data[at:]


def _duplicate(data: bytes, other: bytes, chance: Chance) -> bytes:
    start, end = cut(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 1, 3, 20)) + data[end:]


def _move(data: bytes, other: bytes, chance: Chance) -> bytes:
    start, end = cut(data, chance)
    rest = data[:start] + data[end:]
    at = chance.below(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _splice(data: bytes, other: bytes, chance: Chance) -> bytes:
    return data[: chance.below(len(data) + 1)] + other[chance.below(len(other) + 1) :]


def _graft(data: bytes, other: bytes, chance: Chance) -> bytes:
    start, end = cut(other, chance)
    at, behind = cut(data, chance)
    return data[:at] + other[start:end] + data[at if chance.below(2) else behind :]


def _join(data: bytes, other: bytes, chance: Chance) -> bytes:
    return data + other if chance.below(2) else other + data


def _grow(data: bytes, other: bytes, chance: Chance) -> bytes:
    """A short piece so often that work which is more than linear in it can be felt."""
    start, end = cut(data, chance, 64)
    piece = data[start:end][:64] or chance.choice(_TOKENS)
    return data[:start] + piece * (chance.choice(_GROWN) // len(piece)) + data[end:]


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _byte,
    _integer,
    _integer,
    _digits,
    _insert,
    _delete,
    _truncate,
    _duplicate,
    _move,
    _splice,
    _graft,
    _join,
)
_GROWING: tuple[Mutation, ...] = (_grow,)
