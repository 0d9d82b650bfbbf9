"""JSON of any length, checked piece by piece to be nothing but JSON (RFC 8259), in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError

_NO_JSON = "it is not sound JSON"
_DEEPEST, _LONGEST = 1000, 4 << 20
# Numbers stand in long rows, which one match takes; a text that has not ended yet matches nothing.
_TOKEN = re.compile(
    rb'[\s,:]++|[-+.\deE]++(?:[\s,]++[-+.\deE]++)*+|"(?:[^"\\]|\\.)*+"|[][{}]|true|false|null|-?(?:NaN|Infinity)',
    re.DOTALL,
)
_NUMBER = b"-+.0123456789eE"
_OPEN, _CLOSE = {b"{": b"}", b"[": b"]"}, (b"}", b"]")


def texts(source: Source) -> Iterator[bytes]:
    """All texts of a JSON file, names and values, as they are written. Raises UnreadableError."""
    closing: list[bytes] = []
    begun = False
    for token in _tokens(source):
        if token in _OPEN:
            closing.append(_OPEN[token])
            begun = True
            if len(closing) > _DEEPEST:
                raise UnreadableError("its JSON is nested too deeply")
        elif token in _CLOSE:
            if not closing or closing.pop() != token:
                raise UnreadableError(_NO_JSON)
        elif not closing and not token.isspace():
            raise UnreadableError(_NO_JSON)
        elif token[:1] == b'"':
            yield token[1:-1]
    if closing or not begun:
        raise UnreadableError("it is cut off" if closing else _NO_JSON)


def _tokens(source: Source) -> Iterator[bytes]:
    rest = b""
    for piece in source.chunks():
        data = rest + piece
        position = 0
        while match := _TOKEN.match(data, position):
            if match.end() == len(data) and match[0] not in _OPEN and match[0] not in _CLOSE:
                position += len(match[0].rstrip(_NUMBER)) if match[0][:1] in _NUMBER else 0
                break  # what is left may go on in the next piece
            yield match[0]
            position = match.end()
        rest = data[position:]
        if len(rest) > _LONGEST:
            raise UnreadableError(_NO_JSON)
    position = 0
    while position < len(rest):
        match = _TOKEN.match(rest, position)
        if match is None:
            raise UnreadableError(_NO_JSON)
        yield match[0]
        position = match.end()
