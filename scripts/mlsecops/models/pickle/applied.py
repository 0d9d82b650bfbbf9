"""Functions of Python that call another function on what they are given: `map`, `reduce`, `sorted`, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import Items, Pairs, path_of
from mlsecops.models.pickle.texts import NOTHING

_ITEMS = 16  # of a sequence that a function is called on
Arguments = list[object]
Keywords = Mapping[str, object]
Made = tuple[object, Arguments, Sequence[tuple[str, object]]]


@dataclass(frozen=True, slots=True)
class Again:
    """A call that makes other calls: the last one's result is its own, or with `many` all are in a list."""

    calls: list[Made]
    many: bool = False


def _apply(_: Machine, arguments: Arguments, keywords: Keywords) -> object:
    return Again([(arguments[0], arguments[1:], list(keywords.items()))]) if arguments else NOTHING


def _map(_: Machine, arguments: Arguments, __: Keywords) -> object:
    if len(arguments) < 2:
        return NOTHING
    columns = [_items(value) for value in arguments[1:]]
    rows = [[]] if not columns else [list(row) for row in zip(*columns, strict=False)]
    return Again([(arguments[0], row, ()) for row in rows[:_ITEMS]], many=True)


def _starmap(_: Machine, arguments: Arguments, __: Keywords) -> object:
    if len(arguments) < 2:
        return NOTHING
    return Again([(arguments[0], _items(row), ()) for row in _items(arguments[1])], many=True)


def _reduce(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    """`functools.reduce`: from the left, beginning with the third argument or the first item."""
    if len(arguments) < 2:
        return NOTHING
    items = [*arguments[2:3], *_items(arguments[1])]
    calls: list[Made] = []
    for number in range(1, min(len(items), _ITEMS)):
        before = items[0] if number == 1 else machine.result(path_of(arguments[0]))
        calls.append((arguments[0], [before, items[number]], ()))
    return Again(calls)


def _key(_: Machine, arguments: Arguments, keywords: Keywords) -> object:
    """`sorted`, `min`, `max`: they call `key` on what they are given."""
    function = keywords.get("key")
    if function is None or not arguments:
        return NOTHING
    return Again([(function, [value], ()) for value in _items(arguments[0])], many=True)


def _accumulate(machine: Machine, arguments: Arguments, keywords: Keywords) -> object:
    function = arguments[1] if len(arguments) > 1 else keywords.get("func")
    return NOTHING if function is None else _reduce(machine, [function, arguments[0]], keywords)


def _items(value: object) -> list[object]:
    match value:
        case Items(items=items):
            return items[:_ITEMS]
        case tuple() | str() | bytes():
            return list(value[:_ITEMS])
        case Pairs():
            return [key for key, _ in value.items[:_ITEMS]]
    return [value]  # of what cannot be taken apart we still say with what


APPLIED: Mapping[str, Callable[[Machine, Arguments, Keywords], object]] = {
    "operator.call": _apply,
    "functools.reduce": _reduce,
    "builtins.map": _map,
    "builtins.filter": _map,
    "itertools.starmap": _starmap,
    "itertools.filterfalse": _map,
    "itertools.takewhile": _map,
    "itertools.dropwhile": _map,
    "itertools.accumulate": _accumulate,
    "builtins.sorted": _key,
    "builtins.min": _key,
    "builtins.max": _key,
}
