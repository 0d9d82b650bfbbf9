"""Attributes and items of objects: what `getattr` and an index give, without asking any object."""

from __future__ import annotations

from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import Bound, Items, Pairs, Partial, below, path_of, type_name
from mlsecops.models.pickle.values import Global

SPACES = (".__dict__", ".__globals__")


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
        case (Global(path), str()) if path.endswith(SPACES):
            owner, _, space = path.rpartition(".")
            if space == "__globals__":  # of a function: the names beside it
                owner = owner.rpartition(".")[0] or owner
            return attribute(machine, machine.named(owner), key)
    return machine.result(None)
