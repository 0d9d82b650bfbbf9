"""A loopback server that speaks OSV's API: what pip-audit asks instead of the service itself.

It puts one thing between the two that can be trusted: it knows which packages were asked about, keeps the
records that were given, and turns a failure behind it into an HTTP error, never into "no vulnerability".
"""

from __future__ import annotations

import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote

import orjson
from packaging.utils import canonicalize_name, is_normalized_name

from mlsecops.advisories.record import ECOSYSTEM, AdvisoryError, Json, Record
from mlsecops.advisories.versions import parse_version

_MOST_BYTES = 4 << 20
_MOST_QUERIES = 1000
_SECONDS = 30.0

Package = tuple[str, str]
"""Canonical name and normalised version."""


class Backend(Protocol):
    """Where the answers come from: a Snapshot or a LiveOsv."""

    def query(self, name: str, version: str) -> list[Record]:
        """The records that affect a package's version. Raises AdvisoryError when nobody can say."""
        ...

    def record(self, identifier: str) -> Record | None:
        """The record with this id. Raises AdvisoryError."""
        ...


class BadQueryError(Exception):
    """A request that is not OSV's; the text says what is wrong with it."""


def package_key(name: str, version: str) -> Package:
    """A package as `AdvisoryServer.answered` names it, from any spelling of name and version."""
    parsed = parse_version(version)
    return canonicalize_name(name), version.strip() if parsed is None else str(parsed)


class AdvisoryServer(ThreadingHTTPServer):
    """The running server: `answered` are the packages it gave a whole answer for, `failed` says why not."""

    daemon_threads = True

    def __init__(self, backend: Backend) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend = backend
        self.answered: set[Package] = set()
        self.failed: dict[Package, str] = {}

    @property
    def url(self) -> str:
        """The base address, for `uv audit --service-url` and the like."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def query_url(self) -> str:
        """What `pip-audit --osv-url` wants."""
        return f"{self.url}/v1/query"

    @property
    def environment(self) -> dict[str, str]:
        """Variables a client needs so that no proxy comes between it and this server."""
        return {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take long where there is no network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else is a mistake of ours and shown as such."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, name: str, version: str) -> list[Record]:
        """The backend's answer, recorded. Raises AdvisoryError."""
        package = package_key(name, version)
        try:
            records = self.backend.query(*package)
        except AdvisoryError as error:
            self.failed[package] = str(error)
            raise
        self.answered.add(package)
        self.failed.pop(package, None)
        return records


@contextmanager
def serve(backend: Backend) -> Iterator[AdvisoryServer]:
    """Run the server in a background thread, on a free port of 127.0.0.1, as long as the block lasts."""
    server = AdvisoryServer(backend)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: AdvisoryServer
    timeout = _SECONDS

    def do_POST(self) -> None:
        """Queries for one package or for many."""
        answers = {"/v1/query": self._query, "/v1/querybatch": self._batch}
        self._respond(answers.get(self.path))

    def do_GET(self) -> None:
        """One record by its id."""
        self._respond(self._vulnerability if self.path.startswith("/v1/vulns/") else None)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the terminal belongs to the caller."""

    def _respond(self, answer: Callable[[], Json | None] | None) -> None:
        status, content = HTTPStatus.NOT_FOUND, {"code": 5, "message": "not found"}
        try:
            found = None if answer is None else answer()
            if found is not None:
                status, content = HTTPStatus.OK, found
        except BadQueryError as error:
            status, content = HTTPStatus.BAD_REQUEST, {"code": 3, "message": str(error)}
        except AdvisoryError as error:
            status, content = HTTPStatus.BAD_GATEWAY, {"code": 14, "message": str(error)}
        body = orjson.dumps(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _query(self) -> Json:
        name, version = _package(self._body())
        vulns = [record.to_osv(name) for record in self.server.answer(name, version)]
        return {"vulns": vulns} if vulns else {}

    def _batch(self) -> Json:
        queries = self._body().get("queries")
        if not isinstance(queries, list) or len(queries) > _MOST_QUERIES:
            raise BadQueryError(f"queries must be a list of at most {_MOST_QUERIES}")
        answers = [self.server.answer(*package) for package in [_package(query) for query in queries]]
        return {
            "results": [
                {"vulns": [{"id": record.id, "modified": record.modified} for record in records]}
                if records
                else {}
                for records in answers
            ]
        }

    def _vulnerability(self) -> Json | None:
        record = self.server.backend.record(unquote(self.path.removeprefix("/v1/vulns/")))
        return None if record is None else record.to_osv()

    def _body(self) -> Json:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            raise BadQueryError(
                f"a body of at most {_MOST_BYTES >> 20} MiB and its Content-Length are needed"
            )
        try:
            body = orjson.loads(self.rfile.read(int(length)))
        except orjson.JSONDecodeError as error:
            raise BadQueryError("the body is not JSON") from error
        if not isinstance(body, dict):
            raise BadQueryError("the body is not a JSON object")
        return body


def _package(query: Any) -> Package:
    """Name and version of an OSV query; packages of other ecosystems and commits are not known here."""
    package = query.get("package") if isinstance(query, dict) else None
    if not isinstance(package, dict) or package.get("ecosystem") != ECOSYSTEM:
        raise BadQueryError(f"the query names no package of the ecosystem {ECOSYSTEM}")
    name, version = package.get("name"), query.get("version")
    if not isinstance(version, str) or not version.strip():
        raise BadQueryError("the query names no version")
    if not isinstance(name, str) or not is_normalized_name(canonicalize_name(name)):
        raise BadQueryError("the query's name is not a package name")
    return package_key(name, version)
