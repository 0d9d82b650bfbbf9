"""What the arguments of a call look like: to show them, and where its name says nothing, to judge by them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.models.pickle.values import Call, Constant, Cut, Mapping, Sequence, Unknown, Value

_SHOWN = 80
_CODE = re.compile(
    r"__\w+__|\bimport\s+\w|\b(?:exec|eval|open|compile|getattr)\s*\(|\bos\.\w|\bsubprocess\b|\blambda\b.*:",
    re.DOTALL,
)
_COMMAND = re.compile(
    r"(?:^|[;&|]\s*)(?:/bin/|/usr/bin/)?(?:sh|bash|curl|wget|nc|python\d?|powershell|cmd|chmod|rm|touch|cat|echo)\s",
)
_ADDRESS = re.compile(r"(?:https?|ftps?|s3|gs|file|hf|tcp|ssh)://", re.IGNORECASE)
_PATH = re.compile(r"/\w|~/|\.\./|[A-Za-z]:\\|\\\\")
_DEPTH = 4


def shown(call: Call) -> str:
    """The first text among the arguments, as the end of a sentence: ` with "echo"`, or ""."""
    for text in _texts((*call.arguments, *(value for _, value in call.keywords)), _DEPTH):
        short = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * _SHOWN]).split())
        if short:
            short = short.replace("`", "'")
            return f" with `{short[:_SHOWN]}{'…' if len(short) > _SHOWN else ''}`"
    return ""


def looks_dangerous(call: Call) -> str:
    """What an unknown function is handed: "code", "process", "network", "file", "load", or ""."""
    values = (*call.arguments, *(value for _, value in call.keywords))
    for text in _texts(values, _DEPTH):
        if _CODE.search(text):
            return "code"
        if _COMMAND.search(text):
            return "process"
        if _ADDRESS.match(text):
            return "network"
        if _PATH.match(text):
            return "file"
    return "load" if any(_is_pickle(value) for value in values) else ""


def names_something(call: Call) -> bool:
    """Whether a text stands among the arguments, or something that cannot be known: it may name a file."""
    values = (*call.arguments, *(value for _, value in call.keywords))
    return any(
        isinstance(each, Unknown | Constant | Cut)
        and (isinstance(each, Unknown) or isinstance(each.head if isinstance(each, Cut) else each.value, str))
        for each in values
    )


def _is_pickle(value: Value) -> bool:
    data = value.value if isinstance(value, Constant) else value.head if isinstance(value, Cut) else None
    return isinstance(data, bytes) and bool(re.match(rb"\x80[\x00-\x05]", data))


def _texts(values: tuple[Value, ...], depth: int) -> Iterator[str]:
    for value in values:
        match value:
            case Constant(str() as text) | Cut(str() as text):
                yield text
            case Constant(bytes() as data) | Cut(bytes() as data):
                if data[:_SHOWN].isascii():
                    yield data.decode("latin-1")
            case Sequence(items=items) if depth:
                yield from _texts(items, depth - 1)
            case Mapping(items=pairs) if depth:
                yield from _texts(tuple(each for pair in pairs for each in pair), depth - 1)
