"""A service without a flaw, in a thread: it reads a number, and says what it is told to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mlsecops.dast.target import Handler, Operation, Parameter, Target
from mlsecops.job import Job

OPERATION = Operation(method="GET", path="/health", handler=Handler("app.py", 1))
ASKED = replace(OPERATION, parameters=(Parameter(name="of", where="query", schema={"type": "string"}),))


@dataclass(frozen=True)
class Served:
    """What a tool gets to attack."""

    target: Target
    absent: Mapping[str, str]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 10

    def do_GET(self) -> None:
        """Answer the one address there is; a quote ends the connection where the address says so."""
        if "closes" in self.path and "%27" in self.path:
            self.close_connection = True
            return
        status = 200 if self.path.partition("?")[0] == "/health" else 404
        content = json.dumps({"status": status}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


CLOSING = replace(
    ASKED, parameters=(Parameter(name="closes", where="query", schema={"type": "string"}, required=True),)
)


@contextmanager
def serve(job: Job, operation: Operation = OPERATION) -> Iterator[Served]:
    """The service, for as long as the context is entered."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        target = Target(
            base_url=f"http://127.0.0.1:{server.server_address[1]}",
            operations=(operation,),
            document={},
            document_uri="",
            application=Handler("app.py", 1),
        )
        yield Served(target, {})
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
