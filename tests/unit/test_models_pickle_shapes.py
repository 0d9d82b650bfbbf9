"""Helpers that are harmless in one shape only, and state that is more than data."""

from __future__ import annotations

import pytest
from mlsecops.models.pickle.shapes import SHAPES, hands_tool, is_class, is_function
from mlsecops.models.pickle.states import bad_state
from mlsecops.models.pickle.values import Constant, Cut, Global, Mapping, Result, Sequence, Unknown, Value

SVC, OBJECT, LOG, SYSTEM = (
    Global(name) for name in ("sklearn.svm._classes.SVC", "builtins.object", "numpy.log1p", "os.system")
)
NONE, UNKNOWN, EMPTY = Constant(None), Unknown(), Mapping((), 0)
TUPLE = Sequence("tuple", (), 0)
GETATTR = Global("builtins.getattr")


def text(value: str) -> Constant:
    return Constant(value)


def items(*values: Value) -> Sequence:
    return Sequence("tuple", values, len(values))


def pairs(**values: Value) -> Mapping:
    return Mapping(tuple((Constant(key), value) for key, value in values.items()), len(values))


# name -> what fits, what does not
CASES: dict[str, tuple[tuple[tuple[Value, ...], ...], tuple[tuple[Value, ...], ...]]] = {
    "builtins.getattr": (
        (
            (SVC, text("fit")),
            (SVC, text("a.b")),
            (SVC, text("_x")),
            (SVC, text("x"), NONE),
            (SVC, text("__new__")),
        ),
        (
            (SVC, text("__globals__")),
            (SVC, text("a.__b__")),
            (SVC, text("mro")),
            (SVC, UNKNOWN),
            (SVC,),
            (SYSTEM, text("__new__")),
            (SVC, text("a b")),
        ),
    ),
    "builtins.type": (((SVC,),), ((text("X"), TUPLE, EMPTY), ())),
    "builtins.iter": (((TUPLE,),), ((LOG, NONE),)),
    "functools.partial": (
        ((LOG,), (LOG, Constant(1)), (Result("functools.partial"),)),
        ((GETATTR, SVC), (), (Result("operator.attrgetter"),), (Result(None),), (UNKNOWN,)),
    ),
    "functools.reduce": (
        ((Global("operator.or_"), items(Global("builtins.int"), NONE)),),
        (
            (GETATTR, items(SVC, text("x"))),
            (Global("operator.or_"), UNKNOWN),
            (Global("operator.or_"), items(GETATTR)),
        ),
    ),
    "operator.getitem": (
        (
            (Global("typing.List"), Global("builtins.int")),
            (Global("typing.List"), Result("operator.getitem")),
            (Global("typing.Literal"), text("x")),
        ),
        (
            (Global("os.__dict__"), text("system")),
            (Global("typing.List"), Result("os.system")),
            (UNKNOWN, text("x")),
            (Global("typing.List"), Global("builtins.eval")),
        ),
    ),
    "operator.attrgetter": (((text("a.b"), text("c")),), ((text("__class__"),), (), (UNKNOWN,))),
    "operator.methodcaller": (((text("lower"),),), ((text("__reduce__"),), (text("lower"), UNKNOWN))),
    "operator.itemgetter": (((Constant(1), text("x")),), ((text("__builtins__"),), (), (UNKNOWN,))),
    "copyreg._reconstructor": (
        ((SVC, OBJECT, NONE), (SVC, Global("builtins.dict"), EMPTY)),
        ((SVC, SYSTEM, NONE), (SVC, OBJECT), (UNKNOWN, OBJECT, NONE), (SVC, LOG, NONE)),
    ),
    "copyreg.__newobj__": (((SVC,), (SVC, Constant(1))), ((), (UNKNOWN,))),
    "_codecs.encode": (
        ((text("x"), text("latin1")), (Cut("x", 10**6, 0), text("UTF-8"))),
        ((text("x"), text("rot13")), (text("x"),), (SVC, text("latin1")), (text("x"), UNKNOWN)),
    ),
    "re._compile": (((text("a+"), Constant(0)),), ((SVC, Constant(0)), (UNKNOWN,))),
    "logging.getLogger": (((text("x"),), ()), ((SYSTEM,),)),
    "types.MethodType": (((LOG, SVC),), ((GETATTR, SVC), (LOG,))),
    "numpy._core._ufunc_reconstruct": (
        (
            (text("numpy"), text("log1p")),
            (text("numpy.core._multiarray_umath"), text("exp")),
            (text("scipy.special._ufuncs"), text("expit")),
        ),
        (
            (text("os"), text("system")),
            (text("numpy"), text("fromfile.x")),
            (text("numpy"),),
            (text("numpy"), UNKNOWN),
            (text("numpy"), text("ndarray")),
            (text("mypackage._ufuncs"), text("f")),
            (text("numpy.os._ufuncs"), text("system")),
            (text("numpy._ufuncs"), text("__class__")),
        ),
    ),
    "numpy.random._pickle.__generator_ctor": (
        (
            (text("PCG64"), Global("numpy.random._pickle.__bit_generator_ctor")),
            (Result("numpy.random._pickle.__bit_generator_ctor"),),
        ),
        ((text("x"), SYSTEM), (SYSTEM,), (text("x"), UNKNOWN)),
    ),
    "dill._dill._eval_repr": (
        ((text("Ellipsis"),), (text("range(0, 3)"),), (text("range(-1, 3, 2)"),)),
        ((text("__import__('os')"),), (text("range(0, f())"),), (UNKNOWN,), (text("None"), NONE), ()),
    ),
    "numba.core.serialize.custom_rebuild": (
        ((Result("numba.core.serialize._unpickle__CustomPickled"),),),
        ((Result("os.system"),), (UNKNOWN,), ()),
    ),
    "torch._tensor._rebuild_from_type_v2": (
        ((Global("torch._utils._rebuild_tensor_v2"), Global("torch.nn.parameter.Parameter"), TUPLE, EMPTY),),
        ((SYSTEM, SVC, TUPLE, EMPTY), (Global("torch.nn.modules.linear.Linear"), SVC, TUPLE, EMPTY), (LOG,)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_shape_in_which_a_helper_is_written(name: str) -> None:
    fits, others = CASES[name]
    assert [each for each in fits if not SHAPES[name](each)] == []
    assert [each for each in others if SHAPES[name](each)] == []


def test_every_helper_with_a_shape_of_its_own_is_among_the_cases() -> None:
    assert {SHAPES[name] for name in CASES} == set(SHAPES.values())


def test_what_counts_as_a_class_or_a_function() -> None:
    assert is_class(SVC)
    assert not any(is_class(each) for each in (LOG, SYSTEM, UNKNOWN))
    assert is_function(LOG)
    assert is_function(Result("functools.partial"))
    assert not any(is_function(each) for each in (GETATTR, Result("builtins.getattr"), Result(None), TUPLE))


def test_tools_among_the_arguments_of_an_allowed_call() -> None:
    assert hands_tool("x._new_Index", (UNKNOWN, Global("numpy.memmap"))) == "numpy.memmap"
    assert hands_tool("x._new_Index", (Global("numpy.load"),)) == "numpy.load"
    assert hands_tool("x._reconstruct", (Global("numpy.memmap"),)) == ""
    assert hands_tool("x._reconstruct", (GETATTR,)) == "builtins.getattr"
    assert hands_tool("x._new_Index", (SVC, LOG, Global("builtins.type"), NONE)) == ""


RV, PARTIAL, WRAPPER = (
    "scipy.stats._distn_infrastructure.rv_frozen",
    "functools.partial",
    "joblib.numpy_pickle.NDArrayWrapper",
)
TEMPLATE = """
def _parse_args(self, a, loc=0, scale=1):
    return (a,), loc, scale

def _parse_args_rvs(self, a, loc=0, scale=1, size=None):
    return self._argcheck_rvs(a, loc, scale, size=size)

def _parse_args_stats(self, a, loc=0, scale=1, moments='mv'):
    return (a,), loc, scale, moments
"""
CODE = TEMPLATE.replace("loc=0", "loc=print(1)", 1)
STATES: dict[str, tuple[str, Value, str]] = {
    "attributes": ("sklearn.svm._classes.SVC", pairs(kernel=text("rbf")), ""),
    "attributes and slots": ("x.Y", items(NONE, pairs(a=NONE)), ""),
    "slots of the machinery": ("x.Y", items(NONE, pairs(__class__=SVC)), "inside"),
    "what scipy runs": (RV, pairs(_parse_arg_template=text(TEMPLATE)), ""),
    "code for scipy": (RV, pairs(_parse_arg_template=text(CODE)), "code"),
    "more code for scipy": (RV, pairs(_parse_arg_template=text(TEMPLATE + "print(1)")), "code"),
    "code that is computed": (RV, pairs(_parse_arg_template=UNKNOWN), "code"),
    "code in whatever class": ("x.Y", pairs(_parse_arg_template=text("import os")), "code"),
    "distribution that is not shown": (RV, UNKNOWN, "hidden"),
    "distribution in part": (RV, Mapping((), 3), "hidden"),
    "distribution without state": (RV, NONE, ""),
    "distribution of old": (RV, items(pairs(shapes=text("a, b")), EMPTY), ""),
    "distribution of old without shapes": (RV, items(pairs(shapes=NONE), EMPTY), ""),
    "code as the shapes": (RV, items(pairs(shapes=text("a=print(1)")), EMPTY), "code"),
    "computed shapes": (RV, items(pairs(shapes=UNKNOWN), EMPTY), "code"),
    "code for scipy in other words": (
        RV,
        pairs(_parse_arg_template=text(CODE.replace("print", "(print)"))),
        "code",
    ),
    "more code for scipy in other words": (
        RV,
        pairs(_parse_arg_template=text(CODE.replace("t(", "t ("))),
        "code",
    ),
    "code in a state of old": (RV, items(pairs(_parse_arg_template=text("x")), NONE), "hidden"),
    "function of a partial": (PARTIAL, items(LOG, TUPLE, EMPTY, NONE), ""),
    "tool of a partial": (PARTIAL, items(GETATTR, TUPLE, EMPTY, NONE), "hidden"),
    "nothing in a partial": (PARTIAL, TUPLE, "hidden"),
    "array beside the file": (WRAPPER, pairs(filename=text("model.pkl_01.npy")), ""),
    "array elsewhere": (WRAPPER, pairs(filename=text("/etc/passwd")), "file"),
    "array above": (WRAPPER, pairs(filename=text("..")), "file"),
    "array by a computed name": (WRAPPER, pairs(filename=UNKNOWN), "file"),
    "state that is no state": (WRAPPER, TUPLE, ""),
}


@pytest.mark.parametrize("case", STATES)
def test_state(case: str) -> None:
    owner, state, expected = STATES[case]
    assert bad_state(owner, state) == expected
