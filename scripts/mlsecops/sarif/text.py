"""Text that tools and scanned files gave, made fit for SARIF: no control characters, never endless."""

from __future__ import annotations

import re
from typing import Any

MESSAGE_LENGTH = 4_000
_DEPTH = 12
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]+[0-~]|[@-Z\\^_]?)"
)
_NEWLINE = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
# C0 and C1 controls, and the marks that turn the direction of text around to make it read as another.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")


def clean(text: object, limit: int = MESSAGE_LENGTH) -> str:
    """What `printable` leaves of a text, without white space around it, at most `limit` characters."""
    return shorten(printable(text).strip(), limit)


def printable(text: object) -> str:
    """Text without terminal escapes, controls and lone surrogates; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    text = _NEWLINE.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def shorten(text: str, limit: int) -> str:
    """The first `limit` characters; what is longer ends in a mark that says how long it was."""
    if len(text) <= limit:
        return text
    mark = f" … [{len(text):,} characters]"
    return text[: max(limit - len(mark), 0)] + mark[:limit]


def first_sentence(text: str) -> str:
    """The first sentence or line of a text."""
    return _SENTENCE_END.split(text.strip(), maxsplit=1)[0]


def plural(count: int, noun: str) -> str:
    """A number and its noun: "1 run", "2,000 runs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def scrub(value: Any, depth: int = _DEPTH) -> Any:
    """A JSON value with every string in it cleaned; what is nested deeper than any tool does is left out."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key, 255): scrub(item, depth - 1) for key, item in value.items()} if depth else {}
    if isinstance(value, list):
        return [scrub(item, depth - 1) for item in value] if depth else []
    return value if value is None or isinstance(value, bool | int | float) else clean(str(value))
