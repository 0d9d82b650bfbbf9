"""What Python's text functions give for plain values, so that names put together by a file are known.

Only these, and only on short values: no codec is looked up, nothing of the file's choice is run.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping, Sequence

from mlsecops.models.pickle.objects import Items

NOTHING = object()
"""The answer to what is not known."""
_LONGEST, _ITEMS = 4096, 256
_ROT13 = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)
_CHARSETS = {
    "utf8": "utf-8",
    "u8": "utf-8",
    "utf": "utf-8",
    "ascii": "ascii",
    "usascii": "ascii",
    "latin1": "latin-1",
    "latin": "latin-1",
    "iso88591": "latin-1",
    "l1": "latin-1",
    "utf16": "utf-16",
    "utf32": "utf-32",
}
_UNARY = frozenset(
    ["lower", "upper", "strip", "lstrip", "rstrip", "swapcase", "capitalize", "title", "casefold"]
)


def compute(name: str, arguments: Sequence[object]) -> object:
    """What a text function gives, or NOTHING; a method's receiver is its first argument."""
    function = _FUNCTIONS.get(name)
    owner, _, method = name.rpartition(".")
    if function is None and owner in ("builtins.str", "builtins.bytes", "builtins.bytearray"):
        function = _METHODS.get(method)
        if function is None and method in _UNARY and len(arguments) == 1:
            return _unary(method, arguments[0])
    if function is None:
        return NOTHING
    try:
        value = function(*arguments)
    except (TypeError, ValueError, AttributeError, OverflowError, zlib.error, MemoryError):
        return NOTHING
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        return NOTHING
    return value


def _unary(method: str, value: object) -> object:
    if not isinstance(value, str | bytes) or not hasattr(value, method):
        return NOTHING
    changed: object = getattr(value, method)()
    return changed


def _decode(value: object, encoding: object = "utf-8", errors: object = "strict") -> object:
    del errors
    wanted = _normal(encoding)
    if isinstance(value, str) and wanted == "rot13":
        return value.translate(_ROT13)
    data = value.encode("ascii") if isinstance(value, str) else value
    if not isinstance(data, bytes):
        return NOTHING
    if wanted in ("hex", "hexcodec"):
        return binascii.unhexlify(data)
    if wanted in ("base64", "base64codec"):
        return binascii.a2b_base64(data)
    if wanted in ("zlib", "zip", "zlibcodec"):
        return _inflate(data)
    charset = _CHARSETS.get(wanted)
    return data.decode(charset) if charset else NOTHING


def _encode(value: object, encoding: object = "utf-8", errors: object = "strict") -> object:
    del errors
    wanted = _normal(encoding)
    if isinstance(value, str):
        if wanted == "rot13":
            return value.translate(_ROT13)
        charset = _CHARSETS.get(wanted)
        return (
            value.encode(charset, "surrogatepass" if charset == "utf-8" else "strict") if charset else NOTHING
        )
    if not isinstance(value, bytes):
        return NOTHING
    if wanted in ("hex", "hexcodec"):
        return binascii.hexlify(value)
    return binascii.b2a_base64(value) if wanted in ("base64", "base64codec") else NOTHING


def _normal(encoding: object) -> str:
    return "".join(filter(str.isalnum, encoding.lower())) if isinstance(encoding, str) else ""


def _inflate(data: object, *_: object) -> object:
    if not isinstance(data, bytes):
        return NOTHING
    inflate = zlib.decompressobj()
    inflated = inflate.decompress(data, _LONGEST + 1)
    return inflated if inflate.eof else NOTHING


def _text(value: object = "", encoding: object = None, *_: object) -> object:
    if isinstance(value, bytes):
        return _decode(value, encoding) if encoding is not None else NOTHING
    return value if isinstance(value, str) else NOTHING


def _bytes(value: object = b"", encoding: object = None, *_: object) -> object:
    if isinstance(value, str):
        return _encode(value, encoding)
    items = _plain(value)
    if isinstance(value, bytes):
        return value
    return bytes(number for number in items if isinstance(number, int)) if items is not None else NOTHING


def _plain(value: object) -> Sequence[object] | None:
    if isinstance(value, tuple):
        return value
    if isinstance(value, Items) and len(value.items) == value.length:
        return value.items
    return None


def _join(glue: object, items: object) -> object:
    parts = tuple(items) if isinstance(items, str) else _plain(items)
    if parts is None:
        return NOTHING
    if sum(len(part) for part in parts if isinstance(part, str | bytes)) > _LONGEST:
        return NOTHING
    if isinstance(glue, str):
        texts = [part for part in parts if isinstance(part, str)]
        return glue.join(texts) if len(texts) == len(parts) else NOTHING
    pieces = [part for part in parts if isinstance(part, bytes)]
    return glue.join(pieces) if isinstance(glue, bytes) and len(pieces) == len(parts) else NOTHING


def _add(first: object, second: object) -> object:
    if isinstance(first, str) and isinstance(second, str):
        return first + second
    if isinstance(first, bytes) and isinstance(second, bytes):
        return first + second
    return first + second if isinstance(first, tuple) and isinstance(second, tuple) else NOTHING


def _replace(value: object, old: object, new: object, *_: object) -> object:
    if isinstance(value, str) and isinstance(old, str) and isinstance(new, str) and len(new) < 64:
        return value.replace(old, new)
    return NOTHING


def _without(kind: str) -> Callable[..., object]:
    def function(value: object, part: object) -> object:
        if not isinstance(value, str) or not isinstance(part, str):
            return NOTHING
        return value.removeprefix(part) if kind == "prefix" else value.removesuffix(part)

    return function


def _item(value: object, index: object) -> object:
    return value[index] if isinstance(value, str | bytes) and isinstance(index, int) else NOTHING


def _reversed(value: object) -> object:
    items = tuple(value[:_ITEMS]) if isinstance(value, str | bytes) else _plain(value)
    return NOTHING if items is None else tuple(reversed(items))


def _character(code: object) -> object:
    return chr(code) if isinstance(code, int) else NOTHING


def _base64(data: object, *_: object) -> object:
    return base64.b64decode(data) if isinstance(data, str | bytes) else NOTHING


def _base32(data: object, *_: object) -> object:
    return base64.b32decode(data) if isinstance(data, str | bytes) else NOTHING


def _hex(data: object, *_: object) -> object:
    return binascii.unhexlify(data) if isinstance(data, str | bytes) else NOTHING


def _from_hex(text: object) -> object:
    return bytes.fromhex(text) if isinstance(text, str) else NOTHING


_METHODS: Mapping[str, Callable[..., object]] = {
    "decode": _decode,
    "encode": _encode,
    "join": _join,
    "replace": _replace,
    "removeprefix": _without("prefix"),
    "removesuffix": _without("suffix"),
    "__add__": _add,
    "__getitem__": _item,
    "__str__": _text,
    "fromhex": _from_hex,
}
_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "builtins.str": _text,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.chr": _character,
    "builtins.reversed": _reversed,
    "operator.add": _add,
    "operator.concat": _add,
    "operator.iadd": _add,
    "operator.iconcat": _add,
    "_operator.add": _add,
    "_operator.concat": _add,
    "_codecs.decode": _decode,
    "codecs.decode": _decode,
    "_codecs.encode": _encode,
    "codecs.encode": _encode,
    "base64.b64decode": _base64,
    "base64.standard_b64decode": _base64,
    "base64.urlsafe_b64decode": _base64,
    "base64.decodebytes": _base64,
    "base64.b32decode": _base32,
    "base64.b16decode": _hex,
    "binascii.unhexlify": _hex,
    "binascii.a2b_hex": _hex,
    "binascii.a2b_base64": _base64,
    "zlib.decompress": _inflate,
}
