"""Requests to a service that manages vulnerabilities: limits, failures as a sentence, who may see the key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from requests.auth import AuthBase

from mlsecops import __version__
from mlsecops.export.errors import ExportError, ExportUsageError
from mlsecops.export.refusals import refusal
from mlsecops.report.escape import terminal
from mlsecops.web.addresses import LOOPBACK, is_safe, split
from mlsecops.web.asking import (
    DirectSession,
    PassingError,
    TooLargeError,
    TooSlowError,
    Tries,
    chunks,
    patiently,
    reason,
)

_MOST_BYTES = 16 << 20
_TRIES = Tries(most=4, pause=2.0, waits=180.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for a connection, for the answer to begin, for all of it; and how often to try."""

    connect: float = 10.0
    read: float = 600.0
    whole: float = 60.0
    tries: Tries = _TRIES


@dataclass(frozen=True, slots=True)
class Product:
    """What is talked to: its name for sentences, its key's variable, and how the key is sent."""

    name: str
    variable: str
    header: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    fields: Mapping[str, str] | None = None
    upload: Upload | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class _Key(AuthBase):
    """The key; given as `auth`, so that no .netrc takes its place."""

    def __init__(self, header: str, value: str) -> None:
        self._header, self._value = header, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._value
        return request


class Service:
    """One product at one address with one key. Not for several threads at once.

    Every request raises ExportError. What may pass is tried again, an upload too: both products take the
    same twice as once. Only where the first may still be at work on it is it not sent a second time.
    """

    def __init__(
        self,
        product: Product,
        url: str,
        key: str,
        *,
        insecure: bool = False,
        patience: Patience | None = None,
        session: Callable[[], requests.Session] = DirectSession,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises ExportUsageError for an address that others could listen to, and for a key that is none."""
        self.product = product
        self.url = _checked(product, url, insecure=insecure)
        self._who = f"{product.name} at {self.url}"
        self._key = key.strip()
        # A line break in it would make the libraries quote it in their errors.
        if not re.fullmatch(r"[\x21-\x7e]+", self._key):
            raise ExportUsageError(f"there is no key for {product.name}: set {product.variable}")
        self._patience = patience or Patience()
        self._session = session()
        self._sleep, self._now = sleep, now

    def post(self, path: str, fields: Mapping[str, str], upload: Upload) -> dict[str, Any]:
        """Send a form with a file; the JSON object that answers."""
        return self._ask(_Request("POST", path, fields, upload))

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object that answers."""
        return self._ask(_Request("GET", path))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask(self, request: _Request) -> dict[str, Any]:
        content = patiently(lambda: self._once(request), self._patience.tries, self._sleep, self._now)
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise ExportError(self._other(request, "with something else than JSON")) from None
        if not isinstance(answer, dict):
            raise ExportError(self._other(request, "with something else than an object"))
        return answer

    def _once(self, request: _Request) -> bytes:
        with self._open(request) as response:
            content = self._content(request, response)
            if HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    raise ExportError(
                        self._other(request, "with a web page, as the login page of a proxy is")
                    )
                return content
            headers = {name.lower(): value for name, value in response.headers.items()}
            content = content.replace(self._key.encode(), b"***")
            error = refusal(
                self._who,
                self.product.variable,
                request.method,
                response.status_code,
                headers,
                content,
                self._now(),
            )
            raise self._told(error)

    @contextmanager
    def _open(self, request: _Request) -> Iterator[requests.Response]:
        host = urlsplit(self.url).hostname or ""
        upload = request.upload
        patience = self._patience
        try:
            with self._session.request(
                request.method,
                f"{self.url}{request.path}",
                data=request.fields,
                files={upload.field: (upload.name, upload.content, "application/json")} if upload else None,
                headers={"Accept": "application/json", "User-Agent": f"mlsecops/{__version__}"},
                auth=_Key(self.product.header, f"{self.product.prefix}{self._key}"),
                timeout=(patience.connect, patience.read),
                # What is on this machine is not asked through a proxy, whatever the environment says.
                proxies={"no_proxy": host} if host in LOOPBACK else None,
                allow_redirects=False,
                stream=True,
            ) as response:
                yield response
        except requests.RequestException as error:
            why = reason(error, connect=patience.connect, read=patience.read)
            if isinstance(error, requests.ReadTimeout) and request.method == "POST":
                raise ExportError(self._at_work(why)) from None
            final = ExportError(f"{self._who} cannot be reached: {why}")
            raise PassingError(final) from None

    def _content(self, request: _Request, response: requests.Response) -> bytes:
        seconds = self._patience.whole
        try:
            return b"".join(chunks(response, _MOST_BYTES, seconds, self._now))
        except TooLargeError:
            raise ExportError(self._other(request, f"with more than {_MOST_BYTES >> 20} MiB")) from None
        except TooSlowError:
            final = ExportError(self._other(request, f"so slowly that {seconds:g} s are not enough"))
            raise PassingError(final) from None

    def _told(self, error: Exception) -> Exception:
        """A refusal without the key, also where the service wrote that in another way."""
        if isinstance(error, PassingError):
            return PassingError(self._told(error.final), error.pause)
        return type(error)(str(error).replace(self._key, "***"))

    def _at_work(self, why: str) -> str:
        return (
            f"{self._who} gives {why} and may still be at work on what was sent: "
            "see there before sending it again, or give it longer with --timeout"
        )

    def _other(self, request: _Request, how: str) -> str:
        return f"{self._who} answers {request} {how}: is that its address?"


def _checked(product: Product, url: str, *, insecure: bool) -> str:
    base = url.strip().rstrip("/")
    parts = split(base)
    usable = parts is not None and parts.hostname and not parts.query and not parts.fragment
    if parts is None or not usable or "@" in parts.netloc or not base.isprintable() or " " in base:
        raise ExportUsageError(f"the address of {product.name} must be a plain https URL, without a password")
    if not is_safe(parts) and not (insecure and parts.scheme == "http"):
        raise ExportUsageError(
            f"others could read the key on its way to {product.name} at {terminal(base)}: give an https "
            "address, or say --insecure-http where the way is safe"
        )
    return base
