"""Sends requests to one address and nowhere else: no redirect is followed, no proxy asked, no cookie kept."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from mlsecops.dast.attacks.messages import BROKEN, LATE, Reply, Request

_MOST_BYTES = 4 << 20
_AGENT = "mlsecops-dast"
_WAIT = 1.0


@dataclass
class Client:
    """One connection, kept open; `patience` is how many seconds in all it waits where it is asked to."""

    base_url: str
    timeout: float = 10.0
    patience: float = 15.0
    requests: int = field(default=0, init=False)
    limited: int = field(default=0, init=False)
    _connection: http.client.HTTPConnection | None = field(default=None, init=False)

    def send(self, request: Request) -> Reply:
        """Send a request; an answer that asks to come back later is waited for while there is patience."""
        while True:
            reply = self._once(request)
            if reply.status != http.client.TOO_MANY_REQUESTS:
                return reply
            wait = _seconds(reply.header("retry-after"))
            if wait > self.patience:
                self.limited += 1
                return reply
            self.patience -= wait
            time.sleep(wait)

    def reachable(self) -> bool:
        """Whether the service takes a connection."""
        parts = urlsplit(self.base_url)
        try:
            socket.create_connection((parts.hostname or "", parts.port or 80), self.timeout).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _once(self, request: Request) -> Reply:
        self.requests += 1
        fresh = self._connection is None
        reply = self._exchange(request)
        # A connection that was kept may have been closed by the service in the meantime.
        if reply.status == 0 and not fresh and reply.seconds < self.timeout:
            return self._exchange(request)
        return reply

    def _exchange(self, request: Request) -> Reply:
        started = time.perf_counter()
        try:
            connection = self._connected()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered already
                self._write(connection, request)
            _acknowledge_at_once(connection.sock)
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            seconds = time.perf_counter() - started
            headers = tuple((name.lower(), value) for name, value in response.getheaders())
            if response.will_close or not response.isclosed():
                self.close()
            return Reply(status=response.status, headers=headers, body=body, seconds=seconds)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Reply(status=0, seconds=time.perf_counter() - started, failure=_why(error))

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            parts = urlsplit(self.base_url)
            self._connection = http.client.HTTPConnection(
                parts.hostname or "127.0.0.1", parts.port or 80, timeout=self.timeout
            )
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def _write(self, connection: http.client.HTTPConnection, request: Request) -> None:
        target, headers = identified(request)
        prefix = urlsplit(self.base_url).path.rstrip("/")
        given = {name.lower() for name, _ in headers}
        connection.putrequest(
            request.method, prefix + target, skip_host="host" in given, skip_accept_encoding=True
        )
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1", "replace"))
        if "user-agent" not in given:
            connection.putheader("User-Agent", _AGENT)
        if "accept" not in given:
            connection.putheader("Accept", "*/*")
        if request.body is not None and "content-length" not in given:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)


def identified(request: Request) -> tuple[str, list[tuple[str, str]]]:
    """Path and headers with what the identity adds."""
    identity, target = request.identity, request.target
    headers = list(request.headers)
    if identity is None:
        return target, headers
    own = {name.lower() for name, _ in headers}
    headers += [each for each in identity.headers.items() if each[0].lower() not in own]
    if identity.query:
        target += ("&" if "?" in target else "?") + urlencode(identity.query)
    if identity.cookies:
        cookies = [f"{name}={quote(value, safe='')}" for name, value in identity.cookies.items()]
        cookies += [value for name, value in headers if name.lower() == "cookie"]
        headers = [each for each in headers if each[0].lower() != "cookie"]
        headers.append(("Cookie", "; ".join(cookies)))
    return target, headers


def _acknowledge_at_once(connected: socket.socket) -> None:
    """A service that sends head and body apart waits for the head's acknowledgement, which may take its time.

    The kernel forgets this soon; not every system has it.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):  # the other side has gone, and may have answered before
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _seconds(value: str) -> float:
    """A Retry-After header in seconds; a date, or nothing, as one second."""
    return float(value) if value.isascii() and value.isdigit() else _WAIT


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return LATE
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ConnectionError):
        return BROKEN
    return f"the answer cannot be read ({type(error).__name__})"
