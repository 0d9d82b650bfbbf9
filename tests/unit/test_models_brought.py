"""Functions and classes that cloudpickle and dill put into a pickle whole."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

import pytest
from mlsecops.models.pickle.brought import judge_brought
from mlsecops.models.pickle.judge import judge, judge_name
from mlsecops.models.pickle.judgement import Judgement
from mlsecops.models.pickle.python_names import MAKERS, brought_by
from mlsecops.models.pickle.values import Call, Constant, Global, Mapping, Result, Sequence, Unknown, Value
from support.pickle_streams import imports, targets, text

PICKLERS = (
    "cloudpickle.cloudpickle",
    "cloudpickle.cloudpickle_fast",
    "joblib.externals.cloudpickle.cloudpickle",
    "numba.cloudpickle.cloudpickle",
)
CP, DILL = "cloudpickle.cloudpickle", "dill._dill"
NONE, UNKNOWN, EMPTY, NAME = Constant(None), Unknown(), Mapping((), 0), Constant("name")
CODE, FUNCTION, CLASS, CELL = (
    Result(name)
    for name in (
        "types.CodeType",
        f"{CP}._make_function",
        f"{CP}._make_skeleton_class",
        f"{DILL}._create_cell",
    )
)
TYPE, OBJECT, SYSTEM, LOG = (
    Global(name) for name in ("builtins.type", "builtins.object", "os.system", "numpy.log1p")
)


def items(*values: Value) -> Sequence:
    return Sequence("tuple", values, len(values))


def pairs(*keys: str) -> Mapping:
    return Mapping(tuple((Constant(key), NONE) for key in keys), len(keys))


def value(constant: Any) -> Value:
    if isinstance(constant, tuple):
        return items(*map(value, constant))
    return CODE if isinstance(constant, CodeType) else Constant(constant)


def code(function: Any) -> tuple[Value, ...]:
    """What a code object is made with, as cloudpickle writes it."""
    found = function.__code__
    return (
        *(Constant(number) for number in (found.co_argcount, 0, 0, found.co_nlocals, found.co_stacksize, 3)),
        Constant(found.co_code),
        *(value(each) for each in (found.co_consts, found.co_names, found.co_varnames)),
        *(Constant(each) for each in (found.co_filename, found.co_name, found.co_firstlineno)),
    )


def told(target: str, *arguments: Value, by: str = "REDUCE", exact: bool = True) -> Judgement:
    return judge(Call(target, arguments, 0, by, exact=exact))


def nested(scale: int) -> Any:
    return lambda values: [each * scale for each in values]


PLAIN: tuple[Any, ...] = (
    lambda x: x**2,
    nested,
    lambda frame: frame.sum().round(2),
    lambda x: max(x, default=1),
)
EVIL: tuple[Any, ...] = (
    lambda x: __import__("os").system(x),
    lambda x: sys.modules[x],
    lambda x: x.__class__.__base__.__subclasses__(),
    lambda x: globals()[x],
    lambda x: x.__globals__["os"],
)


@pytest.mark.parametrize("function", PLAIN)
def test_code_that_is_brought_along_is_unknown(function: Any) -> None:
    for maker in ("types.CodeType", f"{DILL}._create_code"):
        found = told(maker, *code(function))
        assert (found.kind, found.severity) == ("unknown", 6.9)
        assert f"`{function.__name__}`" in found.sentence


@pytest.mark.parametrize("function", EVIL)
def test_code_is_dangerous_by_the_names_in_it(function: Any) -> None:
    for maker in ("types.CodeType", f"{DILL}._create_code"):
        found = told(maker, *code(function))
        assert found.kind == "dangerous"
        assert "that names `" in found.sentence


HIDDEN = {
    "nothing": (),
    "whole": (UNKNOWN,),
    "names": (NAME, NAME, items(NONE), items(UNKNOWN), items()),
    "some names": (NAME, NAME, items(NONE), Sequence("tuple", (NAME,), 100), items()),
    "some constants": (NAME, NAME, Sequence("tuple", (NONE,), 100), items(NAME), items()),
    "function among the constants": (NAME, NAME, items(SYSTEM), items(), items()),
    "call among the constants": (NAME, NAME, items(Result("functools.partial")), items(), items()),
    "no locals": (NAME, NAME, items(NONE), items(NAME)),
    "no name": (items(NONE), items(NAME), items()),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_code_that_cannot_be_seen_is_dangerous(case: str) -> None:
    assert told("types.CodeType", *HIDDEN[case]).kind == "dangerous"


SHAPES: dict[str, tuple[tuple[Value, ...], ...]] = {
    "_make_function": ((CODE, EMPTY, NAME, NONE, NONE),),
    "_make_skel_func": ((CODE, Constant(0), EMPTY),),
    "_make_skeleton_class": ((TYPE, NAME, items(OBJECT), EMPTY, NAME, NONE), (CLASS, NAME, items(), EMPTY)),
    "_make_skeleton_enum": ((items(Global("enum.Enum")), NAME, NAME, EMPTY, NAME, NAME, NONE),),
    "_make_cell": ((UNKNOWN,), ()),
    "_make_empty_cell": ((),),
    "_function_setstate": ((FUNCTION, items(EMPTY, EMPTY)),),
    "_fill_function": ((FUNCTION, EMPTY),),
    "_class_setstate": ((CLASS, items(EMPTY, EMPTY)),),
    "_rehydrate_skeleton_class": ((CLASS, EMPTY),),
    "_get_dataclass_field_type_sentinel": ((NAME,),),
    "subimport": ((NAME,),),
    "_builtin_type": ((NAME,),),
}
SHAPES_OF_DILL: dict[str, tuple[tuple[Value, ...], ...]] = {
    "_create_function": ((CODE, EMPTY, NAME),),
    "_create_type": ((Global("abc.ABCMeta"), NAME, items(OBJECT), EMPTY),),
    "_create_namedtuple": ((NAME, items(NAME), Constant("mypackage")),),
    "_create_cell": ((NONE,),),
    "_create_array": ((Global("numpy.core.multiarray._reconstruct"), items(), UNKNOWN),),
    "_create_ftype": ((Global("functools.partial"), LOG, items(), EMPTY),),
    "_create_lock": ((Constant(False),),),
    "_load_type": ((NAME,),),
    "_import_module": ((NAME,),),
    "_get_attr": ((LOG, NAME),),
    "_setattr": ((CELL, Constant("cell_contents"), UNKNOWN),),
}
OF_PYTHON: dict[str, tuple[tuple[Value, ...], ...]] = {
    "types.FunctionType": ((CODE, EMPTY),),
    "builtins.classmethod": ((FUNCTION,),),
    "builtins.staticmethod": ((FUNCTION,), (LOG,)),
    "builtins.property": ((FUNCTION, NONE), (NONE, FUNCTION)),
    "builtins.setattr": (
        (CLASS, Constant("__qualname__"), NAME),
        (Global("mypackage.Model"), Constant("__qualname__"), NAME),
    ),
}
WRONG: dict[str, tuple[tuple[Value, ...], ...]] = {
    f"{CP}._make_function": ((UNKNOWN, EMPTY), (SYSTEM,), ()),
    f"{CP}._make_skeleton_class": ((SYSTEM, NAME), (UNKNOWN,), ()),
    f"{CP}._make_skeleton_enum": ((UNKNOWN,), ()),
    f"{CP}._function_setstate": ((LOG, EMPTY), ()),
    f"{CP}._class_setstate": ((OBJECT, EMPTY), ()),
    f"{CP}.subimport": ((UNKNOWN,),),
    f"{DILL}._create_function": ((Constant(b"c"), EMPTY),),
    f"{DILL}._create_type": ((SYSTEM, NAME), (LOG, NAME)),
    f"{DILL}._create_namedtuple": (
        (Constant("system"), items(), Constant("os")),
        (NAME,),
        (UNKNOWN, NAME, NAME),
    ),
    f"{DILL}._create_array": ((SYSTEM, items()), (UNKNOWN,)),
    f"{DILL}._create_ftype": ((Global("functools.partial"), Global("builtins.getattr")), (SYSTEM, LOG), ()),
    f"{DILL}._get_attr": ((LOG, Constant("__globals__")),),
    f"{DILL}._setattr": ((OBJECT, Constant("cell_contents"), NONE), (CELL, NAME, NONE)),
    f"{DILL}._create_filehandle": ((NAME,),),
    "types.FunctionType": ((UNKNOWN, EMPTY), ()),
    "builtins.classmethod": ((SYSTEM,), (UNKNOWN,), ()),
    "builtins.setattr": (
        (OBJECT, NAME, LOG),
        (CLASS, NAME, NAME),
        (SYSTEM, Constant("__qualname__"), NAME),
        (UNKNOWN, Constant("__qualname__"), NAME),
        (CLASS, Constant("__qualname__"), LOG),
        (CLASS,),
    ),
    f"{CP}._make_function().__call__": ((),),
    f"{CP}._make_function().__setstate__": ((items(EMPTY, pairs("__code__x")),), (UNKNOWN,)),
    f"{CP}._make_skeleton_class().__call__().run_shell": ((),),
}


def test_helpers_in_the_shapes_in_which_they_are_written() -> None:
    names = {f"{pickler}.{name}": calls for pickler in PICKLERS for name, calls in SHAPES.items()}
    names |= {f"{DILL}.{name}": calls for name, calls in SHAPES_OF_DILL.items()} | OF_PYTHON
    for name, calls in names.items():
        assert judge_name(name) == "harmless", name
        assert [each for each in calls if told(name, *each).kind != "harmless"] == [], name


@pytest.mark.parametrize("name", WRONG)
def test_helpers_in_other_shapes(name: str) -> None:
    by = "BUILD" if name.endswith("__setstate__") else "REDUCE"
    assert [each for each in WRONG[name] if told(name, *each, by=by).kind != "dangerous"] == []


def test_helpers_with_arguments_that_are_not_known() -> None:
    assert told(f"{CP}._make_cell", UNKNOWN, exact=False).kind == "dangerous"


def test_objects_of_a_class_that_is_brought_along_are_unknown() -> None:
    made = f"{CP}._make_skeleton_class()"
    for method, by in (
        ("__call__", "NEWOBJ"),
        ("__call__().__setstate__", "BUILD"),
        ("__call__().append", "APPEND"),
    ):
        found = told(f"{made}.{method}", EMPTY, by=by)
        assert (found.kind, found.severity) == ("unknown", 6.9)
    assert told("copyreg._reconstructor", CLASS, OBJECT, NONE).kind == "unknown"


def test_state_of_a_function() -> None:
    made = f"{DILL}._create_function().__setstate__"
    state = items(EMPTY, pairs("__qualname__", "__annotations__"))
    assert told(made, state, by="BUILD").kind == "harmless"
    assert told(made, NONE, by="BUILD").kind == "harmless"


def test_others_are_for_the_judge() -> None:
    assert judge_brought(Call("numpy.mean", (), 0, "REDUCE"), "numpy.mean") is None
    assert brought_by("mypackage._make_function") is None
    assert brought_by("mypackage.cloudpickle._make_function") is None
    assert not {name for names in MAKERS.values() for name in names if brought_by(name) is None}


def test_modules_that_are_imported_as_a_whole() -> None:
    verdicts = {
        name: judge_name(name)
        for name in (
            "numpy",
            "sklearn.linear_model",
            "math",
            "_thread",
            "os",
            "socket",
            "mypackage",
            "numpy.nowhere",
        )
    }
    assert [name for name, verdict in verdicts.items() if verdict == "harmless"] == [
        *("numpy", "sklearn.linear_model", "math", "_thread")
    ]
    assert [name for name, verdict in verdicts.items() if verdict == "dangerous"] == ["os", "socket"]


@pytest.mark.parametrize("pickler", PICKLERS)
def test_short_names_of_types_and_modules_are_resolved(pickler: str) -> None:
    stream = f"c{pickler}\nsubimport\n(".encode() + text("os") + b"tR0"
    stream += f"c{pickler}\n_builtin_type\n(".encode() + text("CodeType") + b"tR)R."
    assert "os" in imports(stream)
    assert targets(stream)[-1] == "types.CodeType"


def test_dills_name_for_the_type_of_types() -> None:
    stream = b"cdill._dill\n_load_type\n(" + text("TypeType") + b"tR)R."
    assert targets(stream)[-1] == "builtins.type"
