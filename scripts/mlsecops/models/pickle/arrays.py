"""Arrays that joblib writes raw between opcodes: how long they are, so that what follows is found.

Follows joblib's `NumpyArrayWrapper.read_array` and `NumpyUnpickler.load_build`
(https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle.py); the states of types are described in
https://numpy.org/doc/stable/reference/generated/numpy.dtype.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import Built, Pairs, show
from mlsecops.models.pickle.values import External, Result
from mlsecops.models.pickle.window import BrokenError, Window

_RAW = "NumpyArrayWrapper"
_PARAMETERS = ("subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes")
_ATTRIBUTES: tuple[object, ...] = (*_PARAMETERS, "filename")
_ALIGNMENT = 16
_TYPE = re.compile(r"[|<>=]?([?a-zA-Z])(\d{0,9})(\[.{1,12}\])?")
_LETTERS = {
    letter: size
    for size, letters in ((1, "?bB"), (2, "hHe"), (4, "iIf"), (8, "lLqQdFmM"), (16, "gD"), (32, "G"))
    for letter in letters
}
_HAS_OBJECTS = 1  # NPY_ITEM_HASOBJECT
_DEPTH = 8
_TEXTS = "._convert_to_stringdtype_kwargs"  # gives numpy.dtypes.StringDType


@dataclass(frozen=True, slots=True)
class Kind:
    """Bytes of one item of an array, and whether items are Python objects."""

    size: int
    objects: bool


def array_built(machine: Machine, window: Window, wrapper: Built) -> None:
    """After BUILD of one of joblib's wrappers: what it stands for takes its place. Raises BrokenError."""
    if "Wrapper" not in wrapper.target or not machine.raw_arrays:
        return
    if not wrapper.attributes and wrapper.arguments:
        wrapper.attributes.update(zip(_PARAMETERS, wrapper.arguments, strict=False))
        wrapper.attributes.setdefault(_PARAMETERS[-1], _ALIGNMENT)
    _set(wrapper, wrapper.state)
    machine.arrays += 1
    if wrapper.target.endswith(_RAW):
        _skip(machine, window, wrapper.attributes)
    else:
        machine.say(External("file", show(wrapper.attributes.get("filename")), machine.offset))
    machine.stack[-1] = machine.result("numpy.ndarray")


def _set(wrapper: Built, state: object) -> None:
    in_slots = isinstance(state, tuple) and len(state) == 2
    for pairs in state if isinstance(state, tuple) and in_slots else (state,):
        if isinstance(pairs, Pairs):
            wrapper.attributes.update((key, value) for key, value in pairs.items if key in _ATTRIBUTES)
        elif pairs is not None:
            raise BrokenError("an array in it has a state that cannot be known")


def _skip(machine: Machine, window: Window, attributes: dict[object, object]) -> None:
    start = window.position
    if machine.plain is None:
        machine.plain = machine.fork(start)
    kind = kind_of(attributes.get("dtype"))
    if kind.objects:
        machine.nested = machine.inner(start)
        return
    padding = 0
    if attributes.get(_PARAMETERS[-1]) is not None:
        padding = 1 + window.take(1)[0]
    end = start + padding + kind.size * count_of(attributes.get("shape"))
    if end > machine.source.size:
        raise BrokenError("an array in it is longer than the file")
    window.seek(end)


def count_of(shape: object) -> int:
    """How many items joblib reads: the product of the shape in 64 bits. Raises BrokenError."""
    if not isinstance(shape, tuple):
        raise BrokenError("an array in it has a shape that cannot be known")
    count = 1
    for length in shape:
        if not isinstance(length, int):
            raise BrokenError("an array in it has a shape that cannot be known")
        count = count * length % 2**64
    if count >= 2**63:
        raise BrokenError("an array in it has a negative length")
    return count


def kind_of(dtype: object, depth: int = 0) -> Kind:
    """What a `numpy.dtype` with its state says. Raises BrokenError where it cannot be known."""
    if isinstance(dtype, Result) and dtype.target is not None and dtype.target.endswith(_TEXTS):
        return Kind(0, objects=True)
    if not isinstance(dtype, Built) or not dtype.arguments or depth > _DEPTH:
        raise BrokenError("an array in it has a type that cannot be known")
    code = dtype.arguments[0]
    match = _TYPE.fullmatch(code) if isinstance(code, str) else None
    if match is None:
        raise BrokenError("an array in it has a type that cannot be known")
    letter, digits = match[1], match[2]
    size = int(digits) if digits else _LETTERS.get(letter, 0)
    objects = letter == "O"
    state = dtype.state if isinstance(dtype.state, tuple) else ()
    if letter in "SUVa":
        size, objects = _flexible(letter, size, state, depth)
    flags = state[7] if len(state) > 7 else None
    if isinstance(flags, int) and bool(flags & _HAS_OBJECTS) != objects:
        raise BrokenError("an array in it says two things of its type")
    if size <= 0 and not objects:
        raise BrokenError("an array in it has items of no size")
    return Kind(size, objects)


def _flexible(letter: str, size: int, state: tuple[object, ...], depth: int) -> tuple[int, bool]:
    """Texts, bytes and records: their state has the size, and of records the fields."""
    if letter == "U":
        size *= 4
    if len(state) > 5 and isinstance(state[5], int) and state[5] >= 0:
        size = state[5]
    objects = False
    if len(state) > 4 and isinstance(state[4], Pairs):
        if len(state[4].items) != state[4].length:
            raise BrokenError("an array in it has too many fields")
        for _, place in state[4].items:
            if not isinstance(place, tuple) or not place:
                raise BrokenError("an array in it has a type that cannot be known")
            objects |= kind_of(place[0], depth + 1).objects
    if len(state) > 2 and isinstance(state[2], tuple) and state[2]:
        objects |= kind_of(state[2][0], depth + 1).objects
    return size, objects
