"""ONNX models that read files out of their folder, or run operators that are Python or a library."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.formats import onnx
from corpus.sample import Sample, Variation

FAMILY = "ONNX"
TRAVERSAL = "CVE-2022-25882"
INNER = "CVE-2024-27318"
LINKS = "CVE-2026-27489"
CONTEXT = "https://onnxruntime.ai/docs/execution-providers/EP-Context-Design.html"
PYTHON = "https://github.com/microsoft/onnxruntime-extensions/blob/main/docs/pyop.md"


def samples(vary: Variation) -> Iterator[Sample]:
    """Where external data may be, and where an operator may hide."""
    for technique, source, data in (*_external(vary), *_operators(vary)):
        yield Sample(name="model.onnx", data=data, family=FAMILY, technique=technique, source=source)


def _external(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    up = vary.pick(("../../../etc/passwd", "../secret.bin", "../../.ssh/id_rsa"))
    inner = vary.pick(("a/../../b", "data/../../../etc/passwd", "./../x"))
    places = (
        ("above the folder", TRAVERSAL, up),
        ("above the folder, in the middle", INNER, inner),
        ("absolute", INNER, vary.pick(("/etc/passwd", "/proc/self/environ"))),
        (
            "on a drive",
            TRAVERSAL,
            vary.pick(("C:\\Windows\\win.ini", "..\\..\\secret.bin", "\\\\host\\share\\x")),
        ),
    )
    relu = onnx.node("Relu")
    for what, source, place in places:
        yield f"external data {what}", source, onnx.model(onnx.graph((relu,), (onnx.external(place),)))
    held = onnx.attribute("value", onnx.external(up), onnx.TENSOR)
    yield (
        "external data of a Constant",
        INNER,
        onnx.model(onnx.graph((onnx.node("Constant", attributes=(held,)),))),
    )
    branch = onnx.attribute("then_branch", onnx.graph((relu,), (onnx.external(up),)), onnx.GRAPH)
    yield "external data in a branch", INNER, onnx.model(onnx.graph((onnx.node("If", attributes=(branch,)),)))
    compiled = onnx.attribute("ep_cache_context", up.encode(), onnx.TEXT)
    context = onnx.node("EPContext", "com.microsoft", (compiled,))
    yield "a compiled graph outside of the folder", CONTEXT, onnx.model(onnx.graph((context,)))
    body = onnx.function("f", "local", onnx.node("Constant", attributes=(held,)))
    called = onnx.graph((onnx.node("f", "local"),))
    yield "external data in a function", LINKS, onnx.model(called, ("", "local"), (body,))


def _operators(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    domain = vary.pick(("ai.onnx.contrib", "ai.onnx.contrib", "com.microsoft.extensions"))
    python = onnx.node(vary.pick(("PyOp", "PythonOp")), domain)
    yield "an operator that is Python", PYTHON, onnx.model(onnx.graph((python,)), ("", domain))
    body = onnx.function("f", "local", python)
    yield (
        "the same in a function",
        PYTHON,
        onnx.model(onnx.graph((onnx.node("f", "local"),)), ("", domain), (body,)),
    )
    branch = onnx.attribute("else_branch", onnx.graph((python,)), onnx.GRAPH)
    hidden = onnx.graph((onnx.node("If", attributes=(branch,)),))
    yield "the same in a branch", PYTHON, onnx.model(hidden, ("", domain))
