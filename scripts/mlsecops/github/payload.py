"""The payload of an event: read the file, and take from it only values of the shape that GitHub sends."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from mlsecops.report.escape import shorten, visible
from mlsecops.sarif.build import Json

# GitHub drops payloads of more than 25 MB.
MOST_BYTES = 32 << 20
_SHOWN = 60
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}")
# What git forbids in the name of a ref, and what other programs take for the end of a line.
_NO_REF = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029~^:?*\[\\]|\.\.|//|\A[/-]|/\Z|\A\Z")
_LONGEST_REF = 1000


class EventError(Exception):
    """An event that cannot be worked with; the text is one sentence."""


def load(path: Path) -> Json:
    """The payload in a file. Raises EventError when it is no JSON object."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EventError(f"the event's payload cannot be read: {reason}") from error
    if len(content) > MOST_BYTES:
        raise EventError(f"the event's payload is larger than {MOST_BYTES >> 20} MiB")
    try:
        payload = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise EventError("the event's payload is not JSON") from error
    if not isinstance(payload, dict):
        raise EventError("the event's payload is not a JSON object")
    return payload


def sha(value: object, what: str) -> str:
    """A commit's whole id. Raises EventError."""
    return _matching(value, what, _SHA, "a commit's id")


def repository(value: object, what: str) -> str:
    """A repository as OWNER/NAME. Raises EventError."""
    return _matching(value, what, _REPOSITORY, "a repository as OWNER/NAME")


def branch(value: object, what: str) -> str:
    """The name of a branch, without `refs/heads/`. Raises EventError."""
    if isinstance(value, str) and len(value) <= _LONGEST_REF and not _NO_REF.search(value):
        return value
    raise wrong(value, what, "the name of a branch")


def ref(value: object, what: str) -> str:
    """A whole ref, such as `refs/heads/main`. Raises EventError."""
    if isinstance(value, str) and value.startswith("refs/"):
        return branch(value, what)
    raise wrong(value, what, "a ref such as refs/heads/main")


def number(value: object, what: str) -> int:
    """A whole number from 1, of JSON or in digits. Raises EventError."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise wrong(value, what, "a number")


def text(value: object) -> str:
    """A text, or nothing."""
    return value if isinstance(value, str) else ""


def wrong(value: object, what: str, wanted: str) -> EventError:
    """The error for a value that is not what it must be."""
    if value is None or value == "":
        shown = "missing"
    elif isinstance(value, str):
        shown = f"'{visible(shorten(value, _SHOWN))}'"
    else:
        shown = "of another type"
    return EventError(f"{what} is {shown}; it must be {wanted}")


def _matching(value: object, what: str, pattern: re.Pattern[str], wanted: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise wrong(value, what, wanted)
