"""What the program in a TorchScript archive, or in an exported one, reaches for beside numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TEXTS = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*""")
_PATH = re.compile(r"(?<![\w.])(torch|ops|aten|prim|__torch__)((?:\s*\.\s*\w+)+)")
_HIDDEN = re.compile(r"\bgetattr\s*\(\s*(?:torch|ops)\b|=\s*(?:torch|ops)(?:\s*\.\s*\w+)?[ \t]*(?:\n|;|$)")
# Operators of PyTorch that open files or connections, whatever their namespace.
_FILES = re.compile(
    r"from_file|save|load|load_library|(?:read|write)_file|_?(?:read|write|load|save|open)_(?:file|video|audio|image)\w*"
    r"|sox_io_\w+|sox_effects_apply_effects_file|read_video\w*|probe_video\w*"
)
_NETWORK = re.compile(r"rpc_(?:a?sync|remote)|remote|rpc_\w+")
_FILE_SPACES = frozenset(["aten", "prim", "image", "video_reader", "video", "torchaudio", "io"])
_KNOWN_SPACES = frozenset(
    ["aten", "prim", "prims", "quantized", "_quantized", "quantized_decomposed", "prepacked", "sparse"]
    + ["xnnpack", "mkldnn", "mkldnn_prepacked", "onednn", "mkl", "cuda", "cudnn", "mps", "nccl"]
    + ["static_runtime", "profiler", "inductor", "torchvision", "torchaudio", "torchtext", "image"]
    + ["higher_order", "_c10d_functional", "symm_mem", "rngprims", "debugprims", "vulkan_prepack"]
    + ["metal_prepack", "_caffe2"]
)
_KNOWN_CLASSES = frozenset(
    ["quantized", "sparse", "xnnpack", "rnn", "vulkan", "metal", "mkldnn", "mkl", "onednn", "dnnl", "cuda"]
)
_MOBILE = re.compile(
    rb"aten::(?:from_file|save|load)|prim::(?:rpc_\w{4,6})|image::(?:read|write)_file|torchaudio::sox_io_\w{4}"
)

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
_LONGEST = 1 << 16
_NUMBERS = re.compile(r"(?:sym|_sym)_\w+")
_ARITHMETIC = re.compile(
    r"i?(?:add|sub|mul|floordiv|truediv|mod|pow|lshift|rshift|and_|or_|xor)"
    r"|eq|ne|lt|le|gt|ge|neg|pos|abs|not_|invert|getitem|index|is_|is_not|truth|max|min|round|len|int|float"
    r"|bool|sum|trunc|floor|ceil|sqrt|a?(?:cos|sin|tan)|(?:cos|sin|tan)h|exp|log|log2"
)
_SWITCHES = frozenset(["_C._set_grad_enabled", "amp.autocast", "autocast"])
_BESIDE_TORCH = ("_operator", "math", "builtins")
# Modules that no operator is in, nor any parameter of a model.
_NO_OPERATORS = frozenset(
    ["os", "posix", "nt", "subprocess", "sys", "importlib", "shutil", "pickle", "runpy"]
)
# Steps of a path below `torch` that no parameter of a model is called.
_LEADS_OUT = frozenset(
    ["os", "sys", "subprocess", "builtins", "hub", "importlib", "shutil", "serialization", "load", "save"]
    + ["utils", "jit", "package", "multiprocessing", "distributed", "_C", "inspect", "ctypes", "pickle"]
)
_EXPRESSION = re.compile(
    r"(?:(?<![\w.])[A-Za-z_]\w*+|\d++(?:\.\d*+)?+(?:e[+-]?\d++)?+|[\s()+*/%,<>=&|~^-])*+"
)
_CALLED = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
_FUNCTION = re.compile(
    r"Max|Min|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|ModularIndexing|Where|floor|ceiling|Piecewise"
    r"|ExprCondPair|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not|Xor|Abs|sign|Pow|Add|Mul|Integer|Rational|Float|Identity"
    r"|TruncToInt|TruncToFloat|ToFloat|IntTrueDiv|FloatTrueDiv|FloatPow|PowByNatural|RoundToInt"
    r"|RoundDecimal|CeilToInt|FloorToInt|LShift|RShift|NonNegativeInteger|IsNonOverlappingAndDenseIndicator"
    r"|(?:OpaqueUnaryFn|BitwiseFn|sym)_\w+|sqrt|log|exp|a?(?:cos|sin|tan)h?"
)
_CALLS = re.compile(
    r"\b(?:exec|eval|compile|open|getattr|setattr|globals|locals|vars|breakpoint|input|import\w*|lambda)\b"
)
_DOUBLE = re.compile(r"__(?!torch__)\w+__")


@dataclass(frozen=True, slots=True)
class Reach:
    """Something that a program reaches for: `kind` is `file`, `network`, `custom`, `hidden` or `code`."""

    kind: str
    name: str


def in_script(text: str) -> Iterator[Reach]:
    """What TorchScript source calls beside PyTorch's computing operators."""
    text = _TEXTS.sub('""', text)
    for match in _PATH.finditer(text):
        first, steps = match[1], [step.strip() for step in match[2].split(".")[1:]]
        if first == "__torch__":
            if steps[:2] == ["torch", "classes"] and len(steps) > 2 and steps[2] not in _KNOWN_CLASSES:
                yield Reach("custom", ".".join(["torch.classes", *steps[2:4]]))
        elif first == "torch":
            yield from of_operator("aten", steps[-1] if steps[0] == "_C" else steps[0])
        elif first == "ops" and len(steps) > 1:
            yield from of_operator(steps[0], steps[1])
        elif first in ("aten", "prim"):
            yield from of_operator(first, steps[0])
    if hidden := _HIDDEN.search(text):
        yield Reach("hidden", " ".join(hidden[0].split()))


def of_operator(space: str, name: str) -> Iterator[Reach]:
    """What an operator of a namespace reaches for."""
    if _NETWORK.fullmatch(name) and space in ("prim", "aten", "rpc"):
        yield Reach("network", f"{space}::{name}")
    elif _FILES.fullmatch(name) and space in _FILE_SPACES:
        yield Reach("file", f"{space}::{name}")
    elif space not in _KNOWN_SPACES:
        yield Reach("custom", f"{space}::{name}")


def in_bytecode(data: bytes) -> Iterator[Reach]:
    """Operators in the list of a mobile model, which stand there as plain text."""
    for match in _MOBILE.finditer(data):
        space, _, name = match[0].decode("ascii").partition("::")
        yield Reach("network" if name.startswith("rpc_") else "file", f"{space}::{name}")


def in_export(document: bytes) -> Iterator[Reach]:
    """What the graphs of an exported program call and evaluate (torch/_export/serde/schema.py)."""
    key = ""
    for match in _STRING.finditer(document):
        text = _decoded(match[1])
        if match[2]:
            key = text
        elif key == "target":
            yield from _of_target(text)
        elif (key == "expr_str" and not is_plain_expression(text)) or (
            key == "guards_code" and (_CALLS.search(text) or _DOUBLE.search(text))
        ):
            yield Reach("code", text[:80])


def _of_target(target: str) -> Iterator[Reach]:
    """What a function's name leads to: its first word only has to begin with that of a module."""
    first, *steps = target.split(".")
    below = ".".join(steps)
    if first in _NO_OPERATORS and steps:
        yield Reach("code", target)
    if first.startswith(_BESIDE_TORCH):
        if steps and not _ARITHMETIC.fullmatch(below) and (first in _BESIDE_TORCH or _DOUBLE.search(below)):
            yield Reach("code", target)
    elif first.startswith("torch") and steps:
        yield from _below_torch(target, first == "torch", steps, below)


def _below_torch(target: str, sure: bool, steps: list[str], below: str) -> Iterator[Reach]:
    if sure and steps[0] == "ops" and len(steps) > 2 and not _DOUBLE.search(below):
        yield from of_operator(steps[1], steps[2])
    elif sure and (below in _SWITCHES or _NUMBERS.fullmatch(below)):
        return
    elif sure or not _LEADS_OUT.isdisjoint(steps):
        yield Reach("code", target)


def is_plain_expression(text: str) -> bool:
    """Whether an expression is arithmetic over sizes: names, numbers and SymPy's functions, nothing else."""
    return (
        len(text) < _LONGEST
        and _EXPRESSION.fullmatch(text) is not None
        and not _DOUBLE.search(text)
        and not _CALLS.search(text)
        and all(_FUNCTION.fullmatch(match[1]) for match in _CALLED.finditer(text))
    )


def _decoded(text: bytes) -> str:
    if b"\\" not in text:
        return text[:_LONGEST].decode("utf-8", "replace")
    try:
        return str(json.loads(b'"' + text + b'"'))[:_LONGEST]
    except ValueError:
        return text[:_LONGEST].decode("utf-8", "replace")
