"""What an interpreted pickle hands to those who judge it: events, and the values in them.

Names are dotted paths as Python would resolve them: `posix.system`, `os.path.os.system`. Within a path, `()`
stands for what a call gave, so that `sklearn.svm.SVC().__setstate__` is a method of an instance and
`sklearn.svm.SVC.__setstate__` one of the class. Attributes of plain values are those of their type:
`builtins.list.append`.

All of this is frozen and bounded: containers show their first items and how many there were, texts and bytes
their head and length, and a container inside of more than a few others is `Unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scalar: TypeAlias = bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the file spells out, whole."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a text or of bytes too long to keep, the whole length, and where its bytes lie."""

    head: str | bytes
    length: int
    offset: int


@dataclass(frozen=True, slots=True)
class Global:
    """A module, class, function or other object by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave: `target` is what was called, or None where that cannot be known.

    `held` are the bytes that an `io.BytesIO` was made of.
    """

    target: str | None
    held: Constant | Cut | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set: its first items, and how many it has."""

    kind: Literal["list", "tuple", "set", "frozenset"]
    items: tuple[Value, ...]
    length: int

    @property
    def whole(self) -> bool:
        """Whether no item was left out."""
        return len(self.items) == self.length


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dict: its first items, and how many it has (a key given twice counts twice)."""

    items: tuple[tuple[Value, Value], ...]
    length: int

    @property
    def whole(self) -> bool:
        """Whether no item was left out."""
        return len(self.items) == self.length


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value of which nothing can be said; `reason` says why, as a person reads it."""

    reason: str = ""


Value: TypeAlias = Constant | Cut | Global | Result | Sequence | Mapping | Unknown


@dataclass(frozen=True, slots=True)
class Import:
    """Loading looks this name up, importing its module; said once for each name of a stream."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """Loading calls something, by an opcode (REDUCE, NEWOBJ, BUILD, APPENDS, ...) or inside of another call.

    `target` is its dotted name, None where that cannot be known. NEWOBJ and NEWOBJ_EX run `__new__` of the
    target, not `__init__`. BUILD calls `X().__setstate__`, which sets attributes where a class has none of
    its own; APPEND(S), SETITEM(S) and ADDITEMS on what is no plain container call `.extend`, `.__setitem__`
    and `.add` with the first items. Where the arguments cannot be known there is one `Unknown` and `exact`
    is False. The very same call of the same objects is told once.
    """

    target: str | None
    arguments: tuple[Value, ...]
    offset: int
    opcode: str
    keywords: tuple[tuple[str, Value], ...] = ()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class External:
    """Loading takes something that is not in the file: the loader's answer to a persistent id, a name from
    its extension registry, a buffer handed over beside the file, another file, or far more memory than
    it has bytes; "name" is an import whose name cannot be known.
    """

    kind: Literal["persistent-id", "extension", "buffer", "file", "memory", "name"]
    value: Value
    offset: int


Event: TypeAlias = Import | Call | External
