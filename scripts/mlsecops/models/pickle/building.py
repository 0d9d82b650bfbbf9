"""Opcodes that import, call and build objects, and that take what is not in the file."""

from __future__ import annotations

import _compat_pickle

from mlsecops.models.pickle.arrays import array_built
from mlsecops.models.pickle.calls import call, call_once, named, positional
from mlsecops.models.pickle.machine import Handler, Machine
from mlsecops.models.pickle.objects import Built, Items, Pairs, Partial, below, path_of, show, type_name
from mlsecops.models.pickle.stack import UNDERFLOW
from mlsecops.models.pickle.values import Constant, Cut, External, Global, Result, Unknown
from mlsecops.models.pickle.window import BrokenError, Window

_LINE = 4096
_BUILTINS = "__builtins__"


def _global(machine: Machine, module: str, name: str) -> Global:
    """What `find_class` gives: of old protocols, names of Python 2 are those of Python 3 now."""
    if not module:
        raise BrokenError("it imports a module without a name")
    if machine.protocol < 3 or module == "__builtin__":  # for Python 3 there is none by this name
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[module, name]
        else:
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    path = f"{module}.{name}"
    before, builtins, after = f"{path}.".rpartition(f".{_BUILTINS}.")
    if before and builtins:
        path = f"builtins.{after}".rstrip(".")
    return machine.refer(path)


def _names(window: Window) -> tuple[str, str]:
    module, name = (window.line(_LINE)[0] for _ in range(2))
    try:
        return module.decode(), name.decode()
    except UnicodeDecodeError:
        raise BrokenError("a name in it is not UTF-8") from None


def global_(machine: Machine, window: Window) -> None:
    """GLOBAL."""
    machine.stack.append(_global(machine, *_names(window)))


def stack_global(machine: Machine, _: Window) -> None:
    """STACK_GLOBAL."""
    name, module = machine.pop(), machine.pop()
    if isinstance(name, str) and isinstance(module, str):
        machine.stack.append(_global(machine, module, name))
        return
    for value in (name, module):
        text = isinstance(value, Cut) and isinstance(value.head, str)
        if not text and not isinstance(value, Result | Unknown | str):
            raise BrokenError("it imports by a name that is no text")
    machine.say(External("name", show((module, name)), machine.offset))
    machine.stack.append(machine.result(None))


def extension(width: int) -> Handler:
    """EXT1, EXT2 and EXT4."""

    def handler(machine: Machine, window: Window) -> None:
        code = int.from_bytes(window.take(width), "little", signed=width == 4)
        if code <= 0:
            raise BrokenError("it names an extension that cannot be")
        if code in machine.extensions:
            machine.stack.append(machine.refer(machine.extensions[code]))
            return
        machine.say(External("extension", Constant(code), machine.offset))
        machine.stack.append(machine.result(None))

    return handler


def persistent_line(machine: Machine, window: Window) -> None:
    """PERSID."""
    line, length = window.line(_LINE)
    if not line.isascii():
        raise BrokenError("a persistent id in it is not ASCII")
    text = line.decode("ascii")
    _persistent(machine, text if len(line) == length else Cut(text, length, machine.offset + 1))


def persistent(machine: Machine, _: Window) -> None:
    """BINPERSID."""
    _persistent(machine, machine.pop())


def _persistent(machine: Machine, identity: object) -> None:
    machine.say(External("persistent-id", show(identity), machine.offset))
    machine.stack.append(machine.result("persistent_load"))


def next_buffer(machine: Machine, _: Window) -> None:
    """NEXT_BUFFER."""
    machine.say(External("buffer", Unknown("a buffer from outside"), machine.offset))
    machine.stack.append(Unknown("a buffer from outside"))


def readonly_buffer(machine: Machine, _: Window) -> None:
    """READONLY_BUFFER."""
    machine.top()


def reduce(machine: Machine, _: Window) -> None:
    """REDUCE."""
    arguments, callee = machine.pop(), machine.pop()
    machine.stack.append(call_once(machine, callee, arguments, opcode="REDUCE"))


def newobj(machine: Machine, _: Window) -> None:
    """NEWOBJ."""
    arguments, made = machine.pop(), machine.pop()
    machine.stack.append(call_once(machine, made, arguments, opcode="NEWOBJ"))


def newobj_ex(machine: Machine, _: Window) -> None:
    """NEWOBJ_EX."""
    keywords, arguments, made = machine.pop(), machine.pop(), machine.pop()
    given = named(keywords)
    known = None if given is None else positional(arguments)
    machine.stack.append(call(machine, made, known, given or (), opcode="NEWOBJ_EX"))


def obj(machine: Machine, _: Window) -> None:
    """OBJ."""
    items = machine.pop_mark()
    if not items:
        raise BrokenError(UNDERFLOW)
    machine.stack.append(call(machine, items[0], items[1:], opcode="OBJ"))


def inst(machine: Machine, window: Window) -> None:
    """INST."""
    arguments = machine.pop_mark()
    made = _global(machine, *_names(window))
    machine.stack.append(call(machine, made, arguments, opcode="INST"))


def build(machine: Machine, window: Window) -> None:
    """BUILD."""
    state = machine.pop()
    value = machine.top()
    if type_name(value) is not None:
        return  # plain values take no state; where there is some, unpicklers stop
    path = below(path_of(value), "__setstate__")
    callee = machine.result(None) if path is None else machine.named(path)
    call(machine, callee, [state], opcode="BUILD")
    if isinstance(value, Partial):
        _set_partial(value, state)
    elif isinstance(value, Built):
        value.state = state
        array_built(machine, window, value)


def _set_partial(partial: Partial, state: object) -> None:
    match state:
        case (function, tuple() as arguments, keywords, *_):
            partial.function = function
            partial.arguments = list(arguments)
            partial.keywords = list(named(keywords) or ()) if isinstance(keywords, Pairs) else []
        case Items():
            partial.function = Result(None)
