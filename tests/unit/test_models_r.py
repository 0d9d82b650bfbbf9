"""R's serialized objects: what runs by itself, and what code in them calls."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.r_data import RReader
from support.parts import read_with, reasons, rules, subjects

NIL, GLOBAL, UNBOUND = 254, 253, 252
TAG, ATTRIBUTES = 1 << 10, 1 << 9
PROMISE, CALLS = "r-promise", "r-dangerous-call"


def number(value: int) -> bytes:
    return struct.pack(">i", value)


def chars(text: str) -> bytes:
    return number(9) + number(len(text)) + text.encode()


def symbol(name: str) -> bytes:
    return number(1) + chars(name)


def text(*values: str) -> bytes:
    return number(16) + number(len(values)) + b"".join(map(chars, values))


def listed(*values: bytes, flags: int = 2) -> bytes:
    return b"".join(number(flags) + value for value in values) + number(NIL)


def call(head: bytes, *arguments: bytes) -> bytes:
    return number(6) + head + listed(*arguments)


def named(**values: bytes) -> bytes:
    return b"".join(number(2 | TAG) + symbol(name) + value for name, value in values.items()) + number(NIL)


def promise(expression: bytes, value: bytes = number(UNBOUND)) -> bytes:
    return number(5 | TAG) + number(GLOBAL) + value + expression


def vector(*values: bytes, kind: int = 19) -> bytes:
    return number(kind) + number(len(values)) + b"".join(values)


def closure(body: bytes) -> bytes:
    return number(3 | TAG) + number(GLOBAL) + number(NIL) + body


def environment(frame: bytes) -> bytes:
    return number(4) + number(0) + number(GLOBAL) + frame + vector(frame) + number(NIL)


def compiled(*constants: bytes) -> bytes:
    code = number(13) + number(1) + number(12)
    return number(21) + number(1) + code + number(len(constants)) + b"".join(constants)


def rds(item: bytes, magic: bytes = b"") -> bytes:
    return magic + b"X\n" + number(3) + number(0x00040400) + number(0x00030500) + number(5) + b"UTF-8" + item


SYSTEM = call(symbol("system"), text("echo"))
NUMBERS = number(14 | ATTRIBUTES) + number(2) + bytes(16) + named(names=text("a", "b"))
FORMULA = call(symbol("~"), symbol("y"), call(symbol("+"), symbol("source"), symbol("system")))
HARMLESS = {
    "numbers": NUMBERS,
    "a list": vector(NUMBERS, text("system"), number(13) + number(1) + number(7), number(10) + number(0)),
    "a model": vector(FORMULA, call(symbol("lm"), number(255 | 1 << 8)), number(24) + number(3) + b"abc"),
    "a function": closure(call(symbol("exp"), symbol("x"))),
    "a compiled function": closure(
        compiled(
            number(1) + symbol("source"),
            number(14) + number(14) + number(1) + bytes(8),
            number(6) + number(NIL) + number(1) + symbol("exp") + number(NIL) + number(NIL),
            number(244)
            + number(0)
            + number(6)
            + number(NIL)
            + number(1)
            + symbol("log")
            + number(243)
            + number(0),
            number(21) + number(13) + number(1) + number(12) + number(0),
        )
    ),
    "an environment": environment(named(x=promise(call(symbol("log"), symbol("y"))), z=NUMBERS)),
    "a worked out promise": promise(SYSTEM[:4] + symbol("exp") + number(NIL), NUMBERS),
    "places": vector(number(249) + number(0) + number(1) + chars("base"), number(255) + number(1)),
    "a pointer": vector(number(22) + number(NIL) + number(NIL), number(23), number(25)),
    "an object": number(25 | ATTRIBUTES) + named(a=NUMBERS),
    "a compact row": number(238) + listed(symbol("compact_intseq")) + NUMBERS + number(NIL),
    "complex": number(15) + number(1) + bytes(16),
    "a large row": number(14) + number(-1) + number(0) + number(1) + bytes(8),
    "builtin": vector(number(8) + number(3) + b"sum", number(9) + number(-1)),
}


@pytest.mark.parametrize("item", HARMLESS.values(), ids=HARMLESS)
def test_objects_as_models_have_them_are_no_fact(tmp_path: Path, item: bytes) -> None:
    found = read_with(tmp_path, rds(item), RReader())
    assert (found.facts, found.unread, found.formats, found.producer) == ({}, [], ["R"], "R 4.4.0")


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (promise(call(symbol("f"))), None),
        (named(model=promise(call(symbol("f")))), None),
        (vector(promise(call(symbol("f")))), 8.0),
    ],
)
def test_promises_that_wait_are_found(tmp_path: Path, item: bytes, severity: float | None) -> None:
    found = read_with(tmp_path, rds(item, b"RDX3\n"), RReader())
    assert [(fact.rule, fact.severity) for fact in found.facts.values()] == [(PROMISE, severity)]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (SYSTEM, "system"),
        (closure(SYSTEM), "system"),
        (vector(SYSTEM, kind=20), "system"),
        (closure(call(call(symbol("::"), symbol("base"), symbol("system")), text("echo"))), "system"),
        (closure(call(symbol("do.call"), text("system"), text("echo"))), "system"),
        (closure(call(symbol("eval"), call(symbol("parse"), text("x")))), "parse"),
        (closure(compiled(number(6) + number(NIL) + number(1) + symbol("unlink") + number(NIL))), "unlink"),
        (closure(compiled(number(1) + symbol("system2"))), "system2"),
        (
            closure(compiled(number(240) + number(NIL) * 2 + number(1) + symbol("pipe") + number(NIL) * 2)),
            "pipe",
        ),
        (environment(named(x=promise(SYSTEM))), "system"),
        (vector(symbol("system"), call(number(255 | 1 << 8))), "system"),
        (number(14 | ATTRIBUTES) + number(0) + named(a=closure(SYSTEM)), "system"),
    ],
)
def test_calls_that_run_commands_are_found(tmp_path: Path, item: bytes, name: str) -> None:
    assert subjects(read_with(tmp_path, rds(item), RReader()), CALLS) == [name]


def test_other_spellings(tmp_path: Path) -> None:
    swapped = b"B\n" + struct.pack("<iii", 2, 0x00040400, 0x00020300) + struct.pack("<ii", 14, 1) + bytes(8)
    words = b"A\n3\n263168\n197888\n5\nUTF-8\n6\n1\n262153\n6\nsystem\n2\n16\n2\n"
    words += b"9\n5\na\\040\\t\\\\b\n9\n0\n\n254\n"
    numbers = b"RDA2\nA\n2\n263168\n131840\n19\n3\n14\n2\n1.5\nNA\n15\n1\n1\n2\n13\n1\nNA\n"
    assert not read_with(tmp_path, swapped, RReader()).unread
    found = read_with(tmp_path, words, RReader())
    assert (subjects(found, CALLS), found.unread) == (["system"], [])
    found = read_with(tmp_path, numbers, RReader())
    assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rds(NUMBERS)[:-3], "cut off"),
        (rds(number(99)), "kind that is not known (99)"),
        (rds(number(255 | 9 << 8)), "sound"),
        (rds(number(1) + number(13)), "sound"),
        (rds(number(14) + number(-2)), "sound"),
        (rds(number(19) + number(1 << 30)), "cut off"),
        (rds(NUMBERS) + b"more", "behind"),
        (b"A\n3\n263168\n197888\nx\n", "sound"),
        (b"A\n3\n263168\n197888\n5\nUTF-8\n14\n9\n1\n", "cut off"),
        (b"A\n3\n263168\n" + b"1" * 70_000, "sound"),
        (b"X\nno", "nobody"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, RReader())
    assert reason in " ".join(reasons(found))
    assert not found.facts


def test_what_was_found_before_the_end_stays(tmp_path: Path) -> None:
    found = read_with(tmp_path, rds(vector(SYSTEM, NUMBERS))[:-9], RReader())
    assert (rules(found), len(found.unread)) == ([CALLS], 1)


def test_deep_objects_are_read_without_recursion(tmp_path: Path) -> None:
    item = (number(19) + number(1)) * 50_000 + number(NIL)
    assert not read_with(tmp_path, rds(item), RReader()).unread


WHOLE = rds(HARMLESS["a compiled function"])


@settings(max_examples=200, deadline=None)
@given(st.integers(23, len(WHOLE)), st.binary(max_size=9))
def test_any_bytes_are_read_or_not(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes) -> None:
    found = read_with(tmp_path_factory.getbasetemp(), WHOLE[:at] + junk + WHOLE[at + len(junk) :], RReader())
    assert not any("itself failed" in reason for reason in reasons(found))
