"""Graphs of TensorFlow as protocol buffers (tensorflow/core/framework, tensorflow/core/protobuf)."""

from __future__ import annotations

from corpus.formats.protobuf import message

STRING = 7


def node(name: str, op: str, inputs: tuple[str, ...] = (), **attributes: bytes) -> bytes:
    """A NodeDef; attributes are AttrValue messages."""
    entries = [message((1, key), (2, value)) for key, value in attributes.items()]
    return message((1, name), (2, op), (3, inputs), (5, entries))


def const(name: str, text: str | bytes) -> bytes:
    """A text as a node."""
    tensor = message((1, STRING), (2, b""), (8, text))
    return node(name, "Const", dtype=message((6, STRING)), value=message((8, tensor)))


def graph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    """A GraphDef, with a library of functions."""
    library = [message((1, functions))] if functions else []
    return message((1, nodes), (2, library), (4, message((1, 1882))))


def function(name: str, *nodes: bytes) -> bytes:
    """A FunctionDef."""
    return message((1, message((1, name))), (3, nodes))


def calling(name: str, target: str) -> bytes:
    """A node that calls a function of the library."""
    return node(name, "PartitionedCall", f=message((10, message((1, target)))))


def saved_model(definition: bytes) -> bytes:
    """A `saved_model.pb`."""
    info = message((4, "serve"), (5, "2.15.0"))
    return message((1, 1), (2, message((1, info), (2, definition))))
