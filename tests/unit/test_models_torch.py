"""PyTorch's archives: programs in them are read as text, and what they reach for is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.torch import Torch, TorchPrograms
from mlsecops.models.readers.zip import Zip
from mlsecops.models.rules.archives import AMBIGUOUS, CODE, EXPORT, NATIVE, OPERATOR, PACKAGE, SCRIPT
from mlsecops.models.torch_code import in_export, in_script, is_plain_expression
from mlsecops.models.torch_layout import layout_of
from support.parts import read_with, reasons, rules, subjects
from support.witness import MARK, Witness
from support.zips import Piece, zipped

STATE = {"m/data.pkl": MARK, "m/byteorder": b"little", "m/data/0": bytes(40), "m/version": b"3\n"}
SCRIPTED = {
    "m/data.pkl": MARK,
    "m/constants.pkl": MARK,
    "m/code/__torch__.py.debug_pkl": MARK,
    "m/version": b"3\n",
}
EXPORTED = {"m/archive_format": b"pt2", "m/archive_version": b"0", "m/data/weights/w_0": bytes(20)}
SOURCE = """class Net(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    _0 = __torch__.torch.nn.functional.relu
    _1 = ops.prim.NumToTensor(torch.size(x, 0))
    y = torch.add(torch.matmul(x, self.weight), CONSTANTS.c0)
    print("torch.save is not called here")  # nor torch.from_file(
    return ops.quantized.linear(_0(y), ops.torchvision.nms(y, y, 0.5))
"""


def made(files: dict[str, bytes], **more: bytes) -> bytes:
    both = {**files, **more}
    return zipped(
        [Piece(name=name, content=content, method=8 * (len(content) > 60)) for name, content in both.items()]
    )


def read(folder: Path, files: dict[str, bytes]) -> tuple[Inspection, Witness]:
    witness = Witness()
    return read_with(folder, made(files), Zip(), Torch(), TorchPrograms(), witness), witness


def test_weights_are_no_program(tmp_path: Path) -> None:
    found, witness = read(tmp_path, STATE)
    assert (rules(found), reasons(found), witness.seen) == ([], [], ["m/data.pkl"])
    assert (found.producer, found.details["torch"], found.formats[-1]) == ("torch", "PyTorch", "PyTorch")


def test_other_zips_are_none_of_torch(tmp_path: Path) -> None:
    found, _ = read(tmp_path, {"a.npy": b"x"})
    assert (found.formats, found.producer) == (["zip"], "")


def test_two_pickles_of_which_loaders_take_one(tmp_path: Path) -> None:
    found, witness = read(tmp_path, {**STATE, "n/data.pkl": MARK})
    assert (subjects(found, AMBIGUOUS.id), len(witness.seen)) == (["data.pkl"], 2)


def test_scripts_that_compute_say_nothing(tmp_path: Path) -> None:
    found, witness = read(tmp_path, {**SCRIPTED, "m/code/__torch__.py": SOURCE.encode()})
    assert (rules(found), reasons(found)) == ([], [])
    assert found.details["torch"] == "TorchScript"
    assert len(witness.seen) == 3


@pytest.mark.parametrize(
    ("call", "rule", "subject"),
    [
        ('torch.save(x, "/tmp/x")', SCRIPT, "aten::save"),
        ('torch.from_file("/etc/passwd", False, 10)', SCRIPT, "aten::from_file"),
        ('torch . from_file ("/etc/passwd")', SCRIPT, "aten::from_file"),
        ('ops.aten.save(x, "y")', SCRIPT, "aten::save"),
        ('ops.image.read_file("/etc/passwd")', SCRIPT, "image::read_file"),
        ('ops.torchaudio.sox_io_save_audio_file("x")', SCRIPT, "torchaudio::sox_io_save_audio_file"),
        ('ops.prim.rpc_async("worker", f)', SCRIPT, "prim::rpc_async"),
        ("ops.mine.run(x)", OPERATOR, "mine::run"),
        ("__torch__.torch.classes.mine.Engine(x)", OPERATOR, "torch.classes.mine.Engine"),
        ('getattr(torch, "save")', SCRIPT, "getattr(torch"),
    ],
)
def test_operators_that_reach_out(tmp_path: Path, call: str, rule: object, subject: str) -> None:
    source = SOURCE.replace("return", f"z = {call}\n    return")
    found, _ = read(tmp_path, {**SCRIPTED, "m/code/__torch__/net.py": source.encode()})
    assert [(fact.rule, fact.subject) for fact in found.facts.values()] == [
        (getattr(rule, "id", ""), subject)
    ]


@pytest.mark.parametrize("line", ["t = torch\n", "t = ops.aten\n", "t = torch;"])
def test_a_namespace_under_another_name_is_told(line: str) -> None:
    assert [reach.kind for reach in in_script(line)] == ["hidden"]


def test_code_that_is_no_part_of_the_program(tmp_path: Path) -> None:
    found, _ = read(tmp_path, {**SCRIPTED, "m/extra/setup.py": b"import os"})
    assert rules(found) == [CODE.id]


def test_a_source_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsecops.models.readers.torch._MOST_SOURCE", 100)
    found, _ = read(tmp_path, {**SCRIPTED, "m/code/__torch__.py": SOURCE.encode()})
    assert [each.part for each in found.unread] == ["m/code/__torch__.py"]


def test_a_source_that_is_cut_off_is_not_read(tmp_path: Path) -> None:
    packed = zipped(
        [Piece(name=name, content=content) for name, content in SCRIPTED.items()]
        + [Piece(name="m/code/a.py", content=b"?", method=8, packed=b"\x4b")]
    )
    found = read_with(tmp_path, packed, Zip(), Torch(), Witness())
    assert set(reasons(found)) == {"it is cut off"}


def test_models_for_phones(tmp_path: Path) -> None:
    code = b"\x80\x02X\x0a\0\0\0aten::saveq\x01X\0\0\0\0."
    found, _ = read(tmp_path, {"m/data.pkl": MARK, "m/bytecode.pkl": MARK + code})
    assert subjects(found, SCRIPT.id) == ["aten::save"]
    found, _ = read(tmp_path, {"m/data.pkl": MARK, "m/bytecode.pkl": MARK + code.replace(b"save", b"relu")})
    assert rules(found) == []
    found, _ = read(tmp_path, {"m/bytecode.pkl": MARK + b"prim::rpc_sync"})
    assert subjects(found, SCRIPT.id) == ["prim::rpc_sync"]


def test_packages_run_their_code(tmp_path: Path) -> None:
    package = {"p/.data/extern_modules": b"torch\n", "p/models/model.pkl": MARK}
    assert rules(read(tmp_path, package)[0]) == []
    code = {"p/net/__init__.py": b"", "p/net/layers.py": b"import os\n", "p/net/more.py": b"x = 1\n"}
    found, witness = read(tmp_path, {**package, **code})
    assert [(fact.rule, fact.message) for fact in found.facts.values()] == [
        (PACKAGE.id, "Loading this package runs the Python code in it: `p/net/layers.py` and 1 more.")
    ]
    assert witness.seen == ["p/models/model.pkl"]


def test_handlers_of_servers_are_code(tmp_path: Path) -> None:
    files = {"MAR-INF/MANIFEST.json": b"{}", "handler.py": b"import os", "model.pt": MARK}
    found, _ = read(tmp_path, files)
    assert (rules(found), found.details["torch"]) == ([CODE.id], "TorchServe")


def graph(*targets: str, expression: str = "Max(1, s0)", guard: str = "L['x'].size()[0] >= 4") -> bytes:
    nodes = [{"target": target, "inputs": [], "metadata": {"stack_trace": 'exec("x")'}} for target in targets]
    size = {"as_expr": {"expr_str": expression, "hint": {"as_int": 4}}}
    return json.dumps({"graph": {"nodes": nodes, "sizes": [size]}, "guards_code": [guard]}).encode()


HARMLESS = (
    "torch.ops.aten.addmm.default",
    "torch.ops.higher_order.cond",
    "_operator.add",
    "math.ceil",
    "torch.sym_max",
    "torch._C._set_grad_enabled",
    "math_layer.weight",
    "torch_layers.0.weight",
    "linear.weight",
    "add",
)


@pytest.mark.parametrize("name", ["m/models/model.json", "m/models/extra.json"])
def test_exported_programs_of_operators_say_nothing(tmp_path: Path, name: str) -> None:
    found, _ = read(tmp_path, {**EXPORTED, name: graph(*HARMLESS)})
    assert (rules(found), reasons(found), found.details["torch"]) == ([], [], "torch.export")


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system",
        "torch.hub.load",
        "torchx.os.system",
        "os.system",
        "torch.ops.load_library",
        "torch.ops.aten.__class__.x",
        "torch.serialization.load",
        "_operator.methodcaller",
        "_operatorx.__class__",
        "math.__loader__.load_module",
        "builtins.eval",
    ],
)
def test_exported_programs_that_call_something_else(tmp_path: Path, target: str) -> None:
    document = graph(target)
    spelled = document.replace(b'"target"', b'"tar\\u0067et"')
    for each in (document, spelled):
        found, _ = read(tmp_path, {"serialized_exported_program.json": each, "version": b"8.2"})
        assert [(fact.rule, fact.subject) for fact in found.facts.values()] == [(EXPORT.id, target)]


def test_exported_programs_that_open_files(tmp_path: Path) -> None:
    found, _ = read(tmp_path, {**EXPORTED, "m/models/model.json": graph("torch.ops.aten.from_file.default")})
    assert subjects(found, SCRIPT.id) == ["aten::from_file"]
    found, _ = read(tmp_path, {**EXPORTED, "m/models/model.json": graph("torch.ops.mine.op")})
    assert subjects(found, OPERATOR.id) == ["mine::op"]


@pytest.mark.parametrize(
    "expression",
    ["s0", "-3", "2*s0 + 1", "Mod(s0, 8)", "Max(1, u0)//4", "Eq(s0, 4) & Ne(s1, 0)", "1.5e-3", "(s0 + 1)**2"],
)
def test_expressions_over_sizes(expression: str) -> None:
    assert is_plain_expression(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('echo x')",
        "eval(s0)",
        "().__class__",
        "s0.x",
        "'text'",
        "preview(s0)",
        "lambda: 0",
        "[s0]",
        "x" * 70_000,
        "1" * 400 + "!",
    ],
)
def test_expressions_that_are_programs(expression: str, tmp_path: Path) -> None:
    assert not is_plain_expression(expression)
    found, _ = read(tmp_path, {**EXPORTED, "m/models/model.json": graph("add", expression=expression)})
    assert rules(found) == [EXPORT.id]


def test_guards_that_are_programs() -> None:
    assert [reach.kind for reach in in_export(graph("add", guard="__import__('os')"))] == ["code"]


def test_compiled_packages_are_native_code(tmp_path: Path) -> None:
    library = b"\x7fELF" + bytes(60)
    found, _ = read(tmp_path, {**EXPORTED, "m/data/aotinductor/model/x.so": library})
    assert subjects(found, NATIVE.id) == ["m/data/aotinductor/model/x.so"]
    assert rules(found) == [NATIVE.id]


def test_flatbuffers_are_named_and_not_read(tmp_path: Path) -> None:
    found = read_with(tmp_path, b"\x30\0\0\0PTMF" + bytes(100), TorchPrograms())
    assert reasons(found) == ["PyTorch's flatbuffer models have no reader here"]


def test_layouts() -> None:
    assert layout_of(["a", "xdata.pkl"]) is None
    layout = layout_of(["data.pkl"])
    assert layout
    assert (layout.root, layout.judges("code/x.py")) == ("", False)
    scripted = layout_of(["m/constants.pkl", "m/data.pkl"])
    assert scripted
    assert [scripted.judges(name) for name in ("m/code/x.py", "code/x.py", "m/x.py")] == [True, False, False]


@given(text=st.text(alphabet="torchops.= \n\"'#\\_()get", max_size=200))
def test_any_text_may_be_a_script(text: str) -> None:
    list(in_script(text))


@given(data=st.binary(max_size=200), text=st.text(alphabet='"\\:target.u0', max_size=100))
def test_any_bytes_may_be_a_graph(data: bytes, text: str) -> None:
    list(in_export(data + text.encode()))
    is_plain_expression(text)
