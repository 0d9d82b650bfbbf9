"""JSON over HTTPS from one service: limits, retries, and failures as one plain sentence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
import requests

from mlsecops.advisories.record import AdvisoryError, Json, ServiceError

_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST_BYTES = 64 << 20
_LONGEST_PAUSE = 10.0


class _TransientError(Exception):
    """Worth another try, after `pause` seconds if the service asked for it."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


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
        tried = 0
        while True:
            try:
                return self._once(method, path, payload, patience)
            except _TransientError as error:
                pause = patience.pause * 2**tried if error.pause is None else error.pause
                tried += 1
                if tried >= patience.tries:
                    raise self.error(str(error)) from error
            self._sleep(min(pause, _LONGEST_PAUSE))

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
                    wait = response.headers.get("Retry-After", "")
                    raise _TransientError(
                        f"it answers HTTP {response.status_code}", float(wait) if wait.isdecimal() else None
                    )
                if response.status_code == requests.codes.not_found:
                    return None
                if response.status_code != requests.codes.ok:
                    raise self.error(f"it answers HTTP {response.status_code}")
                content = self._body(response, patience)
        except requests.RequestException as error:
            raise _TransientError(_reason(error, patience)) from error
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise self.error("it answers with something else than JSON, as a login page would") from error
        if not isinstance(answer, dict):
            raise self.error("its answer is not OSV's")
        return answer

    def _body(self, response: requests.Response, patience: Patience) -> bytes:
        end = time.monotonic() + patience.whole
        content = bytearray()
        for chunk in response.iter_content(1 << 16):
            content += chunk
            if len(content) > _MOST_BYTES:
                raise self.error(f"an answer is larger than {_MOST_BYTES >> 20} MiB")
            if time.monotonic() > end:
                raise _TransientError(f"an answer takes longer than {patience.whole:g} s")
        return bytes(content)

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
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or not safe or parts.query or parts.fragment:
        raise AdvisoryError("the address of the OSV service must be a plain https URL")
    return base


def _reason(error: requests.RequestException, patience: Patience) -> str:
    text = str(error)
    known: tuple[tuple[bool, str], ...] = (
        (isinstance(error, requests.exceptions.SSLError), "its TLS certificate is not trusted"),
        (isinstance(error, requests.exceptions.ProxyError), "the proxy does not let the request through"),
        (isinstance(error, requests.ConnectTimeout), f"no connection within {patience.connect:g} s"),
        (isinstance(error, requests.ReadTimeout), f"no answer within {patience.read:g} s"),
        ("NameResolutionError" in text or "resolve" in text, "its name cannot be resolved"),
        ("refused" in text, "the connection is refused"),
    )
    return next((reason for holds, reason in known if holds), "the connection breaks")
