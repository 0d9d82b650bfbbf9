"""A service that answers one of its two operations: what the probe must be able to tell."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """`GET /answered` is answered, `GET /unanswered` is not, nothing else is there."""

    def do_GET(self) -> None:
        """Answer, or hang up."""
        if self.path == "/unanswered":
            self.close_connection = True
            return
        content = b"here\n" if self.path == "/answered" else b"not here\n"
        self.send_response(200 if self.path == "/answered" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 0), Handler).serve_forever()
