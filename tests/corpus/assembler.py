"""Pickle bytes put together opcode by opcode from a tree of values and calls; nothing is ever unpickled.

The same tree gives other bytes with another `Style`: other opcodes for the same string, tuple or name, memo
entries that nobody reads, junk that is popped again, frames cut elsewhere. Opcodes: `pickletools` of CPython.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corpus.scalars import Style, scalar
from corpus.tree import Build, Call, Computed, Extended, Get, Global, Put, Raw, Then

__all__ = [
    "Build",
    "Call",
    "Computed",
    "Extended",
    "Get",
    "Global",
    "Put",
    "Raw",
    "Style",
    "Then",
    "code_of",
    "pickled",
]


def pickled(value: object, style: Style | None = None, *, stop: bool = True) -> bytes:
    """The whole stream: header, frames, opcodes and, unless it is to be broken off, STOP."""
    style = style or Style()
    pieces = list(_opcodes(value, style, _Memo()))
    if stop:
        pieces.append(b".")
    if style.protocol < 2:
        return b"".join(pieces)
    return b"\x80" + bytes([style.protocol]) + _framed(pieces, style)


def code_of(value: object, style: Style | None = None) -> bytes:
    """The opcodes alone, to be put between others."""
    return b"".join(_opcodes(value, style or Style(), _Memo(1000)))


class _Memo:
    """Numbers of memo entries that nobody reads, above those that a tree uses by name."""

    def __init__(self, first: int = 64) -> None:
        self.next = first


def _framed(pieces: list[bytes], style: Style) -> bytes:
    if style.protocol < 4 or not style.frames:
        return b"".join(pieces)
    size = max(-(-len(pieces) // style.frames), 1)
    groups = [b"".join(pieces[start : start + size]) for start in range(0, len(pieces), size)]
    return b"".join(b"\x95" + struct.pack("<Q", len(group)) + group for group in groups)


def _opcodes(value: object, style: Style, memo: _Memo) -> Iterator[bytes]:
    if style.sometimes(style.junk):
        yield from _junk(style)
    yield from _value(value, style, memo)
    if style.sometimes(style.memo) and not isinstance(value, Raw):
        yield put(memo.next, style)
        memo.next += 1


def _junk(style: Style) -> Iterator[bytes]:
    if style.protocol < 1:
        yield from (b"N", b"0")
    else:
        yield from (style.one_of(b"N", b"K\x07", b"]"), b"0") if style.sometimes(0.5) else (b"(", b"N", b"1")


def _value(value: object, style: Style, memo: _Memo) -> Iterator[bytes]:
    match value:
        case Raw():
            yield value.code
        case Global():
            yield from _global(value, style, memo)
        case Computed():
            yield from _opcodes(value.module, style, memo)
            yield from _opcodes(value.name, style, memo)
            yield b"\x93"
        case Call():
            yield from _call(value, style, memo)
        case Build():
            yield from _opcodes(value.target, style, memo)
            yield from _opcodes(value.state, style, memo)
            yield b"b"
        case Then():
            for each in value.values[:-1]:
                yield from _opcodes(each, style, memo)
                yield b"0"
            yield from _opcodes(value.values[-1], style, memo)
        case Put():
            yield from _value(value.value, style, memo)
            yield put(value.key, style, named=True)
        case Get():
            yield _get(value.key, style)
        case _:
            yield from _data(value, style, memo)


def _data(value: object, style: Style, memo: _Memo) -> Iterator[bytes]:
    match value:
        case tuple():
            yield from _tuple(value, style, memo)
        case list():
            yield from _collected(Extended(Raw(_empty(b"]", b"(l", style)), items=tuple(value)), style, memo)
        case dict():
            pairs = tuple(value.items())
            yield from _collected(Extended(Raw(_empty(b"}", b"(d", style)), pairs=pairs), style, memo)
        case Extended():
            yield from _collected(value, style, memo)
        case bytes() if style.protocol < 3:
            text = value.decode("latin-1")
            yield from _value(Call(Global("_codecs", "encode"), (text, "latin1")), style, memo)
        case _:
            yield scalar(value, style)


def _call(call: Call, style: Style, memo: _Memo) -> Iterator[bytes]:
    arguments = call.arguments if isinstance(call.arguments, tuple) else ()
    if call.opcode == "INST" and isinstance(call.target, Global):
        yield b"("
        for each in arguments:
            yield from _opcodes(each, style, memo)
        yield f"i{call.target.module}\n{call.target.name}\n".encode()
    elif call.opcode == "OBJ":
        yield b"("
        for each in (call.target, *arguments):
            yield from _opcodes(each, style, memo)
        yield b"o"
    else:
        yield from _opcodes(call.target, style, memo)
        yield from _opcodes(call.arguments, style, memo)
        if call.opcode == "NEWOBJ_EX":
            yield from _opcodes(call.keywords, style, memo)
        yield {"REDUCE": b"R", "NEWOBJ": b"\x81", "NEWOBJ_EX": b"\x92"}[call.opcode]


def _global(value: Global, style: Style, memo: _Memo) -> Iterator[bytes]:
    module = value.module
    if module == "builtins" and style.protocol < 3:  # the name that Python 3 writes for Python 2
        module = style.one_of(b"__builtin__", b"builtins").decode()
    classic = f"c{module}\n{value.name}\n".encode()
    on_stack = value.opcode == "STACK_GLOBAL" or (not value.opcode and style.protocol >= 4)
    if not value.opcode and style.protocol >= 4 and style.sometimes(0.2):
        on_stack = False
    if not on_stack:
        yield classic
        return
    for name in (module, value.name):
        yield from _opcodes(name, style, memo)
    yield b"\x93"


def _tuple(items: tuple[object, ...], style: Style, memo: _Memo) -> Iterator[bytes]:
    if not items:
        yield b"(t" if style.protocol < 1 else style.one_of(b")", b"(t")
        return
    marked = style.protocol < 2 or len(items) > 3 or style.sometimes(0.3)
    if marked:
        yield b"("
    for each in items:
        yield from _opcodes(each, style, memo)
    yield b"t" if marked else (b"\x85", b"\x86", b"\x87")[len(items) - 1]


def _collected(value: Extended, style: Style, memo: _Memo) -> Iterator[bytes]:
    yield from _value(value.target, style, memo)
    single = style.protocol < 1 or style.sometimes(0.3)
    groups: tuple[tuple[tuple[tuple[object, ...], ...], bytes, bytes], ...] = (
        (tuple((each,) for each in value.items), b"a", b"e"),
        (value.pairs, b"s", b"u"),
    )
    for entries, one, many in groups:
        if entries and not single:
            yield b"("
        for entry in entries:
            for each in entry:
                yield from _opcodes(each, style, memo)
            if single:
                yield one
        if entries and not single:
            yield many


def _empty(short: bytes, long: bytes, style: Style) -> bytes:
    return long if style.protocol < 1 else style.one_of(short, long)


def put(key: int, style: Style, *, named: bool = False) -> bytes:
    """Keep the top of the stack; MEMOIZE only where nobody reads it, for it chooses its own number."""
    text = f"p{key}\n".encode()
    if style.protocol < 1:
        return text
    ways = (
        [b"q" + bytes([key]), b"r" + struct.pack("<I", key)] if key < 256 else [b"r" + struct.pack("<I", key)]
    )
    if style.protocol >= 4 and not named:
        ways.insert(0, b"\x94")
    return style.one_of(*ways, text)


def _get(key: int, style: Style) -> bytes:
    text = f"g{key}\n".encode()
    if style.protocol < 1:
        return text
    if key > 255:
        return b"j" + struct.pack("<I", key)
    return style.one_of(b"h" + bytes([key]), b"j" + struct.pack("<I", key), text)
