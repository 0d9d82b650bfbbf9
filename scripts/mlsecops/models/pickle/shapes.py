"""Calls in the shapes in which libraries write them: with other arguments they are somebody else's work.

A predicate gets the arguments and says whether they are what the helper is there for; names among them are
judged as imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mlsecops.models.pickle.allowed import danger, entry, is_known
from mlsecops.models.pickle.dangers import by_name
from mlsecops.models.pickle.names import inner, strange
from mlsecops.models.pickle.python_names import MAKERS, PYTHON, brought_by, is_helper
from mlsecops.models.pickle.values import Constant, Cut, Global, Result, Sequence, Value

Arguments = tuple[Value, ...]
Fits = Callable[[Arguments], bool]
_ATTRIBUTE = re.compile(r"(?:[^\W\d]\w*|_(?!_)\w*)(?:\.(?!__)\w+)*\Z")
_CODECS = frozenset({"latin1", "latin-1", "latin_1", "iso-8859-1", "utf-8", "utf8", "ascii"})
_UFUNCS = re.compile(r"(?:numpy|scipy|pandas|sklearn)(?:\.\w+)*\.(?:_?multiarray_umath|umath|_?ufuncs\w*)")
_SINGLETON = re.compile(r"Ellipsis|NotImplemented|None|range\(-?\d+(?:, -?\d+){1,2}\)")
_NUMBA = "numba.core.serialize"
_GENERIC = ("typing.", "builtins.", "collections.abc.", "collections.", "numpy.")


def text_of(value: Value) -> str | None:
    """A text that the file spells out, or None."""
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _is_attribute(value: Value) -> bool:
    name = text_of(value)
    return name is not None and bool(_ATTRIBUTE.match(name)) and not strange(name)


def _is_plain(value: Value) -> bool:
    return isinstance(value, Constant | Cut)


def is_class(value: Value) -> bool:
    """Whether a value is an allowed class."""
    found = entry(value.name) if isinstance(value, Global) else None
    return found is not None and found.kind != "name"


def _is_type(value: Value) -> bool:
    match value:
        case Global(name):
            return (not is_helper(name) and not name.startswith("builtins.")) or PYTHON.get(name) in (
                "call",
                "class",
            )
        case Result(target):
            return target in ("operator.getitem", "functools.reduce", "builtins.type")
        case Sequence(items=items):
            return all(_is_type(item) for item in items)
    return isinstance(value, Constant)


def is_function(value: Value) -> bool:
    """Whether a value is something that may be kept for being called: no tool to look up or call others."""
    match value:
        case Global(name):
            return not is_helper(name)
        case Result(target):
            return target is not None and not target.startswith(
                ("builtins.", "operator.", "functools.reduce")
            )
    return False


def is_brought(value: Value, kind: str) -> bool:
    """Whether a value is code, a function, a class or a cell of cloudpickle's or dill's making."""
    return isinstance(value, Result) and value.target is not None and brought_by(value.target) in MAKERS[kind]


def _getattr(arguments: Arguments) -> bool:
    """Of `__new__` where protocols 2 and 3 write NEWOBJ_EX, `save_reduce` in Lib/pickle.py."""
    if len(arguments) == 2 and arguments[1] == Constant("__new__"):
        return is_class(arguments[0])
    return len(arguments) in (2, 3) and _is_attribute(arguments[1])


def _partial(arguments: Arguments) -> bool:
    return bool(arguments) and is_function(arguments[0])


def _type(arguments: Arguments) -> bool:
    return len(arguments) == 1


def _reconstructor(arguments: Arguments) -> bool:
    """`copyreg._reconstructor(cls, base, state)`: base is a type of Python, for its `__new__` is called."""
    match arguments:
        case (made, Global(base), _) if isinstance(made, Global) or is_brought(made, "class"):
            found = entry(base)
            return found is not None and found.kind != "name"
    return False


def _newobj(arguments: Arguments) -> bool:
    return bool(arguments) and (isinstance(arguments[0], Global) or is_brought(arguments[0], "class"))


def _encode(arguments: Arguments) -> bool:
    """How protocols 0 to 2 write bytes."""
    return (
        len(arguments) == 2 and _is_plain(arguments[0]) and (text_of(arguments[1]) or "").lower() in _CODECS
    )


def _union(arguments: Arguments) -> bool:
    """`int | str`, `copyreg.pickle_union`."""
    match arguments:
        case (Global("operator.or_" | "_operator.or_"), types):
            return _is_type(types)
    return False


def _subscript(arguments: Arguments) -> bool:
    """`typing.List[int]`, `_GenericAlias.__reduce__`."""
    match arguments:
        case (Global(name), types):
            return name.startswith(_GENERIC) and _is_type(types)
    return False


def _keys(arguments: Arguments) -> bool:
    return bool(arguments) and all(
        isinstance(each, Constant) and (not isinstance(each.value, str) or not strange(each.value))
        for each in arguments
    )


def _attributes(arguments: Arguments) -> bool:
    return bool(arguments) and all(map(_is_attribute, arguments))


def _method(arguments: Arguments) -> bool:
    return len(arguments) == 2 and is_function(arguments[0])


def _constants(arguments: Arguments) -> bool:
    return all(map(_is_plain, arguments))


def _singleton(arguments: Arguments) -> bool:
    """How dill writes what has one text only, `save_singleton` in dill/_dill.py."""
    return len(arguments) == 1 and bool(_SINGLETON.fullmatch(text_of(arguments[0]) or ""))


def _iterator(arguments: Arguments) -> bool:
    """Of a container, not of a function to be called until it gives something."""
    return len(arguments) == 1


def _ufunc(arguments: Arguments) -> bool:
    """`_ufunc_reconstruct(module, name)` imports: the name has to be a function of numbers."""
    if len(arguments) != 2:
        return False
    module, name = (text_of(each) for each in arguments)
    if module is None or name is None or not name.isidentifier():
        return False
    full = f"{module}.{name}"
    found = entry(full)
    made = _UFUNCS.fullmatch(module)
    return (found is not None and found.kind == "name") or (
        made is not None and is_known(module) and not strange(full) and inner(full) is None
    )


def _generator(arguments: Arguments) -> bool:
    """`__generator_ctor(bit_generator, its_ctor)` calls the second with the first."""
    return all(
        not isinstance(each, Global) or each.name.startswith("numpy.random.") for each in arguments
    ) and all(isinstance(each, Global) for each in arguments[1:])


def _custom(arguments: Arguments) -> bool:
    """How numba writes a compiled function: of a pickle within, which is read by itself."""
    return [isinstance(each, Result) and each.target for each in arguments] == [
        f"{_NUMBA}._unpickle__CustomPickled"
    ]


def _rebuilt(arguments: Arguments) -> bool:
    """`_rebuild_from_type_v2(function, type, arguments, state)` calls the function."""
    match arguments:
        case (Global(function), Global(), Sequence(), _):
            found = entry(function)
            return found is not None and found.kind == "call" and function.startswith("torch.")
    return False


SHAPES: Mapping[str, Fits] = {
    "builtins.getattr": _getattr,
    "builtins.type": _type,
    "builtins.iter": _iterator,
    "functools.partial": _partial,
    "functools.reduce": _union,
    "operator.getitem": _subscript,
    "operator.attrgetter": _attributes,
    "operator.itemgetter": _keys,
    "operator.methodcaller": _attributes,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _newobj,
    "copyreg.__newobj_ex__": _newobj,
    "_codecs.encode": _encode,
    "re._compile": _constants,
    "logging.getLogger": _constants,
    "types.MethodType": _method,
    "numba.core.serialize.custom_rebuild": _custom,
    "dill._dill._load_type": _constants,
    "dill._dill._eval_repr": _singleton,
    "cloudpickle.cloudpickle._builtin_type": _constants,
    "numpy.core._ufunc_reconstruct": _ufunc,
    "numpy._core._ufunc_reconstruct": _ufunc,
    "numpy.random._pickle.__generator_ctor": _generator,
    "numpy.random._pickle.__randomstate_ctor": _generator,
    "torch._tensor._rebuild_from_type_v2": _rebuilt,
    "torch._tensor._rebuild_from_type": _rebuilt,
    "torch.tensor._rebuild_from_type": _rebuilt,
}


def hands_tool(name: str, values: Arguments) -> str:
    """A name among the arguments of an allowed call with which it would do more than it is there for, or "".

    `_new_Index(numpy.memmap, {"filename": ...})` makes a file; `_reconstruct` makes arrays of any kind.
    """
    for value in values:
        match value:
            case Global(tool) if is_helper(tool) and tool != "builtins.type":
                return tool
            case Global(tool) if not name.endswith("._reconstruct") and (danger(tool) or by_name(tool)):
                return tool
    return ""
