"""What a pickle does, as a small tree of values and calls, before it is written in opcodes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Global:
    """A name that is imported; `opcode` is `GLOBAL` or `STACK_GLOBAL`, or the style's choice."""

    module: str
    name: str
    opcode: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """`STACK_GLOBAL` on whatever two values are on the stack."""

    module: object
    name: object


@dataclass(frozen=True, slots=True)
class Call:
    """`target(*arguments)`; `opcode` is REDUCE, NEWOBJ, NEWOBJ_EX (with `keywords`), OBJ or INST."""

    target: object
    arguments: object = ()
    opcode: str = "REDUCE"
    keywords: object = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Build:
    """`BUILD`: `__setstate__` or attributes."""

    target: object
    state: object


@dataclass(frozen=True, slots=True)
class Extended:
    """Items appended (`APPENDS`) or set (`SETITEMS`) on any object."""

    target: object
    items: tuple[object, ...] = ()
    pairs: tuple[tuple[object, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Then:
    """The first values are made and popped, the last stays."""

    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Put:
    """A value that is also kept in the memo under a number."""

    key: int
    value: object


@dataclass(frozen=True, slots=True)
class Get:
    """What the memo has under a number."""

    key: int


@dataclass(frozen=True, slots=True)
class Raw:
    """Opcodes as they are."""

    code: bytes
