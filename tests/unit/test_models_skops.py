"""skops schemas: what their nodes import, and whether they are what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.named import UNKNOWN_IMPORT
from mlsecops.models.readers.skops import SkopsReader
from support.judges import judge_name
from support.parts import read_with, reasons, rules, subjects

READER = SkopsReader(judge_name)
CALLS, DISGUISE, OPERATOR = "skops-calls-code", "skops-disguise", "skops-operator"


def node(name: str, loader: str, **more: Any) -> dict[str, Any]:
    module, _, last = name.rpartition(".")
    return {"__module__": module, "__class__": last, "__loader__": loader, "__id__": 1, **more}


def schema(**content: Any) -> bytes:
    state = node(
        "builtins.dict", "DictNode", key_types=node("builtins.list", "ListNode", content=[]), content=content
    )
    top = node("sklearn.linear_model._base.LinearRegression", "ObjectNode", content=state)
    return json.dumps({**top, "protocol": 2, "_skops_version": "0.13.0"}).encode()


def text(value: object) -> dict[str, Any]:
    return node("builtins.str", "JsonNode", content=json.dumps(value), is_json=True)


def given_to(name: str, *values: object) -> dict[str, Any]:
    attrs = node("builtins.tuple", "TupleNode", content=[text(value) for value in values])
    return node(name, "OperatorFuncNode", attrs=attrs)


GENERATOR = {"content": {"bit_generator": {"content": {"bit_generator": text("PCG64"), "state": text(1)}}}}


def test_what_skops_writes_is_no_fact(tmp_path: Path) -> None:
    owner = node("sklearn.tree._tree.Tree", "TreeNode")
    data = schema(
        a=text("x"),
        b=node("numpy.ndarray", "NdArrayNode", type="numpy", file="1.npy"),
        c=node("scipy.sparse._csr.csr_matrix", "SparseMatrixNode", type="scipy", file="2.npz"),
        d=node("numpy.float64", "NdArrayNode"),
        e=node("numpy.random._generator.Generator", "RandomGeneratorNode", **GENERATOR),
        f=node("scipy.special._ufuncs.expit", "FunctionNode"),
        g=given_to("operator.itemgetter", "a"),
        h=node("sklearn.tree._tree.Tree", "MethodNode", content={"func": "predict", "obj": owner}),
        i=node("functools.partial", "PartialNode", content={"func": owner}),
        j={"__loader__": "CachedNode", "__module__": None, "__class__": None, "__id__": 1},
        k=node("collections.defaultdict", "DefaultDictNode"),
    )
    found = read_with(tmp_path, data, READER)
    assert (found.facts, found.unread, found.producer) == ({}, [], "skops 0.13.0")


def test_names_are_judged(tmp_path: Path) -> None:
    data = schema(a=node("os.system", "FunctionNode"), b=node("mine.Thing", "TypeNode"))
    found = read_with(tmp_path, data, READER)
    assert subjects(found, CALLS) == ["os.system"]
    assert subjects(found, UNKNOWN_IMPORT) == ["mine.Thing"]
    assert found.imports >= {"os.system", "mine.Thing"}


@pytest.mark.parametrize(
    "odd",
    [
        node("sklearn.x.Y", "OperatorFuncNode", attrs=text(["a"])),
        node("sklearn.x.Y", "PartialNode", content={}),
        node("sklearn.x.Y", "JsonNode", content="1"),
        node("sklearn.x.Y", "MethodNode", content={"func": "fit", "obj": node("sklearn.x.Z", "ObjectNode")}),
        node("sklearn.x.Y", "MethodNode", content={"func": "_x", "obj": node("sklearn.x.Y", "ObjectNode")}),
        node("sklearn.x.Y", "MethodNode", content={"func": "a.b", "obj": node("sklearn.x.Y", "ObjectNode")}),
        node("sklearn.x.Y", "MethodNode"),
        node(
            "numpy.random._generator.Generator",
            "RandomGeneratorNode",
            content={"bit_generator": {"content": {"bit_generator": text("seed")}}},
        ),
    ],
)
def test_nodes_that_are_not_what_they_say(tmp_path: Path, odd: dict[str, Any]) -> None:
    assert DISGUISE in rules(read_with(tmp_path, schema(a=odd), READER))


@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("operator.methodcaller", ("read",), OPERATOR),
        ("operator.attrgetter", ("x.y",), OPERATOR),
        ("operator.methodcaller", (), OPERATOR),
        ("operator.attrgetter", ("x.__class__",), CALLS),
        ("operator.methodcaller", ("__init__",), CALLS),
        ("operator.call", ("x",), DISGUISE),
    ],
)
def test_operators_reach_by_name(tmp_path: Path, name: str, values: tuple[str, ...], rule: str) -> None:
    assert rule in rules(read_with(tmp_path, schema(a=given_to(name, *values)), READER))


def test_an_attribute_that_is_named_like_a_shell_is_graver(tmp_path: Path) -> None:
    found = [
        read_with(tmp_path, schema(a=given_to("operator.attrgetter", name)), READER)
        for name in ("coef_", "system")
    ]
    assert [[fact.severity for fact in each.facts.values()] for each in found] == [[None], [7.5]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (schema(a=node("sklearn.x.Y", "NewNode")), "kind of node"),
        (b'{"__loader__": ', "JSON"),
        (b'{"a": 1}', "nobody"),
        (b"[1]", "nobody"),
        (b'{"__loader__": ' + b'{"a": ' * 600 + b"1" + b"}" * 601, "nested"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in " ".join(reasons(read_with(tmp_path, data, READER)))


def test_the_reader_looks_at_the_end_too(tmp_path: Path) -> None:
    data = json.dumps({"content": "x" * 9000, **node("os.system", "FunctionNode")}).encode()
    assert rules(read_with(tmp_path, data, READER)) == [CALLS]


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.text(max_size=9) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["__class__", "__module__", "content", "attrs", "func", "obj"]), inner
            )
        ),
        max_leaves=20,
    ),
    st.sampled_from(["MethodNode", "OperatorFuncNode", "RandomGeneratorNode", "JsonNode", "DictNode", "X"]),
)
def test_any_schema_is_read_or_not(tmp_path_factory: pytest.TempPathFactory, inner: Any, loader: str) -> None:
    data = json.dumps({"__loader__": loader, "content": inner, "attrs": inner, "__class__": inner}).encode()
    found = read_with(tmp_path_factory.getbasetemp(), data, READER)
    assert not any("itself failed" in reason for reason in reasons(found))
