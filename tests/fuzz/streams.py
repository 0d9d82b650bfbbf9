"""Changes inside pickles, protocol buffers, JSON, and texts that stand behind their length."""

from __future__ import annotations

import json
import pickletools
import re
import struct
import warnings
from contextlib import suppress
from itertools import pairwise
from typing import Any

from corpus.formats.protobuf import varint

from fuzz.bytewise import boundary
from fuzz.change import Change

_COUNTED = re.compile(rb"[\x01-\xff][\x00-\x0f](?:\0{6}|\0\0|(?=[ -~]{4}))")
_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1 << 31,
    1 << 63,
    1 << 64,
    1e308,
    "",
    "\0",
    "\ud800",
    "../../x",
    [],
    {},
    [[[]]],
    {"": {}},
)
_WIDTHS = {1: 8, 5: 4}


def in_pickle(data: bytes, change: Change) -> bytes:
    """Opcodes. Raises IndexError for what is none."""
    opcodes = _opcodes(data)
    if len(opcodes) < 3:
        raise IndexError
    rest = data[sum(map(len, opcodes)) :]
    if change.chance.below(2):
        opcodes = [each for each in opcodes if each[0] != 0x95]
    return b"".join(change.item(opcodes, _opcodes(change.other))) + rest


def _opcodes(data: bytes) -> list[bytes]:
    places = []
    with warnings.catch_warnings(), suppress(ValueError, LookupError):
        warnings.simplefilter("ignore")  # of escapes in texts
        for _, _, place in pickletools.genops(data):
            places.append(place or 0)
        places.append(data.index(b".", places[-1]) + 1)
    return [data[start:end] for start, end in pairwise(places)]


def in_protobuf(data: bytes, change: Change) -> bytes:
    """Fields, which may be messages themselves. Raises IndexError for anything else."""
    fields = _fields(data)
    at = change.chance.below(len(fields))
    tag, value = fields[at]
    if change.chance.below(3) == 0:
        return b"".join(change.item([_field(*each) for each in fields]))
    if tag & 7 == 2:
        value = change.of(value)
    elif tag & 7 == 0:
        value = varint(boundary(change.chance, len(data)))
    else:
        tag = change.chance.below(1 << 9)
    fields[at] = tag, value
    return b"".join(_field(*each) for each in fields)


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    fields, at = [], 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            end = _varint(data, at)[1]
        elif tag & 7 == 2:
            length, at = _varint(data, at)
            end = at + length
        else:
            end = at + _WIDTHS[tag & 7]
        if not tag >> 3 or end > len(data):
            raise IndexError
        fields.append((tag, data[at:end]))
        at = end
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    end = at
    while data[end] > 127:
        end += 1
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data[at : end + 1])), end + 1


def _field(tag: int, value: bytes) -> bytes:
    return varint(tag) + (varint(len(value)) if tag & 7 == 2 else b"") + value


def in_json(data: bytes, change: Change) -> bytes:
    """A value of a document, or of one behind its length, as in safetensors. Raises ValueError if none."""
    start, end = 0, len(data)
    if data[8:9] == b"{":
        start = 8
        end = min(end, 8 + struct.unpack("<Q", data[:8])[0])
    tree = [json.loads(data[start:end])]
    places = list(_places(tree))
    holder, key = change.chance.choice(places)
    if isinstance(holder[key], str) and change.chance.below(2):
        holder[key] = change.of(holder[key].encode()).decode("utf-8", "surrogateescape")
    elif change.chance.below(3) == 0:
        there, other = change.chance.choice(places)
        holder[key] = json.loads(json.dumps(there[other]))
    else:
        holder[key] = change.chance.choice(_ODD)
    text = json.dumps(tree[0]).encode()
    return (struct.pack("<Q", len(text)) if start else b"") + text + data[end:]


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value of a tree by what holds it, level by level, as far as this costs little."""
    places: list[tuple[Any, Any]] = [(tree, 0)]
    for holder, key in places:
        value = holder[key]
        if isinstance(value, dict | list) and len(places) < 5000:
            places += [(value, each) for each in (value if isinstance(value, dict) else range(len(value)))]
    return places


def in_counted(data: bytes, change: Change) -> bytes:
    """Bytes behind their length in 2, 4 or 8 little-endian bytes. Raises IndexError where there are none."""
    counts = list(_COUNTED.finditer(data[: 1 << 16]))
    count = counts[change.chance.below(len(counts))]
    end = count.end() + int.from_bytes(count[0], "little")
    if end > len(data):
        raise IndexError
    content = change.of(data[count.end() : end])
    length = (len(content) % (1 << 8 * len(count[0]))).to_bytes(len(count[0]), "little")
    return data[: count.start()] + length + content + data[end:]
