"""ONNX models as protocol buffers (onnx/onnx.proto)."""

from __future__ import annotations

from corpus.formats.protobuf import message

GRAPH, TENSOR, TEXT, EXTERNAL = 5, 4, 3, 1


def node(op: str, domain: str = "", attributes: tuple[bytes, ...] = ()) -> bytes:
    """A NodeProto."""
    return message((1, ("x",)), (2, ("y",)), (3, op.lower()), (4, op), (5, attributes), (7, domain or ()))


def attribute(name: str, value: bytes, kind: int) -> bytes:
    """An attribute that is a text, a tensor or a graph."""
    return message((1, name), (_FIELDS[kind], value), (20, kind))


_FIELDS = {TEXT: 4, TENSOR: 5, GRAPH: 6}


def tensor(name: str = "w") -> bytes:
    """Three floats."""
    return message((1, 3), (2, 1), (8, name), (9, bytes(12)))


def external(location: str, name: str = "w", offset: int = 0, length: int = 12) -> bytes:
    """A tensor that lies in another file."""
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    pairs = [message((1, key), (2, value)) for key, value in entries.items()]
    return message((1, 3), (2, 1), (8, name), (13, pairs), (14, EXTERNAL))


def graph(nodes: tuple[bytes, ...], tensors: tuple[bytes, ...] = (), sparse: tuple[bytes, ...] = ()) -> bytes:
    """A GraphProto."""
    ends = message((1, "x"))
    return message((1, nodes), (2, "main"), (5, tensors), (11, ends), (12, message((1, "y"))), (15, sparse))


def function(name: str, domain: str, *nodes: bytes) -> bytes:
    """A FunctionProto."""
    return message(
        (1, name), (4, ("x",)), (5, ("y",)), (7, nodes), (9, message((1, ""), (2, 17))), (10, domain)
    )


def model(body: bytes, domains: tuple[str, ...] = ("",), functions: tuple[bytes, ...] = ()) -> bytes:
    """A ModelProto."""
    opsets = [message((1, domain), (2, 17)) for domain in domains]
    return message((1, 8), (2, "pytorch"), (3, "2.4.0"), (7, body), (8, opsets), (25, functions))
