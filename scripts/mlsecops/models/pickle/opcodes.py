"""Which byte is which opcode (https://github.com/python/cpython/blob/main/Lib/pickletools.py)."""

from __future__ import annotations

from collections.abc import Mapping

from mlsecops.models.pickle import building as o
from mlsecops.models.pickle import constants as c
from mlsecops.models.pickle import containers as k
from mlsecops.models.pickle.constants import too_long
from mlsecops.models.pickle.machine import Handler, Machine
from mlsecops.models.pickle.window import BrokenError, Window
from mlsecops.models.source import Source

_NEWEST = 5


def interpret(source: Source, offset: int = 0, *, raw_arrays: bool = True) -> Machine:
    """A machine for the pickle that begins at `offset`: run it with `steps`."""
    return Machine(source, offset, TABLE, raw_arrays=raw_arrays)


def _proto(machine: Machine, window: Window) -> None:
    protocol = window.take(1)[0]
    if protocol > _NEWEST:
        raise BrokenError(f"its protocol {protocol} is newer than any that we know")
    machine.protocol = protocol


def _frame(machine: Machine, window: Window) -> None:
    """FRAME: the C unpickler wants the whole frame to be there, the other goes on."""
    length = window.number(8)
    if length > machine.source.size - window.position:
        machine.short_frame = True
        too_long(machine, length)


_OPCODES: Mapping[bytes, Handler] = {
    b"(": k.mark,
    b".": k.stop,
    b"0": k.pop,
    b"1": k.pop_mark,
    b"2": k.dup,
    b"F": c.floating,
    b"I": c.integer,
    b"J": c.binint,
    b"K": c.unsigned(1),
    b"L": c.long,
    b"M": c.unsigned(2),
    b"N": c.push(None),
    b"P": o.persistent_line,
    b"Q": o.persistent,
    b"R": o.reduce,
    b"S": c.string,
    b"T": c.counted(4, text=True, decode=c.old_text),
    b"U": c.counted(1, text=True, decode=c.old_text),
    b"V": c.unicode,
    b"X": c.counted(4, text=True),
    b"a": k.append,
    b"b": o.build,
    b"c": o.global_,
    b"d": k.filled_dict,
    b"}": k.empty_dict,
    b"e": k.appends,
    b"g": k.get_line,
    b"h": k.get(1),
    b"i": o.inst,
    b"j": k.get(4),
    b"l": k.filled("list"),
    b"]": k.empty("list"),
    b"o": o.obj,
    b"p": k.put_line,
    b"q": k.put(1),
    b"r": k.put(4),
    b"s": k.setitem,
    b"t": k.to_tuple,
    b")": c.push(()),
    b"u": k.setitems,
    b"G": c.binfloat,
    b"\x80": _proto,
    b"\x81": o.newobj,
    b"\x82": o.extension(1),
    b"\x83": o.extension(2),
    b"\x84": o.extension(4),
    b"\x85": k.tuple_of(1),
    b"\x86": k.tuple_of(2),
    b"\x87": k.tuple_of(3),
    b"\x88": c.push(True),
    b"\x89": c.push(False),
    b"\x8a": c.counted_long(1),
    b"\x8b": c.counted_long(4),
    b"B": c.counted(4, text=False),
    b"C": c.counted(1, text=False),
    b"\x8c": c.counted(1, text=True),
    b"\x8d": c.counted(8, text=True),
    b"\x8e": c.counted(8, text=False),
    b"\x8f": k.empty("set"),
    b"\x90": k.additems,
    b"\x91": k.filled("frozenset"),
    b"\x92": o.newobj_ex,
    b"\x93": o.stack_global,
    b"\x94": k.memoize,
    b"\x95": _frame,
    b"\x96": c.counted(8, text=False),
    b"\x97": o.next_buffer,
    b"\x98": o.readonly_buffer,
}
TABLE: list[Handler | None] = [_OPCODES.get(bytes([code])) for code in range(256)]
