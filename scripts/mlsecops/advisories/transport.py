"""JSON over HTTPS from one service: limits, retries, and failures as one plain sentence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import orjson
import requests

from mlsecops.advisories.record import AdvisoryError, Json, ServiceError
from mlsecops.web.addresses import LOOPBACK
from mlsecops.web.asking import (
    PassingError,
    TooLargeError,
    TooSlowError,
    Tries,
    chunks,
    patiently,
    reason,
    retry_after,
)

_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_MOST_BYTES = 64 << 20
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection, for each part of an answer and for all of it; how often to try.

    `pause` is the time before the second try; it doubles with each further one.
    """

    connect: float = 3.0
    read: float = 20.0
    whole: float = 60.0
    tries: int = 4
    pause: float = 0.5


class JsonService:
    """A service at one address. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        patience: Patience | None = None,
        session: Callable[[], requests.Session] = requests.Session,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises AdvisoryError when the URL is neither https nor on this machine."""
        self._base = _checked(url)
        self._patience = patience or Patience()
        self._new_session = session
        self._sleep = sleep
        self._idle: deque[requests.Session] = deque()

    @property
    def url(self) -> str:
        """The service's address, without credentials."""
        parts = urlsplit(self._base)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def ask(
        self, method: str, path: str, payload: Json | None = None, patience: Patience | None = None
    ) -> Json | None:
        """The JSON object that answers, or None for 404; tries again what may pass. Raises ServiceError."""
        patience = patience or self._patience
        tries = Tries(patience.tries, patience.pause, longest=_LONGEST_PAUSE)
        once = partial(self._once, method, path, payload, patience)
        return patiently(once, tries, self._sleep, time.monotonic)

    def error(self, reason: str) -> ServiceError:
        """The failure as a sentence that names the service."""
        return ServiceError(f"OSV at {self.url} cannot be used: {reason}")

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _once(self, method: str, path: str, payload: Json | None, patience: Patience) -> Json | None:
        times = (patience.connect, patience.read)
        try:
            with (
                self._session() as session,
                session.request(
                    method,
                    f"{self._base}{path}",
                    json=payload,
                    timeout=times,
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                if response.status_code in _TRANSIENT:
                    asked = retry_after(response.headers.get("Retry-After", ""), time.time())
                    final = self.error(f"it answers HTTP {response.status_code}")
                    raise PassingError(final, asked or 0.0)
                if response.status_code == requests.codes.not_found:
                    return None
                if response.status_code != requests.codes.ok:
                    raise self.error(f"it answers HTTP {response.status_code}")
                content = self._body(response, patience)
        except requests.RequestException as error:
            why = reason(error, connect=patience.connect, read=patience.read)
            raise PassingError(self.error(why)) from error
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise self.error("it answers with something else than JSON, as a login page would") from error
        if not isinstance(answer, dict):
            raise self.error("its answer is not OSV's")
        return answer

    def _body(self, response: requests.Response, patience: Patience) -> bytes:
        try:
            return b"".join(chunks(response, _MOST_BYTES, patience.whole, time.monotonic))
        except TooLargeError:
            raise self.error(f"an answer is larger than {_MOST_BYTES >> 20} MiB") from None
        except TooSlowError:
            slow = self.error(f"an answer takes longer than {patience.whole:g} s")
            raise PassingError(slow) from None

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """A session that no other thread uses now: sessions are not meant to be shared."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._new_session()
        try:
            yield session
        finally:
            self._idle.append(session)


def _checked(url: str) -> str:
    base = url.strip().rstrip("/").removesuffix("/v1/query").removesuffix("/v1")
    try:
        parts = urlsplit(base)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not safe or parts.query or parts.fragment:
        raise AdvisoryError("the address of the OSV service must be a plain https URL")
    return base
