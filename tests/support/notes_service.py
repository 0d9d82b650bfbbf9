"""A service of notes, in a thread: each belongs to a caller, and every caller may read every note."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mlsecops.dast.target import Answer, Auth, Body, Handler, Identity, Operation, Parameter, Target
from mlsecops.job import Job
from support.small_service import Served

_JSON = "application/json"
_NOTE = {
    "type": "object",
    "required": ["id", "text"],
    "properties": {"id": {"type": "integer"}, "text": {"type": "string"}},
}
_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_CALLERS = {"Bearer one-of-them": "one", "Bearer the-other": "two"}
OPERATIONS = (
    Operation(
        method="POST",
        path="/notes",
        body=Body(required=True, content={_JSON: _TEXT}),
        security=("token",),
        handler=Handler("app.py", 1),
        samples=({"text": "mine"},),
        produces=(Answer(status="201", content={_JSON: _NOTE}),),
    ),
    Operation(
        method="GET",
        path="/notes/{id}",
        parameters=(Parameter(name="id", where="path", schema={"type": "integer"}, required=True),),
        security=("token",),
        handler=Handler("app.py", 2),
        produces=(Answer(status="200", content={_JSON: _NOTE}),),
    ),
)


class _Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 10

    def do_POST(self) -> None:
        """Keep a note."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._known():
            return self._say(401)
        try:
            text = json.loads(content)["text"]
        except (ValueError, TypeError, KeyError):
            return self._say(400)
        if not isinstance(text, str) or not text:
            return self._say(400)
        return self._say(201, self._notes.keep(text))

    def do_GET(self) -> None:
        """Any note, whoever asks."""
        number = self.path.removeprefix("/notes/")
        if not self._known():
            return self._say(401)
        note = self._notes.found(number)
        return self._say(200, note) if note else self._say(404)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    @property
    def _notes(self) -> _Server:
        assert isinstance(self.server, _Server)
        return self.server

    def _known(self) -> bool:
        return self.headers.get("Authorization") in _CALLERS

    def _say(self, status: int, given: dict[str, Any] | None = None) -> None:
        content = json.dumps(given or {"status": status}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", _JSON)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Notes)
        self._kept: dict[str, dict[str, Any]] = {}

    def keep(self, text: str) -> dict[str, Any]:
        """Keep a note under the next number."""
        number = 1000 + len(self._kept)
        self._kept[str(number)] = {"id": number, "text": text}
        return self._kept[str(number)]

    def found(self, number: str) -> dict[str, Any] | None:
        """The note of a number."""
        return self._kept.get(number)


@contextmanager
def serve(job: Job) -> Iterator[Served]:
    """The service, for as long as the context is entered."""
    del job
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    callers = [
        Identity(name=f"identity {number}", headers={"Authorization": header})
        for number, header in enumerate(_CALLERS, start=1)
    ]
    try:
        target = Target(
            base_url=f"http://127.0.0.1:{server.server_address[1]}",
            operations=OPERATIONS,
            document={},
            document_uri="",
            application=Handler("app.py", 1),
            auth=Auth(identities=tuple(callers)),
        )
        yield Served(target, {})
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
