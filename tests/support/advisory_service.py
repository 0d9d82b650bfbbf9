"""A loopback HTTP service whose answers a test scripts: a strange OSV service, a login page, a proxy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; a body that is not bytes is sent as JSON, `hang_up` closes without an answer."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[str, Any], Answer]
"""Path and parsed request body (None for GET) -> the answer."""


@dataclass
class Service:
    """A running service and what it was asked."""

    url: str
    asked: list[tuple[str, Any]]


@contextmanager
def service(script: Script) -> Iterator[Service]:
    """Serve what `script` says on a free loopback port as long as the block lasts."""
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._give(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self._give(None)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

        def _give(self, request: Any) -> None:
            asked.append((self.path, request))
            answer = script(self.path, request)
            if answer.hang_up:
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Service(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def osv_record(identifier: str, package: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    """An OSV record with one ECOSYSTEM range on one PyPI package; `more` are further fields of the record."""
    return {
        "id": identifier,
        "modified": "2026-01-02T03:04:05Z",
        "published": "2026-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
            }
        ],
        **more,
    }
