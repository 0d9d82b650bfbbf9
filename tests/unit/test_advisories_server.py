"""The loopback server that stands between pip-audit and the data."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from mlsecops.advisories.build import build
from mlsecops.advisories.live import LiveOsv
from mlsecops.advisories.record import AdvisoryError, Record
from mlsecops.advisories.server import AdvisoryServer, package_key, serve
from mlsecops.advisories.snapshot import Snapshot, load
from mlsecops.advisories.source import SEED
from mlsecops.advisories.transport import JsonService
from support.advisory_service import Answer, osv_record, service


@pytest.fixture
def server() -> Iterator[AdvisoryServer]:
    with serve(load(SEED)) as running:
        yield running


def ask(server: AdvisoryServer, method: str, path: str, body: bytes | Any = b"") -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body))
    with connection.getresponse() as response:
        status, content = response.status, response.read()
    connection.close()
    return status, json.loads(content)


def query(name: str, version: str, ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


def test_a_vulnerable_package(server: AdvisoryServer) -> None:
    status, answer = ask(server, "POST", "/v1/query", query("PyYAML", "5.3"))
    assert status == 200
    assert {vuln["id"] for vuln in answer["vulns"]} == {"PYSEC-2020-96", "PYSEC-2021-142"}
    assert {a["package"]["name"] for vuln in answer["vulns"] for a in vuln["affected"]} == {"pyyaml"}


def test_a_package_without_vulnerabilities_is_an_empty_object_as_in_osv(server: AdvisoryServer) -> None:
    assert ask(server, "POST", "/v1/query", query("pyyaml", "6.0.2")) == (200, {})


def test_it_knows_what_it_was_asked(server: AdvisoryServer) -> None:
    for name, version in (("PyYAML", "5.3"), ("Foo_Bar", "1.0.RC1"), ("pyyaml", "5.3")):
        ask(server, "POST", "/v1/query", query(name, version))
    assert server.answered == {("pyyaml", "5.3"), ("foo-bar", "1.0rc1")}
    assert server.failed == {}
    assert package_key("Foo.Bar", " 1.0-rc1 ") in server.answered
    assert package_key("x", " 2004d ") == ("x", "2004d")


def test_many_packages_at_once(server: AdvisoryServer) -> None:
    queries = [query("pyyaml", "5.3"), query("pyyaml", "6.0.2"), query("flask", "2.0.1")]
    status, answer = ask(server, "POST", "/v1/querybatch", {"queries": queries})
    assert status == 200
    ids = [[vuln["id"] for vuln in result.get("vulns", [])] for result in answer["results"]]
    assert ids == [["PYSEC-2020-96", "PYSEC-2021-142"], [], ["PYSEC-2023-62"]]
    assert set(answer["results"][2]["vulns"][0]) == {"id", "modified"}
    assert len(server.answered) == 3


def test_one_record_by_its_id(server: AdvisoryServer) -> None:
    status, record = ask(server, "GET", "/v1/vulns/PYSEC-2023-62")
    assert (status, record["id"]) == (200, "PYSEC-2023-62")
    assert ask(server, "GET", "/v1/vulns/CVE-0000-0000")[0] == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        ({}, "names no package"),
        ({"package": "flask", "version": "1"}, "names no package"),
        ({"commit": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"}, "names no package"),
        (query("left-pad", "1", "npm"), "names no package of the ecosystem PyPI"),
        ({"package": {"purl": "pkg:pypi/flask@1"}}, "names no package"),
        ({"package": {"name": "flask", "ecosystem": "PyPI"}}, "names no version"),
        (query("flask", " "), "names no version"),
        (query("", "1"), "not a package name"),
        (query("a b/../c", "1"), "not a package name"),
        ({"package": {"name": 3, "ecosystem": "PyPI"}, "version": "1"}, "not a package name"),
    ],
)
def test_a_malformed_query_is_an_error_not_a_clean_bill(
    server: AdvisoryServer, body: Any, reason: str
) -> None:
    status, answer = ask(server, "POST", "/v1/query", body)
    assert status == 400
    assert reason in answer["message"]
    assert server.answered == set()


@pytest.mark.parametrize(
    "body", [{}, {"queries": {}}, {"queries": [3]}, {"queries": [{}]}, {"queries": [query("x", "1")] * 1001}]
)
def test_a_malformed_batch_is_an_error(server: AdvisoryServer, body: Any) -> None:
    assert ask(server, "POST", "/v1/querybatch", body)[0] == 400
    assert server.answered == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("POST", "/v1/query/"), ("POST", "/v1/vulns/X"), ("GET", "/"), ("GET", "/v1/query")],
)
def test_other_paths_do_not_exist(server: AdvisoryServer, method: str, path: str) -> None:
    assert ask(server, method, path, query("flask", "2.0.1"))[0] == 404


def raw(server: AdvisoryServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(4096):
            received += part
    return received


@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999999\r\n", b"Content-Length: -1\r\n"])
def test_a_body_without_a_decent_length_is_not_read(server: AdvisoryServer, length: bytes) -> None:
    assert b" 400 " in raw(server, b"POST /v1/query HTTP/1.1\r\n" + length + b"\r\n").split(b"\r\n")[0]


def test_a_client_that_goes_away_is_no_event(
    server: AdvisoryServer, capfd: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(query("pyyaml", "5.3")).encode()
    head = b"POST /v1/query HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    for request in (head + body, head):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(request)
    assert ask(server, "POST", "/v1/query", query("pyyaml", "5.3"))[0] == 200
    assert capfd.readouterr() == ("", "")


class Broken:
    """A backend with a mistake in it."""

    def query(self, name: str, version: str) -> list[Record]:
        raise ZeroDivisionError(name + version)

    def record(self, identifier: str) -> Record | None:
        raise AdvisoryError(f"no {identifier}")


def test_a_mistake_of_ours_is_shown_and_never_an_answer(capfd: pytest.CaptureFixture[str]) -> None:
    with serve(Broken()) as server:
        assert (
            raw(
                server,
                b"POST /v1/query HTTP/1.0\r\nContent-Length: 64\r\n\r\n"
                + json.dumps(query("x", "1")).encode().ljust(64),
            )
            == b""
        )
        assert ask(server, "GET", "/v1/vulns/X")[0] == 502
        assert server.answered == set()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_version_that_cannot_be_compared_fails_the_query(server: AdvisoryServer) -> None:
    status, answer = ask(server, "POST", "/v1/query", query("pyyaml", "2004d"))
    assert status == 502
    assert "not PEP 440" in answer["message"]
    assert server.answered == set()
    assert "not PEP 440" in server.failed["pyyaml", "2004d"]


def test_a_service_that_fails_behind_it_is_a_bad_gateway_until_it_is_back() -> None:
    answers = [Answer(status=400), Answer({"vulns": [osv_record("GHSA-1", "Flask", {"introduced": "0"})]})]
    with service(lambda *_: answers.pop(0)) as running:
        osv = LiveOsv(JsonService(running.url))
        with serve(osv) as server:
            status, answer = ask(server, "POST", "/v1/query", query("flask", "1"))
            assert status == 502
            assert server.failed == {("flask", "1"): answer["message"]}
            assert server.answered == set()
            status, answer = ask(server, "POST", "/v1/query", query("flask", "1"))
            assert (status, answer["vulns"][0]["affected"][0]["package"]["name"]) == (200, "flask")
            assert (server.failed, server.answered) == ({}, {("flask", "1")})
        osv.close()


def test_a_live_service_behind_it_gives_the_same_as_the_data_itself() -> None:
    """Our own server plays the service: snapshot -> HTTP -> LiveOsv -> HTTP."""
    seed = load(SEED)
    packages = [("pillow", "8.0.0"), ("flask", "2.0.1"), ("tensorflow", "2.4.0"), ("pyyaml", "6.0.2")]
    with serve(seed) as origin:
        osv = LiveOsv(JsonService(origin.url))
        osv.probe()
        osv.prefetch(packages)
        with serve(osv) as relay:
            for name, version in packages:
                assert ask(relay, "POST", "/v1/query", query(name, version)) == ask(
                    origin, "POST", "/v1/query", query(name, version)
                )
        osv.close()
    assert len(seed.query("tensorflow", "2.4.0")) == 198


def test_it_listens_on_this_machine_only_and_ends_with_its_block() -> None:
    before = threading.active_count()
    with serve(load(SEED)) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{server.server_port}"
        assert server.query_url == f"{server.url}/v1/query"
        assert server.environment["NO_PROXY"] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        ask(server, "GET", "/v1/vulns/X")
    assert threading.active_count() == before


def test_answers_in_the_form_pip_audit_can_read(tmp_path: Path) -> None:
    odd = osv_record(
        "GHSA-1", "Foo_Bar", {"introduced": "0"}, {"fixed": "2019-09-12"}, published="", aliases=None
    )
    source = tmp_path / "odd.json"
    source.write_text(json.dumps(odd))
    snapshot: Snapshot = build([source], kev=None, built=dt.date(2026, 11, 20))
    with serve(snapshot) as server:
        _, answer = ask(server, "POST", "/v1/query", query("foo.bar", "1"))
    assert answer["vulns"] == [
        {
            "id": "GHSA-1",
            "schema_version": "1.6.0",
            "modified": "2026-01-02T03:04:05Z",
            "aliases": [],
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "foo-bar"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
                }
            ],
        }
    ]
