"""TensorFlow's messages written as text (https://protobuf.dev/reference/protobuf/textformat-spec/).

A text is put into the binary encoding, with the fields that are looked at, and then read like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mlsecops.models.tensorflow.shapes import Kind
from mlsecops.models.walk import UnreadableError

LONGEST = 32 << 20
_MOST_TOKENS = 3_000_000
_DEEPEST = 100

# Fields by message: their number, and the message that they hold, or "" for a text.
_SCHEMA: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "saved": {"meta_graphs": (2, "meta")},
    "meta": {"graph_def": (2, "graph"), "asset_file_def": (6, "asset"), "object_graph_def": (7, "objects")},
    "graph": {"node": (1, "node"), "library": (2, "library")},
    "library": {"function": (1, "function")},
    "function": {"signature": (1, "signature"), "node_def": (3, "node")},
    "signature": {"name": (1, "")},
    "node": {"name": (1, ""), "op": (2, ""), "input": (3, ""), "attr": (5, "attr")},
    "attr": {"key": (1, ""), "value": (2, "value")},
    "value": {"s": (2, ""), "list": (1, "list"), "tensor": (8, "tensor"), "func": (10, "named")},
    "list": {"s": (2, ""), "func": (9, "named")},
    "named": {"name": (1, "")},
    "tensor": {"string_val": (8, "")},
    "asset": {"tensor_info": (1, "info"), "filename": (2, "")},
    "info": {"name": (1, "")},
    "objects": {"nodes": (1, "object")},
    "object": {"user_object": (4, "user")},
    "user": {"metadata": (3, "")},
}
_GRAPH: tuple[Kind, str] = ("graph", "graph")
_SAVED: tuple[Kind, str] = ("saved model", "saved")
_META: tuple[Kind, str] = ("meta graph", "meta")
_KINDS: Mapping[bytes, tuple[Kind, str]] = {
    **dict.fromkeys((b"node", b"library", b"version", b"versions", b"debug_info"), _GRAPH),
    **dict.fromkeys((b"meta_graphs", b"saved_model_schema_version"), _SAVED),
}
_TOKEN = re.compile(
    rb"""[\s;]+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    rb"""|(?P<name>[A-Za-z_][\w.]*|\[[\w./%-]+\])|(?P<number>[-+.\d][\w.+-]*)|(?P<mark>[{}<>:,\[\]])""",
    re.DOTALL,
)
_START = re.compile(
    rb"(?:\s|#[^\n]*\n)*(node|library|versions?|meta_graphs|saved_model_schema_version|meta_info_def|graph_def"
    rb"|saver_def|collection_def|signature_def|asset_file_def|object_graph_def|debug_info)\s*[:{<]"
)
_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL
)
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class _Token(NamedTuple):
    kind: str
    data: bytes


def starts(head: bytes) -> bool:
    """Whether a text begins like one of the messages."""
    return _START.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def to_binary(text: bytes) -> tuple[bytes, Kind]:
    """The message in its binary encoding, and which it is by its first field. Raises UnreadableError."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    start = _START.match(text)
    if start is None:
        raise UnreadableError("its text is no sound message")
    kind, schema = _KINDS.get(start[1], _META)
    return _Fields(_tokens(text)).message(schema, closing=b""), kind


_COMMA = _Token("mark", b",")


class _Fields:
    def __init__(self, tokens: Iterator[_Token]) -> None:
        self.tokens = tokens
        self.peeked: _Token | None = None
        self.depth = 0

    def next(self) -> _Token:
        token, self.peeked = self.peeked or next(self.tokens, _Token("end", b"")), None
        return token

    def peek(self) -> _Token:
        self.peeked = self.next()
        return self.peeked

    def message(self, kind: str, closing: bytes) -> bytes:
        """The fields up to the closing mark; those that the schema does not have are read over."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableError("its text is nested too deeply")
        out = bytearray()
        while (token := self.next()).data != closing or token.kind == "text":
            if token.kind == "end":
                raise UnreadableError("its text breaks off")
            if token == _COMMA:
                continue
            if token.kind != "name":
                raise UnreadableError("its text is no sound message")
            name = token.data.decode("latin-1")
            number, below = _SCHEMA.get(kind, {}).get(name, (0, ""))
            for value in self.values(below if number else "unknown"):
                if number:
                    out += _varint(number << 3 | 2) + _varint(len(value)) + value
        self.depth -= 1
        return bytes(out)

    def values(self, kind: str) -> Iterator[bytes]:
        """What stands behind a name: a message, a text or number, or a list of them."""
        token = self.next()
        if token == ("mark", b":"):
            token = self.next()
        if token == ("mark", b"["):
            while (item := self.next()) != ("mark", b"]"):
                if item != _COMMA:
                    yield self.value(item, kind)
        else:
            yield self.value(token, kind)

    def value(self, token: _Token, kind: str) -> bytes:
        if token == ("mark", b"{") or token == ("mark", b"<"):
            return self.message(kind, b"}" if token.data == b"{" else b">")
        if token.kind == "text":
            pieces = [_unescaped(token.data[1:-1])]
            while self.peek().kind == "text":
                pieces.append(_unescaped(self.next().data[1:-1]))
            return b"".join(pieces)
        if token.kind in ("name", "number"):
            return b""
        raise UnreadableError("its text is no sound message")


def _tokens(text: bytes) -> Iterator[_Token]:
    position = count = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        count += 1
        if match is None:
            raise UnreadableError("its text is no sound message")
        if count > _MOST_TOKENS:
            raise UnreadableError("its text has more parts than any real model's")
        position = match.end()
        if match.lastgroup is not None:
            yield _Token(match.lastgroup, match[0])
    yield _Token("end", b"")


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(_plain, text) if b"\\" in text else text


def _plain(match: re.Match[bytes]) -> bytes:
    octal, two, four, eight, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if two is not None:
        return bytes([int(two, 16)])
    if four is not None or eight is not None:
        number = int(four or eight, 16)
        return chr(number).encode("utf-8", "replace") if number < 0x110000 else b"?"
    return _SIMPLE.get(other, other)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
