"""The OSV service over HTTP: what counts as an answer, what is tried again, and what is no OSV service."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from mlsecops.advisories.live import LiveOsv
from mlsecops.advisories.record import AdvisoryError, ServiceError
from mlsecops.advisories.transport import JsonService, Patience
from support.advisory_service import Answer, Script, Service, osv_record, service

QUICK = Patience(connect=1.0, read=1.0, whole=2.0, tries=3, pause=0.25)
FLASK = osv_record("GHSA-1", "flask", {"introduced": "0"}, aliases=["CVE-2023-30861"])
PYYAML = osv_record(
    "PYSEC-2020-96", "pyyaml", {"introduced": "5.1"}, {"fixed": "5.3.1"}, aliases=["CVE-2020-1747"]
)


@contextmanager
def live(script: Script, slept: list[float] | None = None) -> Iterator[tuple[LiveOsv, Service]]:
    pauses = [] if slept is None else slept
    with service(script) as running:
        osv = LiveOsv(JsonService(running.url, patience=QUICK, sleep=pauses.append))
        try:
            yield osv, running
        finally:
            osv.close()


def always(answer: Answer) -> Script:
    return lambda path, request: answer


def test_a_query_is_asked_in_osvs_way_and_once() -> None:
    with live(always(Answer({"vulns": [FLASK]}))) as (osv, running):
        for name in ("Flask", "flask"):
            assert [record.id for record in osv.query(name, "2.0.1")] == ["GHSA-1"]
        assert running.asked == [
            ("/v1/query", {"package": {"name": "flask", "ecosystem": "PyPI"}, "version": "2.0.1"})
        ]
        record = osv.record("GHSA-1")
        assert record is not None
        assert record.aliases == ("CVE-2023-30861",)
        assert len(running.asked) == 1, "a record that was given is not fetched again"


def test_no_vulnerability_is_an_answer() -> None:
    with live(always(Answer({}))) as (osv, _):
        assert osv.query("flask", "9") == []


def test_all_pages_are_read() -> None:
    def pages(_: str, request: Any) -> Answer:
        token = request.get("page_token")
        if token == "two":
            return Answer({"vulns": [PYYAML]})
        return Answer({"vulns": [FLASK], "next_page_token": "two"})

    with live(pages) as (osv, running):
        assert [record.id for record in osv.query("flask", "1")] == ["GHSA-1", "PYSEC-2020-96"]
        assert [request.get("page_token") for _, request in running.asked] == [None, "two"]


def test_pages_without_end_are_no_answer() -> None:
    with (
        live(always(Answer({"vulns": [], "next_page_token": "again"}))) as (osv, _),
        pytest.raises(ServiceError, match="does not end"),
    ):
        osv.query("flask", "1")


def test_a_local_build_has_the_flaws_of_its_release() -> None:
    def only_release(_: str, request: Any) -> Answer:
        return Answer({"vulns": [FLASK]} if request["version"] == "2.0.0" else {})

    with live(only_release) as (osv, running):
        assert [record.id for record in osv.query("torch", "2.0.0+cpu")] == ["GHSA-1"]
        assert [request["version"] for _, request in running.asked] == ["2.0.0+cpu", "2.0.0"]


def test_a_version_that_is_none_is_not_looked_up() -> None:
    """OSV would say "none known" of it, which reads as clean."""
    with live(always(Answer({}))) as (osv, running):
        with pytest.raises(AdvisoryError, match="'2004d' is not PEP 440"):
            osv.query("pytz", "2004d")
        assert running.asked == []


def test_withdrawn_records_are_no_vulnerabilities() -> None:
    with live(always(Answer({"vulns": [{**FLASK, "withdrawn": "2026-01-01T00:00:00Z"}]}))) as (osv, _):
        assert osv.query("flask", "1") == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"<html>please log in</html>"), "something else than JSON"),
        (Answer(b""), "something else than JSON"),
        (Answer([]), "is not OSV's"),
        (Answer({"vulns": 3}), "is not OSV's"),
        (Answer({"vulns": [3]}), "an advisory cannot be read, the record is not an object"),
        (Answer({"vulns": [{**FLASK, "affected": []}]}), "about no PyPI package"),
        (Answer({}, status=302, headers={"Location": "https://login.invalid/"}), "answers HTTP 302"),
        (Answer({}, status=400), "answers HTTP 400"),
        (Answer({}, status=404), "is not OSV's"),
        (Answer(b"no gzip at all", headers={"Content-Encoding": "gzip"}), "the connection breaks"),
        (Answer(b'{"vulns": []}', headers={"Content-Length": "99"}), "the connection breaks"),
    ],
)
def test_what_is_no_answer_of_osv_is_a_failure(answer: Answer, reason: str) -> None:
    with live(always(answer)) as (osv, running), pytest.raises(ServiceError, match=reason) as raised:
        osv.query("flask", "1")
    assert str(raised.value).startswith(f"OSV at {running.url} cannot be used: ")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_with_growing_pauses(status: int) -> None:
    answers = [Answer(status=status), Answer(hang_up=True), Answer({"vulns": [FLASK]})]
    slept: list[float] = []
    with live(lambda *_: answers.pop(0), slept) as (osv, _):
        assert [record.id for record in osv.query("flask", "1")] == ["GHSA-1"]
    assert slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("wait", "pause"), [("3", 3.0), ("86400", 10.0), ("Fri, 20 Nov 2026 10:00:00 GMT", 0.25)]
)
def test_a_service_may_ask_for_patience_but_not_for_ever(wait: str, pause: float) -> None:
    answers = [Answer(status=429, headers={"Retry-After": wait}), Answer({})]
    slept: list[float] = []
    with live(lambda *_: answers.pop(0), slept) as (osv, _):
        osv.query("flask", "1")
    assert slept == [pause]


def test_trying_again_ends() -> None:
    slept: list[float] = []
    with (
        live(always(Answer(status=503)), slept) as (osv, running),
        pytest.raises(ServiceError, match="answers HTTP 503"),
    ):
        osv.query("flask", "1")
    assert len(running.asked) == 3
    assert len(slept) == 2


def test_a_failed_query_is_asked_again_the_next_time() -> None:
    answers = [Answer(status=400), Answer({"vulns": [FLASK]})]
    with live(lambda *_: answers.pop(0)) as (osv, _):
        with pytest.raises(ServiceError):
            osv.query("flask", "1")
        assert len(osv.query("flask", "1")) == 1


def test_a_record_by_its_id() -> None:
    def by_id(path: str, _: Any) -> Answer:
        return Answer(FLASK) if path == "/v1/vulns/GHSA-1" else Answer({"code": 5}, status=404)

    with live(by_id) as (osv, running):
        record = osv.record("GHSA-1")
        assert record is not None
        assert record.id == "GHSA-1"
        assert osv.record("../query") is None
        assert running.asked[-1][0] == "/v1/vulns/..%2Fquery"


def test_packages_are_fetched_side_by_side() -> None:
    together = threading.Barrier(4, timeout=10)

    def wait_for_others(_: str, request: Any) -> Answer:
        together.wait()
        return Answer({"vulns": [FLASK]} if request["package"]["name"] == "p1" else {})

    with live(wait_for_others) as (osv, running):
        osv.prefetch([(f"p{n}", "1") for n in range(4)])
        assert len(running.asked) == 4
        assert [len(osv.query(f"p{n}", "1")) for n in range(4)] == [0, 1, 0, 0]
        assert len(running.asked) == 4


def test_fetching_many_ends_with_the_first_failure_of_the_service() -> None:
    with live(always(Answer(status=400))) as (osv, running):
        with pytest.raises(ServiceError, match="HTTP 400"):
            osv.prefetch([(f"p{n}", "1") for n in range(500)])
        assert len(running.asked) < 400


def test_a_version_that_is_none_does_not_stop_the_others() -> None:
    with live(always(Answer({}))) as (osv, running):
        osv.prefetch([("pytz", "2004d"), ("flask", "1")])
        assert len(running.asked) == 1


def test_the_probe_wants_a_real_vulnerability() -> None:
    with live(always(Answer({"vulns": [PYYAML]}))) as (osv, running):
        osv.probe()
        assert running.asked[0][1]["package"]["name"] == "pyyaml"
        assert running.asked[0][1]["version"] == "5.3"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer({}), "does not know the vulnerabilities of pyyaml 5.3, so it is no OSV service"),
        (Answer({"vulns": []}), "does not know the vulnerabilities of pyyaml 5.3"),
        (Answer({"vulns": [FLASK]}), "does not know the vulnerabilities of pyyaml 5.3"),
        (Answer(b"<html>"), "something else than JSON"),
        (Answer(status=503), "answers HTTP 503"),
    ],
)
def test_what_does_not_know_the_canary_is_no_osv_service(answer: Answer, reason: str) -> None:
    with live(always(answer)) as (osv, _), pytest.raises(ServiceError, match=reason):
        osv.probe()


def test_the_probe_does_not_wait_for_ever() -> None:
    release = threading.Event()

    def hang(_: str, __: Any) -> Answer:
        release.wait(10)
        return Answer({})

    with live(hang) as (osv, _):
        start = time.monotonic()
        with pytest.raises(ServiceError, match=r"no answer within 0\.3 s"):
            osv.probe(within=0.3)
        assert time.monotonic() - start < 2
        release.set()


def test_a_closed_port_is_found_out_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        osv = LiveOsv(JsonService(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        start = time.monotonic()
        with pytest.raises(ServiceError, match="the connection is refused"):
            osv.probe()
        assert time.monotonic() - start < 2
        osv.close()


def test_a_name_that_does_not_exist_is_told_apart() -> None:
    osv = LiveOsv(JsonService("https://osv.invalid", patience=QUICK, sleep=lambda _: None))
    with pytest.raises(ServiceError, match="its name cannot be resolved"):
        osv.query("flask", "1")
    osv.close()


def test_an_answer_without_end_is_cut_off() -> None:
    with service(always(Answer(b" " * 300_000, headers={"Content-Length": "900000000"}))) as running:
        osv = LiveOsv(JsonService(running.url, patience=Patience(read=0.3, whole=0.0, tries=1)))
        with pytest.raises(ServiceError, match="an answer takes longer than 0 s"):
            osv.query("flask", "1")
        osv.close()


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off() -> None:
    bomb = Answer(gzip.compress(b" " * (65 << 20)), headers={"Content-Encoding": "gzip"})
    with live(always(bomb)) as (osv, _), pytest.raises(ServiceError, match="larger than 64 MiB"):
        osv.query("flask", "1")


class Failing(requests.Session):
    """A session that fails as requests does."""

    def __init__(self, error: requests.RequestException) -> None:
        super().__init__()
        self.error = error

    def request(self, *_: Any, **__: Any) -> requests.Response:
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.SSLError("certificate verify failed"), "its TLS certificate is not trusted"),
        (requests.exceptions.ProxyError("refused"), "the proxy does not let the request through"),
        (requests.ConnectTimeout(), "no connection within 1 s"),
        (requests.ReadTimeout(), "no answer within 1 s"),
        (requests.ConnectionError("reset by peer"), "the connection breaks"),
    ],
)
def test_failures_of_the_network_are_said_plainly(error: requests.RequestException, reason: str) -> None:
    osv = JsonService(
        "https://x.invalid", patience=QUICK, session=lambda: Failing(error), sleep=lambda _: None
    )
    with pytest.raises(ServiceError, match=reason):
        osv.ask("GET", "/")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://osv.example.org/", "https://osv.example.org"),
        ("https://osv.example.org/mirror/v1/query", "https://osv.example.org/mirror"),
        ("https://user:secret@osv.example.org:8443/v1", "https://osv.example.org:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" http://[::1]:8080 ", "http://[::1]:8080"),
    ],
)
def test_addresses_are_shown_without_credentials(url: str, shown: str) -> None:
    assert JsonService(url).url == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "osv.example.org",
        "http://osv.example.org",
        "file:///etc/passwd",
        "https://x/?a",
        "https://[x",
        "https://",
    ],
)
def test_only_https_or_this_machine_is_asked(url: str) -> None:
    with pytest.raises(AdvisoryError, match="must be a plain https URL"):
        JsonService(url)
