"""What a job is held to beyond its own limits: an end of its time, texts that must not come out."""

from __future__ import annotations

import base64
import html
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

BLANK = "***"
# A secret shorter than this is found in too many texts by chance.
SHORTEST = 6
# Names of things, which others compare; no text of a stranger gets there.
_NAMES = frozenset({"uri", "ruleId", "id"})


@dataclass(slots=True)
class Bounds:
    """`until` is a moment of the monotonic clock and `why` the sentence for it; `hidden` never comes out."""

    until: float = math.inf
    why: str = ""
    hidden: list[str] = field(default_factory=list)

    def left(self) -> float:
        """Seconds until its time is over."""
        return self.until - time.monotonic()


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Secrets as programs write them: plain, in an address, in JSON, HTML and base64; the longest first."""
    found: set[str] = set()
    for secret in secrets:
        # A log shows a secret of several lines line by line.
        for each in {secret, *secret.splitlines()}:
            if len(each.strip()) >= SHORTEST:
                found |= _spelled(each.strip())
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _spelled(secret: str) -> set[str]:
    encoded = secret.encode("utf-8", "surrogatepass")
    addresses = {quote(encoded), quote(encoded, safe=""), quote_plus(encoded)}
    return {
        secret,
        *addresses,
        *(each.replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b") for each in addresses),
        *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        repr(secret)[1:-1],
        html.escape(secret),
        base64.b64encode(encoded).decode().rstrip("="),
    }


def blanked(text: str, secrets: Iterable[str]) -> str:
    """Text without the secrets in it, spelled as they are given."""
    for secret in secrets:
        text = text.replace(secret, BLANK)
    return text


def without(value: Any, secrets: tuple[str, ...]) -> Any:
    """A JSON value without the secrets in its texts."""
    if isinstance(value, str):
        return blanked(value, secrets)
    if isinstance(value, list):
        return [without(each, secrets) for each in value]
    if isinstance(value, dict):
        return {key: each if key in _NAMES else without(each, secrets) for key, each in value.items()}
    return value
