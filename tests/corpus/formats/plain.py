"""NumPy, safetensors, GGUF and skops, by their descriptions."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

from corpus.formats.zips import zip_of

_GGUF_TYPES = {"u32": 4, "f32": 6, "bool": 7, "string": 8, "array": 9, "u64": 10}


def npy(data: bytes, descr: str = "'<f8'", shape: str = "(3,)", version: int = 1, header: str = "") -> bytes:
    """An array (numpy.lib.format); `header` replaces the dictionary that says what is in it."""
    text = header or f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    encoded = text.encode("utf-8")
    length = 2 if version == 1 else 4
    encoded += b" " * (-(8 + length + len(encoded) + 1) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(encoded))
    return b"\x93NUMPY" + bytes([version, 0]) + size + encoded + data


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A header, which may be any text, and the tensors; `length` is what is said of the header's."""
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int = 0, size: int = 16) -> dict[str, object]:
    """What a header says of a tensor of floats."""
    return {"dtype": "F32", "shape": [size // 4], "data_offsets": [start, start + size]}


def gguf(
    metadata: Mapping[str, object],
    tensors: bytes = b"",
    *,
    count: int = 0,
    keys: int | None = None,
    version: int = 3,
    data: bytes = b"",
) -> bytes:
    """A model of llama.cpp (ggml/docs/gguf.md); `count` and `keys` may lie."""
    head = b"GGUF" + struct.pack("<IQQ", version, count, len(metadata) if keys is None else keys)
    return head + b"".join(_text(name) + _value(value) for name, value in metadata.items()) + tensors + data


def gguf_tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    """What the header says of a tensor."""
    return _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case bool():
            return struct.pack("<IB", _GGUF_TYPES["bool"], value)
        case int():
            return struct.pack("<II", _GGUF_TYPES["u32"], value)
        case float():
            return struct.pack("<If", _GGUF_TYPES["f32"], value)
        case str():
            return struct.pack("<I", _GGUF_TYPES["string"]) + _text(value)
        case list():
            items = b"".join(_value(each)[4:] for each in value)
            kind = _value(value[0])[:4] if value else struct.pack("<I", 4)
            return struct.pack("<I", _GGUF_TYPES["array"]) + kind + struct.pack("<Q", len(value)) + items
        case _:
            raise TypeError(f"no type for {type(value).__name__}")


def skops(schema: Mapping[str, object], members: Mapping[str, bytes] | None = None) -> bytes:
    """A zip with a schema (skops.io)."""
    return zip_of({"schema.json": json.dumps(schema).encode(), **(members or {})})
