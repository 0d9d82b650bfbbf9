"""Opcodes of tuples, lists, dicts and sets, of the stack itself, and of what is remembered."""

from __future__ import annotations

import re
from typing import Literal

from mlsecops.models.pickle.calls import call
from mlsecops.models.pickle.machine import Handler, Machine
from mlsecops.models.pickle.objects import Items, Pairs, below, path_of, type_name
from mlsecops.models.pickle.stack import UNDERFLOW
from mlsecops.models.pickle.values import Constant, External, Unknown
from mlsecops.models.pickle.window import BrokenError, Window

_LONG_TUPLE = 256
_BOMB = 1 << 20  # what no file of some bytes remembers by chance
_CHANGED = Unknown("bytes that the file changes")
_INDEX = re.compile(rb"\s*[+]?\d[\d_]{0,30}\s*")


def tuple_of(count: int) -> Handler:
    """TUPLE1 to TUPLE3."""

    def handler(machine: Machine, _: Window) -> None:
        stack = machine.stack
        at = len(stack) - count
        if at < machine.fence:
            raise BrokenError(UNDERFLOW)
        stack[at:] = [tuple(stack[at:])]

    return handler


def to_tuple(machine: Machine, _: Window) -> None:
    """TUPLE: what is above the mark."""
    items = machine.pop_mark()
    if len(items) <= _LONG_TUPLE:
        machine.stack.append(tuple(items))
    else:
        machine.stack.append(_filled(machine, "tuple", items))


def empty(kind: Literal["list", "set"]) -> Handler:
    """EMPTY_LIST and EMPTY_SET."""

    def handler(machine: Machine, _: Window) -> None:
        machine.stack.append(Items(kind))

    return handler


def filled(kind: Literal["list", "frozenset"]) -> Handler:
    """LIST and FROZENSET."""

    def handler(machine: Machine, _: Window) -> None:
        machine.stack.append(_filled(machine, kind, machine.pop_mark()))

    return handler


def _filled(
    machine: Machine, kind: Literal["list", "tuple", "set", "frozenset"], items: list[object]
) -> Items:
    container = Items(kind)
    machine.extend(container, items)
    return container


def empty_dict(machine: Machine, _: Window) -> None:
    """EMPTY_DICT."""
    machine.stack.append(Pairs())


def filled_dict(machine: Machine, _: Window) -> None:
    """DICT."""
    items = machine.pop_mark()
    pairs = Pairs()
    machine.update(pairs, items)
    machine.stack.append(pairs)


def append(machine: Machine, _: Window) -> None:
    """APPEND."""
    item = machine.pop()
    _append(machine, [item], "APPEND")


def appends(machine: Machine, _: Window) -> None:
    """APPENDS."""
    _append(machine, machine.pop_mark(), "APPENDS")


def _append(machine: Machine, items: list[object], opcode: str) -> None:
    container = machine.top()
    if isinstance(container, Items) and container.kind == "list":
        machine.extend(container, items)
    elif items:
        _method(machine, container, "extend", items, opcode)


def setitem(machine: Machine, _: Window) -> None:
    """SETITEM."""
    value, key = machine.pop(), machine.pop()
    _set(machine, [key, value], "SETITEM")


def setitems(machine: Machine, _: Window) -> None:
    """SETITEMS."""
    _set(machine, machine.pop_mark(), "SETITEMS")


def _set(machine: Machine, items: list[object], opcode: str) -> None:
    container = machine.top()
    if isinstance(container, Pairs):
        machine.update(container, items)
    elif len(items) % 2:
        raise BrokenError("a key of it has no value")
    elif isinstance(container, Items) and container.kind == "list":
        _set_in_list(container, items)
    elif items:
        _method(machine, container, "__setitem__", items[:2], opcode)


def _set_in_list(container: Items, items: list[object]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, int) and -container.length <= key < container.length:
            at = key % container.length
            if at < len(container.items):
                container.items[at] = value


def additems(machine: Machine, _: Window) -> None:
    """ADDITEMS."""
    items = machine.pop_mark()
    container = machine.top()
    if isinstance(container, Items) and container.kind == "set":
        machine.extend(container, items)
    elif items:
        _method(machine, container, "add", items[:1], "ADDITEMS")


def _method(machine: Machine, value: object, name: str, arguments: list[object], opcode: str) -> None:
    """What fills a container of its own kind calls a method of it."""
    kind = type_name(value)
    if kind == "builtins.bytes":  # it may be a bytearray, which is filled and not the same any more
        machine.stack[-1] = _CHANGED
        return
    if kind is not None:
        raise BrokenError(f"it fills a {kind.rpartition('.')[2]}, which takes no items")
    path = below(path_of(value), name)
    if not machine.effort.fill(path):
        return  # it was told often enough
    if name == "extend":
        arguments = [_filled(machine, "list", arguments)]
    call(machine, machine.result(None) if path is None else machine.named(path), arguments, opcode=opcode)


def pop(machine: Machine, _: Window) -> None:
    """POP."""
    machine.drop()


def pop_mark(machine: Machine, _: Window) -> None:
    """POP_MARK."""
    machine.pop_mark()


def mark(machine: Machine, _: Window) -> None:
    """MARK."""
    machine.mark()


def dup(machine: Machine, _: Window) -> None:
    """DUP."""
    machine.stack.append(machine.top())


def stop(machine: Machine, window: Window) -> None:
    """STOP."""
    machine.value = machine.pop()
    machine.end = window.position


def put(width: int) -> Handler:
    """BINPUT and LONG_BINPUT."""

    def handler(machine: Machine, window: Window) -> None:
        _put(machine, int.from_bytes(window.take(width), "little"))

    return handler


def put_line(machine: Machine, window: Window) -> None:
    """PUT."""
    _put(machine, _index(window))


def _put(machine: Machine, index: int) -> None:
    if index > machine.source.size + _BOMB:
        # The C unpickler makes room for twice as many objects as the number says.
        machine.say(External("memory", Constant(index), machine.offset))
    machine.remember(index)


def memoize(machine: Machine, _: Window) -> None:
    """MEMOIZE."""
    machine.remember(machine.memo.count)


def get(width: int) -> Handler:
    """BINGET and LONG_BINGET."""

    def handler(machine: Machine, window: Window) -> None:
        machine.recall(int.from_bytes(window.take(width), "little"))

    return handler


def get_line(machine: Machine, window: Window) -> None:
    """GET."""
    machine.recall(_index(window))


def _index(window: Window) -> int:
    line, _ = window.line(64)
    if not _INDEX.fullmatch(line):
        raise BrokenError("a number in it is none")
    return int(line)
