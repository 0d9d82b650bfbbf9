"""Opcodes that put numbers, texts and bytes on the stack."""

from __future__ import annotations

import binascii
import math
import re
import struct
from collections.abc import Callable

from mlsecops.models.pickle.machine import Handler, Machine
from mlsecops.models.pickle.values import Constant, Cut, External, Unknown
from mlsecops.models.pickle.window import BrokenError, Window

_LINE = 4096
_BOMB = 1 << 40  # bytes; a file that was cut off can miss less than that
_PROTOCOLS, _SHORTEST = tuple(bytes([number]) for number in range(6)), 8
ENCODED = b"gA"  # what a pickle begins with in Base64
_PROTOCOLS_ENCODED = tuple(bytes([letter]) for letter in b"ABCDEFGHIJKLMNOPQRSTUVWX")
_LONG_NUMBER = Unknown("a number of very many digits")
_INTEGER = re.compile(rb"\s*[-+]?(0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|0[bB][01_]+|[1-9][0-9_]*)\s*")
_FLOAT = re.compile(
    rb"\s*[-+]?(\d[\d_]*\.?[\d_]*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf(inity)?|nan)\s*", re.IGNORECASE
)
_ESCAPE = re.compile(rb"\\(\r?\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_UNICODE_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_BINFLOAT = struct.Struct(">d")


def push(value: object) -> Handler:
    """An opcode that stands for a value."""

    def handler(machine: Machine, _: Window) -> None:
        machine.stack.append(value)

    return handler


def unsigned(width: int) -> Handler:
    """BININT1 and BININT2."""

    def handler(machine: Machine, window: Window) -> None:
        machine.stack.append(int.from_bytes(window.take(width), "little"))

    return handler


def binint(machine: Machine, window: Window) -> None:
    """BININT, which has a sign."""
    machine.stack.append(int.from_bytes(window.take(4), "little", signed=True))


def binfloat(machine: Machine, window: Window) -> None:
    """BINFLOAT."""
    machine.stack.append(_BINFLOAT.unpack(window.take(8))[0])


def counted_long(width: int) -> Handler:
    """LONG1 and LONG4."""

    def handler(machine: Machine, window: Window) -> None:
        length = int.from_bytes(window.take(width), "little", signed=width == 4)
        if length < 0:
            raise BrokenError("a number in it has a negative length")
        data = window.counted(length, _LINE)
        number: object = int.from_bytes(data, "little", signed=True)
        machine.stack.append(number if length <= _LINE else _LONG_NUMBER)

    return handler


def integer(machine: Machine, window: Window) -> None:
    """INT: a number in digits, or `00` and `01` for the two truth values."""
    line, length = window.line(_LINE)
    if line in (b"00", b"01"):
        machine.stack.append(line == b"01")
    else:
        machine.stack.append(_integer(line, length))


def long(machine: Machine, window: Window) -> None:
    """LONG: a number in digits, with an L behind it or not."""
    line, length = window.line(_LINE)
    machine.stack.append(_integer(line.removesuffix(b"L"), length))


def _integer(line: bytes, length: int) -> object:
    if length > _LINE:
        return _LONG_NUMBER
    if not _INTEGER.fullmatch(line):
        raise BrokenError("a number in it is none")
    try:
        return int(line, 0)
    except ValueError:  # too many digits, or the leading zeroes that only C takes
        return _LONG_NUMBER


def floating(machine: Machine, window: Window) -> None:
    """FLOAT: a number in digits."""
    line, _ = window.line(_LINE)
    if not _FLOAT.fullmatch(line):
        raise BrokenError("a number in it is none")
    try:
        machine.stack.append(float(line))
    except ValueError:
        machine.stack.append(math.nan)


def _look_for_pickle(machine: Machine, data: bytes, start: int, length: int) -> None:
    """Note what begins like one, as bytes or in Base64."""
    plain = data[:1] == b"\x80" and data[1:2] in _PROTOCOLS
    if length > _SHORTEST and (plain or (data[:2] == ENCODED and data[2:3] in _PROTOCOLS_ENCODED)):
        machine.saw_pickle(start, length)


def counted(width: int, *, text: bool, decode: Callable[[bytes], str] | None = None) -> Handler:
    """Texts and bytes with their length before them."""

    def handler(machine: Machine, window: Window) -> None:
        length = int.from_bytes(window.take(width), "little")
        start = window.position
        if length > machine.source.size:
            too_long(machine, length)
        data = window.counted(length, machine.keep())
        whole = len(data) == length
        _look_for_pickle(machine, data, start, length)
        if not text:
            machine.read_text(data if whole else Cut(data, length, start))
        elif decode is not None:
            value = decode(data)
            machine.read_text(value if whole else Cut(value, length, start))
        else:
            machine.read_text(_utf8(data) if whole else Cut(data.decode("utf-8", "replace"), length, start))

    return handler


def too_long(machine: Machine, length: int) -> None:
    """Tell of a length that nothing can have: unpicklers make room before they read."""
    if length > _BOMB:
        machine.say(External("memory", Constant(length), machine.offset))


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise BrokenError("a text in it is not UTF-8") from None


def old_text(data: bytes) -> str:
    """The text of Python 2: loaders are told its encoding, ours takes every byte for a letter."""
    return data.decode("latin-1")


def string(machine: Machine, window: Window) -> None:
    """STRING: a quoted text of Python 2 with escapes."""
    start = window.position
    line, length = window.line(machine.keep())
    quoted = length >= 2 and line[:1] in b"'\"" and line[:1] == machine.source.at(start + length - 1, 1)
    if not quoted:
        raise BrokenError("a text in it has no quotes")
    _look_for_pickle(machine, line[1:], start + 1, length - 2)
    if len(line) < length:
        machine.read_text(Cut(old_text(line[1:]), length - 2, start + 1))
    else:
        machine.read_text(old_text(_ESCAPE.sub(_unescape, line[1:-1])))


def _unescape(match: re.Match[bytes]) -> bytes:
    what = match[1]
    if what in (b"\n", b"\r\n"):
        return b""
    if what[:1] == b"x" and len(what) == 3:
        return binascii.unhexlify(what[1:])
    if what[0] in b"01234567":
        return bytes([int(what, 8) & 0xFF])
    return _ESCAPES.get(what, what if what in (b"\\", b"'", b'"') else b"\\" + what)


def unicode(machine: Machine, window: Window) -> None:
    """UNICODE: a text to the end of the line, with `\\u` escapes."""
    start = window.position
    line, length = window.line(machine.keep())
    _look_for_pickle(machine, line, start, length)
    value = _UNICODE_ESCAPE.sub(_character, line.decode("latin-1"))
    machine.read_text(value if len(line) == length else Cut(value, length, start))


def _character(match: re.Match[str]) -> str:
    code = int(match[2][1:], 16)
    if code > 0x10FFFF:
        raise BrokenError("a text in it has a character that does not exist")
    return match[1] + chr(code)
