"""Functions of Python that find, make or call other functions: what they give, without running them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import (
    Bound,
    Built,
    Getter,
    Items,
    Pairs,
    Partial,
    below,
    path_of,
    type_name,
)
from mlsecops.models.pickle.texts import NOTHING, compute
from mlsecops.models.pickle.values import Global

__all__ = ["NOTHING", "Again", "attribute", "item", "reply"]
_ITEMS = 16  # of a sequence that a function is called on
_SPACES = (".__dict__", ".__globals__")
Arguments = list[object]
Keywords = Mapping[str, object]
Made = tuple[object, Arguments, Sequence[tuple[str, object]]]


@dataclass(frozen=True, slots=True)
class Again:
    """A call that makes other calls: the last one's result is its own, or with `many` all are in a list."""

    calls: list[Made]
    many: bool = False


def attribute(machine: Machine, value: object, name: object) -> object:
    """What `getattr` gives."""
    if not isinstance(name, str):
        return machine.result(None)
    kind = type_name(value)
    if kind is not None:
        return Bound(f"{kind}.{name}", value)
    if isinstance(value, Partial) and name == "func":
        return value.function
    path = path_of(value)
    if name == "__builtins__" or (name == "__self__" and path and path.startswith("builtins.")):
        return machine.refer("builtins")
    full = below(path, name)
    if full is None:
        return machine.result(None)
    return machine.named(full) if "()" in full and not name.startswith("_") else machine.refer(full)


def item(machine: Machine, value: object, key: object) -> object:
    """What an index or a key gives."""
    match value, key:
        case (Items(items=items), int()) if -len(items) <= key < len(items):
            return items[key]
        case (tuple() | str() | bytes(), int()) if -len(value) <= key < len(value):
            return value[key]
        case (Pairs(), str()):
            return value.get(key)
        case (Global("sys.modules"), str()):
            return machine.refer(key)
        case (Global(path), str()) if path.endswith(_SPACES):
            owner, _, space = path.rpartition(".")
            if space == "__globals__":  # of a function: the names beside it
                owner = owner.rpartition(".")[0] or owner
            return attribute(machine, machine.named(owner), key)
    return machine.result(None)


def reply(machine: Machine, callee: object, target: str, arguments: Arguments, keywords: Keywords) -> object:
    """What a call gives: an object, the calls that it makes in turn, or NOTHING where that is not known."""
    helper = _HELPERS.get(target.removeprefix("_") if target.startswith(_ACCELERATED) else target)
    if helper is not None:
        return helper(machine, arguments, keywords)
    if target in _OURS or target.endswith(_WRAPPERS):
        return Built(target, arguments)
    receiver = [callee.receiver] if isinstance(callee, Bound) else []
    text = compute(target, receiver + arguments)
    return text if text is not NOTHING else _method(machine, target, receiver + arguments)


def _method(machine: Machine, target: str, arguments: Arguments) -> object:
    owner, _, name = target.rpartition(".")
    whose = machine.named(owner)
    match name, arguments:
        case ("__getattribute__" | "__getattr__", [key]):
            return attribute(machine, whose, key)
        case ("__getattribute__" | "__getattr__", [value, key]):
            return attribute(machine, value, key)
        case ("__getitem__" | "get" | "pop" | "setdefault", [key, *_]) if _is_space(owner):
            return item(machine, whose, key)
        case ("__getitem__" | "get" | "pop", [value, key, *_]):
            return item(machine, value, key)
        case ("__call__", _) if not owner.endswith("()"):
            return Again([(whose, arguments, ())])
        case ("__get__", _):
            return whose
        case ("__new__", [Global(made), *_]):
            return machine.result(made)
    return NOTHING


def _is_space(path: str) -> bool:
    return path == "sys.modules" or path.endswith(_SPACES)


def _getattr(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    return attribute(machine, *arguments[:2]) if len(arguments) >= 2 else NOTHING


def _getitem(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    return item(machine, *arguments[:2]) if len(arguments) >= 2 else NOTHING


def _vars(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    return attribute(machine, arguments[0], "__dict__") if arguments else NOTHING


def _import(machine: Machine, arguments: Arguments, keywords: Keywords) -> object:
    """`__import__`: the outermost package, unless names of it are asked for."""
    name = _first(arguments, keywords)
    if not isinstance(name, str):
        return machine.result(None)
    machine.refer(name)
    wanted = arguments[3] if len(arguments) > 3 else keywords.get("fromlist")
    return machine.named(name if wanted else name.partition(".")[0])


def _import_module(machine: Machine, arguments: Arguments, keywords: Keywords) -> object:
    name = _first(arguments, keywords)
    if not isinstance(name, str):
        return machine.result(None)
    package = arguments[1] if len(arguments) > 1 else keywords.get("package")
    if name.startswith(".") and isinstance(package, str):
        name = f"{package}.{name.lstrip('.')}"
    return machine.refer(name.replace(":", "."))


def _first(arguments: Arguments, keywords: Keywords) -> object:
    return arguments[0] if arguments else keywords.get("name", keywords.get("path"))


def _partial(_: Machine, arguments: Arguments, keywords: Keywords) -> object:
    if not arguments:
        return NOTHING
    return Partial(arguments[0], arguments[1:], list(keywords.items()))


def _attrgetter(_: Machine, arguments: Arguments, __: Keywords) -> object:
    return Getter("attrgetter", arguments) if arguments else NOTHING


def _itemgetter(_: Machine, arguments: Arguments, __: Keywords) -> object:
    return Getter("itemgetter", arguments) if arguments else NOTHING


def _methodcaller(_: Machine, arguments: Arguments, keywords: Keywords) -> object:
    return Getter("methodcaller", arguments, list(keywords.items())) if arguments else NOTHING


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


def _same(_: Machine, arguments: Arguments, __: Keywords) -> object:
    """`list`, `tuple`, `iter` and the like on what is plain already."""
    match arguments:
        case [Items() | tuple() as items]:
            return items
        case [str() as text]:
            return tuple(text)
    return NOTHING


def _new(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    """`copyreg._reconstructor` and its like: an instance of their first argument."""
    made = arguments[0] if arguments else None
    if isinstance(made, Global) and made.name.endswith(_WRAPPERS):
        return Built(made.name, [])
    return machine.result(made.name) if isinstance(made, Global) else NOTHING


def _items(value: object) -> list[object]:
    match value:
        case Items(items=items):
            return items[:_ITEMS]
        case tuple() | str() | bytes():
            return list(value[:_ITEMS])
        case Pairs():
            return [key for key, _ in value.items[:_ITEMS]]
    return [value]  # of what cannot be taken apart we still say with what


_ACCELERATED = ("_operator.", "_functools.")
_OURS = frozenset(["numpy.dtype"])
_WRAPPERS = tuple(
    f"joblib.{module}.{name}"
    for module in ("numpy_pickle", "numpy_pickle_compat")
    for name in ("NumpyArrayWrapper", "NDArrayWrapper", "ZNDArrayWrapper")
)
_HELPERS: Mapping[str, Callable[[Machine, Arguments, Keywords], object]] = {
    "builtins.getattr": _getattr,
    "builtins.object.__getattribute__": _getattr,
    "builtins.type.__getattribute__": _getattr,
    "builtins.vars": _vars,
    "builtins.__import__": _import,
    "importlib.__import__": _import,
    "importlib.import_module": _import_module,
    "importlib._bootstrap._gcd_import": _import_module,
    "_frozen_importlib._gcd_import": _import_module,
    "importlib.reload": _same,
    "pkgutil.resolve_name": _import_module,
    "pydoc.locate": _import_module,
    "operator.getitem": _getitem,
    "operator.__getitem__": _getitem,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
    "operator.call": _apply,
    "functools.partial": _partial,
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
    "builtins.list": _same,
    "builtins.tuple": _same,
    "builtins.iter": _same,
    "copyreg._reconstructor": _new,
    "copyreg.__newobj__": _new,
    "copyreg.__newobj_ex__": _new,
    "builtins.object.__new__": _new,
}
