"""The canary: a service of ours with a flaw for every rule, attacked by the same code in the same run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mmap import mmap
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from mlsecops.dast.canary_routes import ROUTES, TOKEN, Asked, Said
from mlsecops.dast.target import Answer, Auth, Body, Handler, Identity, Operation, Parameter, Target
from mlsecops.sarif.build import Json

_HERE = Handler("canary")
_JSON = "application/json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
_IN_QUERY = (
    *("/sql", "/command", "/code", "/template", "/file", "/redirect", "/page", "/header", "/fetch"),
    *("/broken", "/slow"),
)
_ANSWERS = ("/not-finite", "/negative", "/other-shape")
_SECURED = ("/any-key", "/any-token", "/protected")
_NUMBER: Json = {"type": "number", "minimum": 0, "maximum": 1000}
_ROW: Json = {"type": "array", "items": _NUMBER}
_PREDICTION: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["load", "rows", "times"],
    "properties": {
        "load": _NUMBER,
        "rows": {"type": "array", "minItems": 1, "items": _ROW},
        "times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
    },
}
_SAMPLE: Json = {
    "load": 5.5,
    "rows": [[1.5, 2.5], [3.5, 4.5]],
    "times": ["2026-01-05T12:00:00Z", "2026-01-05T12:15:00Z"],
}


def described() -> Target:
    """What the attacker is told of it, as if read from its document."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    return Target(
        base_url="",
        operations=tuple(_operations()),
        document={},
        document_uri="",
        application=_HERE,
        auth=Auth(
            identities=(
                Identity(name="first", headers=token, objects={"id": "7"}),
                Identity(name="second", headers={"Authorization": "Bearer of-somebody-else"}),
            )
        ),
    )


def _operations() -> Iterator[Operation]:
    text = Parameter(name="value", where="query", schema={"type": "string"}, examples=("canary",))
    for path in _IN_QUERY:
        yield Operation(method="get", path=path, parameters=(text,), handler=_HERE)
    promised = {"type": "object", "properties": {"load": _NUMBER}}
    for path in _ANSWERS:
        answer = Answer(status="200", content={_JSON: promised})
        yield Operation(method="get", path=path, handler=_HERE, produces=(answer,))
    for path in _SECURED:
        yield Operation(method="get", path=path, security=("token",), handler=_HERE)
    yield Operation(method="get", path="/links", handler=_HERE)
    yield Operation(method="get", path="/methods", handler=_HERE)
    number = Parameter(name="id", where="path", required=True, schema={"type": "string"}, examples=("7",))
    yield Operation(method="get", path="/objects/{id}", parameters=(number,), handler=_HERE)
    yield _posting("/predict", _PREDICTION, _SAMPLE)
    small: Json = {"type": "object", "properties": {"load": _NUMBER}}
    yield _posting("/forecast", small, {"load": 5.5})
    for path in ("/crash", "/unhandled", "/override"):
        yield _posting(path, small, {"load": 5.5})
    for path, media in (("/load", "application/octet-stream"), ("/xml", "application/xml")):
        body = Body(required=True, content={media: {}})
        yield Operation(method="post", path=path, body=body, handler=_HERE)


def _posting(path: str, schema: Json, sample: Json) -> Operation:
    body = Body(required=True, content={_JSON: schema})
    return Operation(method="post", path=path, body=body, handler=_HERE, samples=(sample,))


class _Server(ThreadingHTTPServer):
    """Keeps what its routes keep."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.kept: list[mmap] = []


class _Requests(BaseHTTPRequestHandler):
    """Hands requests to the routes; every method the same way, those that nobody has heard of with them."""

    protocol_version = "HTTP/1.1"
    server_version = "Canary/1.0"
    disable_nagle_algorithm = True
    timeout = 30

    def parse_request(self) -> bool:
        """Read the head of a request, and be ready for its method."""
        read = super().parse_request()
        setattr(self, f"do_{self.command}", self._answer)
        return read

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        kept = self.server.kept if isinstance(self.server, _Server) else []
        asked = Asked(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            kept=kept,
        )
        self._say(self._said(asked))

    def _said(self, asked: Asked) -> Said:
        if asked.method == "TRACE":
            return Said(body=str(self.headers), media="message/http")
        route = ROUTES.get(asked.path) or ROUTES.get(asked.path.rpartition("/")[0])
        if route is None or asked.method not in _METHODS:
            return Said(status=404 if route is None else 405)
        return route(asked)

    def _say(self, said: Said) -> None:
        if said.status == 0:
            self.close_connection = True
            return
        content = said.body.encode("latin-1", "replace")
        self.send_response(said.status)
        origin = self.headers.get("Origin")
        allowed = (("Access-Control-Allow-Origin", origin),) if origin else ()
        for name, value in (*said.headers, *allowed):
            self.send_header(name, value)
        self.send_header("Content-Type", said.media)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@dataclass
class CanaryService:
    """The service, on a free port of the loopback, for as long as it is entered."""

    _server: _Server = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        """Serve."""
        self._server = _Server()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and let go of what was kept."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.kept.clear()

    @property
    def base_url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def main() -> None:
    """Serve until the process is ended."""
    with CanaryService():
        threading.Event().wait()
