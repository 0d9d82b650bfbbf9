"""HTTP on loopback: requests in, answers out, and the ways in which a connection can go wrong."""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from support.github_api.faults import Fault
from support.github_api.wire import Answer, Call


class Double(Protocol):
    """What answers."""

    violations: list[str]

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer to a request and how it is to go wrong."""

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection."""

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""

    def wait_for_the_end(self) -> None:
        """Hold a stalled answer."""


class Listener(ThreadingHTTPServer):
    """The listening socket."""

    daemon_threads = True

    def __init__(self, github: Double) -> None:
        self.github = github
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note what broke; a client that goes away in the middle is what some tests are about."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.github.violations.append(f"the double broke: {error!r}")


class _Handler(BaseHTTPRequestHandler):
    """One connection, over which several requests may come."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def setup(self) -> None:
        """Begin."""
        super().setup()
        self.server.github.opened(self.connection)

    def finish(self) -> None:
        """End."""
        self.server.github.closed(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        """Take any method there is."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._respond()

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        content = self.rfile.read(int(headers.get("content-length", "0")))
        answer, fault = self.server.github.answer(Call(self.command, path, query, headers, content))
        if fault is not None and fault.kind == "drop":
            self.close_connection = True
            return
        content = answer.content
        usual = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(content)),
            "X-GitHub-Request-Id": "0000:0000",
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "999",
        }
        given = {name.lower() for name in answer.headers}
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        for name, value in usual.items():
            if name.lower() not in given:
                self.send_header(name, value)
        self.end_headers()
        if fault is None or fault.kind == "answer":
            self.wfile.write(content)
            return
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if fault.kind == "stall":
            self.server.github.wait_for_the_end()
        self.close_connection = True
