"""LevelDB's tables and the checkpoints of TensorFlow in them (table_format.md, tensor_bundle.proto)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from corpus.formats.protobuf import message, varint

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FLOAT, STRING, VARIANT = 1, 7, 21


def block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Keys, each as what differs from the one before it, with values, and where keys begin anew."""
    out, before = bytearray(), b""
    for key, value in entries:
        shared = next(
            (at for at, pair in enumerate(zip(key, before, strict=False)) if pair[0] != pair[1]),
            min(len(key), len(before)),
        )
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return bytes(out) + struct.pack("<2L", 0, 1)


def table(*blocks: bytes, kind: int = 0, gap: int = 0) -> bytes:
    """Blocks with an index of them; `kind` is their compression, by `gap` the index leads elsewhere."""
    out, handles = bytearray(), []
    for number, each in enumerate(blocks):
        handles.append((b"%06d" % number, varint(len(out)) + varint(len(each))))
        out += each + bytes([kind]) + bytes(4)
    index = block(handles)
    footer = varint(0) + varint(0) + varint(len(out) + gap) + varint(len(index))
    return bytes(out) + index + b"\0" + bytes(4) + footer.ljust(40, b"\0") + MAGIC


def tensor(kind: int = FLOAT, size: int = 16) -> bytes:
    """A tensor's entry."""
    return message((1, kind), (2, message((2, message((1, size // 4))))), (4, 64), (5, size), (6, 1.0))


HEADER = message((1, 1), (3, message((1, 1))))


def checkpoint(names: Sequence[str], kind: int = FLOAT) -> bytes:
    """The index of a checkpoint with these tensors."""
    entries = [(name.encode(), tensor(kind)) for name in sorted(names)]
    return table(block([(b"", HEADER), *entries[:3]]), *([block(entries[3:])] if entries[3:] else []))
