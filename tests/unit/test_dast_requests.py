"""Requests: built from a document, shown as a `curl` line without secrets, sent to one address only."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlsecops.dast.attacks import schemas
from mlsecops.dast.attacks.building import Raw, build, encoded, points, values_of, with_body, with_json
from mlsecops.dast.attacks.deserialization import numpy_file, pickled
from mlsecops.dast.attacks.messages import Base, Reply, Request
from mlsecops.dast.client import Client
from mlsecops.dast.curl import curl
from mlsecops.dast.listener import Loopback
from mlsecops.dast.target import Handler, Identity, Operation, Parameter, Where

DOCUMENT = {
    "components": {
        "schemas": {
            "Load": {"type": "number", "minimum": 0},
            "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
            "Both": {
                "allOf": [
                    {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string", "format": "date"}}, "required": ["b"]},
                ]
            },
        }
    }
}
IDENTITY = Identity(
    name="first", headers={"X-Key": "s3cret-1"}, query={"key": "s3cret-2"}, cookies={"sid": "s3cret-3"}
)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/components/schemas/Load"}, 1.0),
        ({"$ref": "#/components/schemas/Both"}, {"a": 1, "b": "2026-01-05"}),
        ({"$ref": "#/components/schemas/Loop"}, "mlsecops"),
        ({"$ref": "elsewhere.yaml#/X"}, "mlsecops"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": ["null", "string"]}, None),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}, 4),
        ({"type": "string", "enum": ["day", "night"]}, "day"),
        ({"type": "number", "maximum": -2}, -2.0),
        ({"type": "string", "minLength": 12}, "mlsecopsssss"),
        ({"type": "string", "maxLength": 3}, "mls"),
        ({"example": {"shown": 1}}, {"shown": 1}),
    ],
)
def test_values_that_fit(schema: Any, value: Any) -> None:
    assert schemas.example(schema, DOCUMENT) == value


def test_places_in_a_value() -> None:
    value = {"rows": [{"a": 1}, {"a": 2}, {"a": 3}], "name": "x"}
    assert [schemas.spelled(place) for place, _ in schemas.leaves(value)] == [
        "rows[0].a",
        "rows[2].a",
        "name",
    ]
    assert schemas.put(value, ("rows", 1, "a"), 9)["rows"][1] == {"a": 9}
    assert schemas.without(value, ("rows", 0))["rows"] == [{"a": 2}, {"a": 3}]
    assert value["rows"][1] == {"a": 2}
    assert schemas.spelled(()) == "(body)"
    schema = {"properties": {"rows": {"items": {"anyOf": [{"properties": {"a": {"type": "integer"}}}]}}}}
    found = schemas.at(schema, ("rows", 0, "a"), {})
    assert schemas.kinds(found, {}) == {"integer"}
    assert schemas.types({"type": "string", "nullable": True}) == ("string", "null")


@pytest.mark.parametrize(
    ("text", "is_time"), [("2026-01-05", True), ("2026-01-05T12:00:00Z", True), ("monday", False), (7, False)]
)
def test_moments(text: Any, is_time: bool) -> None:
    assert schemas.is_time(text) is is_time


def test_parameters_go_where_they_belong() -> None:
    where: dict[str, Where] = {"id": "path", "q": "query", "X-One": "header", "c": "cookie"}
    parameters = tuple(
        Parameter(name=name, where=place, required=True, schema={"type": "string"}, examples=("a b/c",))
        for name, place in where.items()
    )
    operation = Operation(method="get", path="/runs/{id}", parameters=parameters, handler=Handler("a.py"))
    request = build(operation, values_of(operation, {}))
    assert request.target == "/runs/a%20b%2Fc?q=a+b%2Fc"
    assert dict(request.headers) == {"X-One": "a b/c", "Cookie": "c=a%20b%2Fc"}
    base = Base(
        operation=operation, request=request, reply=Reply(status=200), values=values_of(operation, {})
    )
    raw = next(points(base)).put(Raw("../etc/x"))
    assert raw.target.startswith("/runs/../etc/x?")
    split = next(point for point in points(base) if point.where == "header").put("a\r\nb: c")
    assert dict(split.headers)["X-One"] == "a  b: c"


def test_forms() -> None:
    body, media = encoded({"a": 1, "file": b"\0x"}, "multipart/form-data")
    assert media.startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="model.bin"\r\n\r\n\0x\r\n' in body
    assert encoded({"a": "b c"}, "application/x-www-form-urlencoded")[0] == b"a=b+c"


def body_of(line: str) -> bytes:
    """What the shell sends when it runs a `curl` line, `curl` itself left out."""
    before, pipe, _ = line.partition(" | curl ")
    if pipe:
        return subprocess.run(["/bin/sh", "-c", before], capture_output=True, check=True).stdout
    words = shlex.split(line)
    return words[words.index("--data-raw") + 1].encode()


@pytest.mark.parametrize(
    "value",
    [
        {"load": 5.5, "note": "it's"},
        {"rows": [1.5] * 700, "time": "it's", "none": None, "nested": [[1, 2], [1, 2]]},
        {"rows": [float("nan")] * 700, "more": float("-inf")},
    ],
)
def test_a_curl_line_sends_the_same_json(value: Any) -> None:
    operation = Operation(method="POST", path="/f", handler=Handler("a.py"))
    base = Base(operation=operation, request=build(operation, {}), reply=Reply(status=200))
    line = curl(with_json(base, value))
    assert len(line) < 400
    assert json.dumps(json.loads(body_of(line))) == json.dumps(value)


@pytest.mark.parametrize(
    "content", [b"\0\x80%'\\\n", pickled("http://127.0.0.1:9/x"), numpy_file("http://x/")]
)
def test_a_curl_line_sends_the_same_bytes(content: bytes) -> None:
    operation = Operation(method="POST", path="/f", handler=Handler("a.py"))
    base = Base(operation=operation, request=build(operation, {}), reply=Reply(status=200))
    assert body_of(curl(with_body(base, content, "application/octet-stream"))) == content


def test_no_check_sees_a_secret_that_it_could_quote_a_part_of() -> None:
    reply = Reply(
        status=500, headers=(("x", "a s3cret-1"), ("y", "b")), body=b'{"error": "s3cret-1 \\u00fc"}'
    )
    seen = reply.without(("s3cret-1", "\\u00fc"))
    assert (seen.headers, seen.body) == ((("x", "a ***"), ("y", "b")), b'{"error": "*** ***"}')
    assert reply.without(("another",)) is reply


def test_a_curl_line_has_no_secret() -> None:
    request = Request(method="DELETE", target="/a?b=s3cret-9", headers=(("X", "1"),), identity=IDENTITY)
    line = curl(request, ("s3cret-9", *IDENTITY.secrets()))
    assert "s3cret" not in line
    assert "-X DELETE" in line
    for part in ("X-Key: ***", "key=***", "sid=***", "b=***"):
        assert part in line


class Answers(BaseHTTPRequestHandler):
    """Tells what it got, sends callers elsewhere, asks them to wait, or ends the connection."""

    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        path, seen = self.path.partition("?")[0], self.server.__dict__.setdefault("seen", [])
        seen.append((self.path, dict(self.headers)))
        if path == "/ends":
            self.close_connection = True
            return
        limited = path == "/limited" and len(seen) < 3
        self.send_response(429 if limited else 302 if path == "/elsewhere" else 200)
        if limited:
            self.send_header("Retry-After", "0")
        self.send_header("Location", "http://mlsecops.invalid/")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(name="server")
def _server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(name="client")
def _client(server: ThreadingHTTPServer) -> Iterator[Client]:
    client = Client(f"http://127.0.0.1:{server.server_address[1]}")
    yield client
    client.close()


def test_redirects_are_not_followed(client: Client, server: ThreadingHTTPServer) -> None:
    reply = client.send(Request(method="GET", target="/elsewhere"))
    assert (reply.status, reply.header("location")) == (302, "http://mlsecops.invalid/")
    assert len(server.__dict__["seen"]) == 1


def test_an_identity_is_sent_and_a_check_may_change_it(client: Client, server: ThreadingHTTPServer) -> None:
    client.send(Request(method="GET", target="/a?b=1", identity=IDENTITY, headers=(("Cookie", "c=2"),)))
    target, headers = server.__dict__["seen"][0]
    assert target == "/a?b=1&key=s3cret-2"
    assert (headers["X-Key"], headers["Cookie"]) == ("s3cret-1", "sid=s3cret-3; c=2")


def test_who_is_asked_to_wait_waits_while_there_is_patience(client: Client) -> None:
    assert client.send(Request(method="GET", target="/limited")).status == 200
    assert client.limited == 0


def test_without_patience_a_limit_is_counted(client: Client) -> None:
    client.patience = -1.0
    assert client.send(Request(method="GET", target="/limited")).status == 429
    assert client.limited == 1


def test_a_connection_that_ends_and_one_that_is_refused(client: Client) -> None:
    assert client.send(Request(method="GET", target="/ends")).failure == "the connection broke"
    assert client.reachable()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = Client(f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert gone.send(Request(method="GET", target="/")).failure == "the connection was refused"
        assert not gone.reachable()


def test_a_service_that_sends_its_answer_in_two_parts_is_not_waited_for(client: Client) -> None:
    started = time.monotonic()
    for _ in range(60):
        assert client.send(Request(method="GET", target="/two")).body == b"{}"
    # An acknowledgement that is put off takes 40 ms.
    assert time.monotonic() - started < 60 * 0.03


def test_the_listener_hears_who_calls_by_name() -> None:
    with Loopback() as listener, Loopback() as second:
        url = listener.url("one")
        assert not listener.heard("one")
        client = Client(url.removesuffix("/one"))
        assert client.send(Request(method="GET", target="/one")).text == "mlsecops"
        assert listener.heard("one")
        assert not listener.heard("on")
        assert not second.heard("one")
        assert url.split(":")[2] != second.url("one").split(":")[2]
        client.close()


def test_the_payloads_are_harmless_and_of_their_format(tmp_path: Path) -> None:
    content = numpy_file("http://127.0.0.1:9/x")
    assert content.startswith(b"\x93NUMPY\x01\x00v\x00{'descr': '|O'")
    assert len(content) - len(pickled("http://127.0.0.1:9/x")) == 128
