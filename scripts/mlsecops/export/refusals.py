"""What a service's refusal means, in one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from mlsecops.export.errors import ExportError
from mlsecops.report.escape import shorten, terminal
from mlsecops.web.asking import PassingError, retry_after

_MOST_WORDS = 300
_MOST_PARTS = 8
_DEEPEST = 4
# Where an answer has one of these, the rest of it is not about what went wrong.
_TOLD = frozenset({"detail", "message", "title", "errors"})


def refusal(
    who: str,
    variable: str,
    method: str,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    now: float,
) -> ExportError | PassingError:
    """The exception for an answer that is no success: PassingError where another try may help.

    `who` is the service with its address, `variable` holds its key, `headers` answers to lower-case names,
    and `now` is in seconds since 1970.
    """
    words = _words(headers.get("content-type", ""), content)
    said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if status == HTTPStatus.GATEWAY_TIMEOUT and method == "POST":
            return ExportError(
                f"what is before {who} did not wait for its answer ({said}), and it may still be at work on "
                "what was sent: see there before sending it again"
            )
        pause = retry_after(headers.get("retry-after", ""), now) or 0.0
        return PassingError(ExportError(f"{who} cannot take it now ({said}): export again later"), pause)
    return ExportError(_sentence(who, variable, status, said, headers.get("location", "")))


def _sentence(who: str, variable: str, status: int, said: str, location: str) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"{who} does not accept the key in {variable} for this ({said})"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"{who} sends to {_host(location)} ({said}): give the address of the API itself"
    if status == HTTPStatus.NOT_FOUND:
        return f"{who} has nothing there ({said}): is the address right, and what was named there already?"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"{who} does not take as much at once ({said}): its limit for uploads has to be raised"
    return f"{who} refuses what was sent ({said})"


def _host(location: str) -> str:
    """Where a redirect leads, without what may be secret in its path and query."""
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return shorten(terminal(host), 100) if host else "another address"


def _words(content_type: str, content: bytes) -> str:
    """The service's own words on one line; none of a web page."""
    try:
        texts: Iterator[str] = _texts(orjson.loads(content), 0)
    except orjson.JSONDecodeError:
        plain = content_type.startswith("text/plain")
        texts = iter([content[: _MOST_WORDS * 4].decode("utf-8", "replace")] if plain else [])
    parts = [part for part, _ in zip(texts, range(_MOST_PARTS), strict=False)]
    return shorten(terminal("; ".join(dict.fromkeys(filter(None, map(str.strip, parts))))), _MOST_WORDS)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth >= _DEEPEST:
        return
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, depth + 1)
    elif isinstance(value, dict):
        told = [each for name, each in value.items() if name in _TOLD]
        for each in told:
            yield from _texts(each, depth + 1)
        for name, each in () if told else value.items():
            yield from (f"{name}: {text}" for text in _texts(each, depth + 1))
