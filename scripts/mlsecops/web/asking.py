"""One request and its tries: what is worth another one, how long to wait, how much of an answer to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests

_CHUNK = 1 << 16
_T = TypeVar("_T")


class PassingError(Exception):
    """Worth another try after at least `pause` seconds; `final` is what to raise when there is none."""

    def __init__(self, final: Exception, pause: float = 0.0) -> None:
        super().__init__(str(final))
        self.final = final
        self.pause = pause


class TooLargeError(Exception):
    """An answer has more bytes than are read."""


class TooSlowError(Exception):
    """An answer takes longer than it may."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How often to try; the seconds before the second try, which double with each further one.

    No try begins more than `waits` seconds after the first, and no pause is longer than `longest`.
    """

    most: int
    pause: float
    waits: float = math.inf
    longest: float = math.inf


def patiently(
    once: Callable[[], _T], tries: Tries, sleep: Callable[[float], None], now: Callable[[], float]
) -> _T:
    """Try until it works or patience is at its end."""
    start, tried, waited, pause = now(), 1, 0.0, tries.pause
    while True:
        try:
            return once()
        except PassingError as error:
            wait = min(max(pause, error.pause), tries.longest)
            spent = max(waited, now() - start)
            if tried >= tries.most or spent + wait > tries.waits:
                # The cause's own words can hold an address with a secret in it.
                raise error.final from None
        sleep(wait)
        tried, waited, pause = tried + 1, waited + wait, pause * 2


def chunks(
    response: requests.Response, most_bytes: int, seconds: float, now: Callable[[], float]
) -> Iterator[bytes]:
    """The body piece by piece. Raises TooLargeError and TooSlowError at its limits."""
    end, size = now() + seconds, 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise TooLargeError
        if now() > end:
            raise TooSlowError
        yield chunk


def retry_after(value: str, now: float) -> float | None:
    """A `Retry-After` in seconds from `now`; it is a number or a date."""
    value = value.strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def reason(error: requests.RequestException, *, connect: float, read: float) -> str:
    """Why there is no answer, in words of our own: the library's can hold an address with a secret in it."""
    text = str(error)
    known: tuple[tuple[bool, str], ...] = (
        (isinstance(error, requests.exceptions.SSLError), "its TLS certificate is not trusted"),
        (isinstance(error, requests.exceptions.ProxyError), "the proxy does not let the request through"),
        (isinstance(error, requests.ConnectTimeout), f"no connection within {connect:g} s"),
        (isinstance(error, requests.Timeout) or "timed out" in text, f"no answer within {read:g} s"),
        ("resolve" in text or "NameResolutionError" in text, "its name cannot be resolved"),
        ("refused" in text, "the connection is refused"),
    )
    return next((reason for holds, reason in known if holds), "the connection breaks")


class DirectSession(requests.Session):
    """A session that leaves redirects alone: requests reads them whole and breaks on some."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever the answer says."""
