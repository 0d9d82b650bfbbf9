"""PaddlePaddle programs and parameters (paddle/fluid/framework/framework.proto, lod_tensor.cc)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from mlsecops.models.cursor import Cursor
from mlsecops.models.inspection import Fact
from mlsecops.models.json_stream import texts
from mlsecops.models.paths import leaves
from mlsecops.models.protobuf import Span, Wire, outline
from mlsecops.models.rules.onnx import PADDLE
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_CALLS = re.compile(
    r"py_func|py_layer|pylayer|custom_operator|run_program|listen_and_serv|tensorrt_engine\w*"
)
_FILES = re.compile(r"(?:save|load)(?:_combine)?|print|read_file|.*(?:file|path).*")
_NETWORK = re.compile(r"(?:send|recv|fetch_barrier|send_barrier|distributed_\w+|ps\w*_(?:push|pull)\w*)")
_NODE = re.compile(rb'"base_code"\s*:\s*\{[^{}]{0,200}"magic"\s*:\s*"pir"')
# Bytes of a value of each type (VarType.Type).
_WIDTHS: Mapping[int, int] = {
    0: 1,
    1: 2,
    2: 4,
    3: 8,
    4: 2,
    5: 4,
    6: 8,
    20: 1,
    21: 1,
    22: 2,
    23: 8,
    24: 16,
    32: 1,
    33: 1,
}
_BLOCKS, _VERSION, _OPERATOR, _TYPE, _ATTRIBUTE = 1, 4, 4, 3, 4
_MOST_TENSORS, _LONGEST = 1_000_000, 1 << 16
_ZEROS = bytes(16)


@dataclass(frozen=True, slots=True)
class PaddleProgramReader:
    """`__model__` and `.pdmodel`."""

    format: str = "PaddlePaddle program"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By blocks of variables and operators."""
        if head[:1] != b"\n":
            return False
        first = outline(source, 8)
        if first is None or not {number for number, _ in first} <= {_BLOCKS, _VERSION, 5}:
            return False
        span = first[0][1]
        if not isinstance(span, Span):
            return False
        block = outline(source.part(span.start, span.size, ""), 8)
        return (
            block is not None
            and [number for number, _ in block[:2]] == [1, 2]
            and {3, 4} >= {number for number, _ in block[2:]}
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Look at the type and the texts of every operator."""
        wire = Wire(source)
        for block in wire.parts(None, _BLOCKS):
            for operator in wire.parts(block, _OPERATOR):
                kinds = [wire.text(each, 200) for each in wire.parts(operator, _TYPE)]
                given = [
                    wire.text(text)
                    for attribute in wire.parts(operator, _ATTRIBUTE)
                    for number in (5, 8)
                    for text in wire.parts(attribute, number)
                ]
                walk.found.has_operators(kinds)
                for kind in kinds:
                    _operator(kind, given, source, walk)
        walk.found.producer = walk.found.producer or "paddlepaddle"


def _operator(kind: str, given: list[str], source: Source, walk: Walk) -> None:
    message = ""
    if _CALLS.fullmatch(kind):
        message = f"The program runs code that is not in it, by the operator `{kind}`."
    elif _NETWORK.fullmatch(kind):
        message = f"The program talks to other machines by the operator `{kind}`."
    elif _FILES.fullmatch(kind):
        places = [text for text in given if leaves(text)]
        if places and kind != "print":
            message = f"The program reads or writes `{places[0][:200]}` by the operator `{kind}`."
    if message:
        walk.found.add(Fact(rule=PADDLE.id, subject=kind, message=message, part=source.name))


@dataclass(frozen=True, slots=True)
class PaddleJsonReader:
    """Programs of Paddle 3, which are JSON."""

    format: str = "PaddlePaddle program (JSON)"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the mark of its representation."""
        del source
        return head.lstrip()[:1] == b"{" and _NODE.search(head) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Look at all names of operators, which begin with the number of their dialect."""
        for text in texts(source):
            dialect, point, name = text[:200].decode("utf-8", "replace").partition(".")
            if point and dialect.isdecimal():
                _operator(name.removesuffix("_"), [], source, walk)


@dataclass(frozen=True, slots=True)
class PaddleParametersReader:
    """`.pdiparams`: tensors one after another."""

    format: str = "PaddlePaddle parameters"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the versions of a tensor, none, and the description behind them."""
        del source
        length = int.from_bytes(head[16:20], "little")
        return (
            head.startswith(_ZEROS)
            and 4 <= length < 200
            and head[20:21] == b"\x08"
            and head[22:23] == b"\x10"
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Go from tensor to tensor to the end of the file."""
        del walk
        cursor = Cursor(source)
        for _ in range(_MOST_TENSORS):
            if not cursor.left:
                return
            if cursor.number(4) != 0:
                raise UnreadableError("its tensors have a version that is not known")
            for _ in range(_bounded(cursor.number(8))):
                cursor.skip(cursor.number(8))
            if cursor.number(4) != 0:
                raise UnreadableError("its tensors have a version that is not known")
            length = _bounded(cursor.number(4))
            description = source.part(cursor.position, length, "")
            cursor.skip(length)
            cursor.skip(_size(description))
        raise UnreadableError("it has more tensors than any real model")


def _bounded(number: int) -> int:
    if number > _LONGEST:
        raise UnreadableError("its tensors are described by more than any writer gives")
    return number


def _size(description: Source) -> int:
    fields = list(Wire(description).fields())
    kinds = [value for number, value in fields if number == 1 and isinstance(value, int)]
    shape = [value for number, value in fields if number == 2 and isinstance(value, int)]
    if len(kinds) != 1 or kinds[0] not in _WIDTHS or len(shape) > 64:
        raise UnreadableError("its tensors have a type that is not known")
    return prod(shape) * _WIDTHS[kinds[0]]
