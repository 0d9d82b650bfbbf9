"""Lists the classes and functions of installed libraries, with what their code reaches.

Runs inside of scratch environments, from Python 3.7 on.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from model_imports.sinks import reached

# Run while an object is rebuilt, filled, compared, looked into or thrown away.
LOADING = (
    "__new__",
    "__setstate__",
    "__setattr__",
    "__getattr__",
    "__getattribute__",
    "__del__",
    "__delattr__",
    "__setitem__",
    "__hash__",
    "__eq__",
    "append",
    "extend",
    "add",
)
MAKING = ("__init__", "__new__")
LEFT_OUT = (
    ".tests",
    ".test",
    ".testing",
    ".conftest",
    ".setup",
    "__main__",
    ".f2py",
    ".distutils",
    ".weave",
    ".datasets",
    ".cloudpickle",
    ".loky",
    "._cloudpickle",
    "sandbox",
    ".examples",
    ".benchmarks",
    ".plotting",
    ".computation",
    "xgboost.spark",
    "xgboost.dask",
    "lightgbm.dask",
    "xgboost.testing",
    "onnx",
)


def modules(library: str) -> Iterator[types.ModuleType]:
    """All modules of a library that can be imported."""
    package = _module(library)
    if package is None:
        return
    yield package
    for found in pkgutil.walk_packages(getattr(package, "__path__", []), library + ".", onerror=_ignore):
        if any(part in found.name for part in LEFT_OUT):
            continue
        module = _module(found.name)
        if module is not None:
            yield module


def _module(name: str) -> types.ModuleType | None:
    with warnings.catch_warnings(), suppress(Exception, SystemExit):
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
    return None


def _ignore(name: str) -> None:
    del name


def entries(library: str, roots: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """Module, name, kind ("call", "class" or "name") and reach of all classes and functions."""
    seen = set()  # type: set[tuple[str, str]]
    for module in modules(library):
        for thing in list(vars(module).values()):
            for found in (thing, *_inner(thing)):
                path = _path(found, library)
                if path is None or path in seen:
                    continue
                seen.add(path)
                yield (*path, *described(found, roots))


def _inner(thing: Any) -> Iterator[Any]:
    if isinstance(thing, type):
        for each in list(vars(thing).values()):
            if isinstance(each, type):
                yield each


def _path(thing: Any, library: str) -> tuple[str, str] | None:
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    name = name or getattr(thing, "__name__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or "<" in name or not callable(thing):
        return None
    if module.split(".")[0] != library:
        return None
    found = None  # type: Any
    with suppress(Exception):
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    return (module, name) if found is thing else None


def described(found: Any, roots: tuple[str, ...]) -> tuple[str, str]:
    """Kind and reach."""
    if not isinstance(found, type):
        return "name", reached(found, None, roots)
    sort = _of_methods(found, LOADING, roots)
    if sort:
        return "class", sort
    if issubclass(found, enum.Enum):
        return "call", ""
    making = _of_methods(found, MAKING, roots)
    return "class", ("making:" + making) if making else ""


def _of_methods(found: type, names: tuple[str, ...], roots: tuple[str, ...]) -> str:
    for name in names:
        for base in found.__mro__:
            if name in vars(base):
                if str(base.__module__).split(".")[0] in roots:
                    sort = reached(vars(base)[name], found, roots)
                    if sort:
                        return str(sort)
                break
    return ""
