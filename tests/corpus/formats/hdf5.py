"""Small HDF5 files of groups and text attributes, as h5py writes them (HDF5 File Format 3.0)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

NOWHERE = 0xFFFFFFFFFFFFFFFF
LEAF, INTERNAL = 4, 16


@dataclass(frozen=True, slots=True)
class Group:
    """Text attributes and groups below; with `variable`, texts lie in a heap as h5py puts `str`."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    variable: bool = False


def hdf5(root: Group) -> bytes:
    """A whole file."""
    out = bytearray(96)
    header, tree, heap = _group(out, root)
    top = struct.pack("<BBBBBBBBHHI", 0, 0, 0, 0, 0, 8, 8, 0, LEAF, INTERNAL, 0)
    places = struct.pack("<QQQQ", 0, NOWHERE, len(out), NOWHERE)
    entry = struct.pack("<QQIIQQ", 0, header, 1, 0, tree, heap)
    out[:96] = b"\x89HDF\r\n\x1a\n" + top + places + entry
    return bytes(out)


def _group(out: bytearray, group: Group) -> tuple[int, int, int]:
    """Write a group behind what is there; return where its header, its tree and its heap of names are."""
    below = {name: _group(out, each) for name, each in sorted(group.groups.items())}
    names, offsets = bytearray(8), {}
    for name in below:
        offsets[name] = len(names)
        names += _padded(name.encode() + b"\0")
    entries = b"".join(
        struct.pack("<QQIIQQ", offsets[name], header, 1, 0, tree, heap)
        for name, (header, tree, heap) in below.items()
    )
    node = b"SNOD" + struct.pack("<BBH", 1, 0, len(below)) + entries
    symbols = _append(out, node + bytes(8 + 2 * LEAF * 40 - len(node)))
    data = _append(out, bytes(names))
    heap = _append(out, b"HEAP" + struct.pack("<IQQQ", 0, len(names), 1, data))
    last = offsets[max(offsets)] if offsets else 0
    keys = struct.pack("<QQQ", 0, symbols, last) if below else b""
    head = b"TREE" + struct.pack("<BBHQQ", 0, 0, int(bool(below)), NOWHERE, NOWHERE)
    tree = _append(out, (head + keys).ljust(24 + (4 * INTERNAL + 1) * 8, b"\0"))
    messages = _message(0x11, struct.pack("<QQ", tree, heap))
    for name, text in group.attributes.items():
        messages += _attribute(out, name, text.encode(), group.variable)
    count = 1 + len(group.attributes)
    header = _append(out, struct.pack("<BBHIII", 1, 0, count, 1, len(messages), 0) + messages)
    return header, tree, heap


def _attribute(out: bytearray, name: str, text: bytes, variable: bool) -> bytes:
    label = name.encode() + b"\0"
    if variable:
        base = struct.pack("<B3sI", 0x13, b"\0\0\0", 1)
        kind = struct.pack("<B3sI", 0x19, b"\x01\x01\0", 16) + base
        value = struct.pack("<IQI", len(text), _heap(out, text), 1)
    else:
        kind = struct.pack("<B3sI", 0x13, b"\x01\0\0", max(len(text), 1))
        value = text or b"\0"
    space = struct.pack("<BBB5x", 1, 0, 0)
    sizes = struct.pack("<BBHHH", 1, 0, len(label), len(kind), len(space))
    return _message(0x0C, sizes + _padded(label) + _padded(kind) + _padded(space) + value)


def _heap(out: bytearray, text: bytes) -> int:
    """One text in a global heap collection of its own."""
    held = struct.pack("<HHIQ", 1, 1, 0, len(text)) + _padded(text)
    size = max(4096, -(-(16 + len(held) + 16) // 4096) * 4096)
    free = struct.pack("<HHIQ", 0, 0, 0, size - 16 - len(held))
    return _append(out, (b"GCOL" + struct.pack("<B3xQ", 1, size) + held + free).ljust(size, b"\0"))


def _message(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    return struct.pack("<HHB3x", kind, len(body), 0) + body


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def _append(out: bytearray, data: bytes) -> int:
    out += bytes(-len(out) % 8)
    place = len(out)
    out += data
    return place
