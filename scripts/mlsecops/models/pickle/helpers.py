"""Functions of Python that find, make or call other functions: what they give, without running them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlsecops.models.pickle.applied import APPLIED, Again, Arguments, Keywords
from mlsecops.models.pickle.lookups import SPACES, attribute, item
from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import (
    STREAMS,
    Bound,
    Built,
    Getter,
    Items,
    Partial,
)
from mlsecops.models.pickle.python_names import brought_by
from mlsecops.models.pickle.texts import NOTHING, compute
from mlsecops.models.pickle.values import Constant, External, Global

__all__ = ["NOTHING", "Again", "reply"]
_EXTENSIONS = 1000
_BOMB = 1 << 36  # bytes


def reply(machine: Machine, callee: object, target: str, arguments: Arguments, keywords: Keywords) -> object:
    """What a call gives: an object, the calls that it makes in turn, or NOTHING where that is not known."""
    answer = _reply(machine, callee, target, arguments, keywords)
    if isinstance(answer, str | bytes | tuple):
        held = machine.effort.hold(len(answer))
    else:
        held = not isinstance(answer, Partial | Getter | Built) or machine.effort.hold(8 * len(arguments))
    return answer if held else NOTHING


def _reply(machine: Machine, callee: object, target: str, arguments: Arguments, keywords: Keywords) -> object:
    short = target.removeprefix("_") if target.startswith(_ACCELERATED) else brought_by(target) or target
    helper = _HELPERS.get(short)
    if helper is not None:
        return helper(machine, arguments, keywords)
    if target in _ROOM and arguments and isinstance(arguments[0], int) and arguments[0] > _BOMB:
        machine.say(External("memory", Constant(arguments[0]), machine.offset))
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
    return path == "sys.modules" or path.endswith(SPACES)


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


def _dill_type(machine: Machine, arguments: Arguments, keywords: Keywords) -> object:
    """dill and cloudpickle know types by short names: `CodeType`, `int`."""
    name = _first(arguments, keywords)
    if not isinstance(name, str):
        return machine.result(None)
    if name in ("TypeType", "ClassType"):
        name = "type"
    return machine.refer(f"types.{name}" if name.endswith("Type") else f"builtins.{name}")


def _same(_: Machine, arguments: Arguments, __: Keywords) -> object:
    """`list`, `tuple`, `iter` and the like on what is plain already."""
    match arguments:
        case [Items() | tuple() as items]:
            return items
        case [str() as text]:
            return tuple(text[:_EXTENSIONS])
    return NOTHING


def _new(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    """`copyreg._reconstructor` and its like: an instance of their first argument."""
    made = arguments[0] if arguments else None
    if isinstance(made, Global) and made.name.endswith(_WRAPPERS):
        return Built(made.name, [])
    return machine.result(made.name) if isinstance(made, Global) else NOTHING


def _add_extension(machine: Machine, arguments: Arguments, _: Keywords) -> object:
    match arguments:
        case [str() as module, str() as name, int() as code] if len(machine.extensions) < _EXTENSIONS:
            machine.extensions[code] = f"{module}.{name}"
    return None


_ACCELERATED = ("_operator.", "_functools.")
_ROOM = frozenset(["builtins.bytes", "builtins.bytearray"])  # of a number they make so many zeros
_OURS = frozenset(["numpy.dtype", *STREAMS])
_WRAPPERS = tuple(
    f"joblib.{module}.{name}"
    for module in ("numpy_pickle", "numpy_pickle_compat")
    for name in ("NumpyArrayWrapper", "NDArrayWrapper", "ZNDArrayWrapper")
)
_HELPERS: Mapping[str, Callable[[Machine, Arguments, Keywords], object]] = {
    **APPLIED,
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
    "_import_module": _import_module,
    "subimport": _import_module,
    "_load_type": _dill_type,
    "_builtin_type": _dill_type,
    "_get_attr": _getattr,
    "operator.getitem": _getitem,
    "operator.__getitem__": _getitem,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
    "functools.partial": _partial,
    "builtins.list": _same,
    "builtins.tuple": _same,
    "builtins.iter": _same,
    "copyreg.add_extension": _add_extension,
    "copyreg._reconstructor": _new,
    "copyreg.__newobj__": _new,
    "copyreg.__newobj_ex__": _new,
    "builtins.object.__new__": _new,
}
