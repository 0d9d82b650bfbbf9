"""wapiti: what it is told, and what counts of what it says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlsecops.dast.engines.wapiti import Order, address, attackable, read
from mlsecops.dast.target import Auth, Handler, Identity, Operation, Parameter, Target
from mlsecops.programs import wapiti_caller
from mlsecops.sarif.build import Json
from mlsecops.tools.wapiti import parse

SKIPPED = "requests were skipped due to network issues"
TEXT: Json = {"type": "string"}
NAME = Parameter(name="name", where="query", schema=TEXT, examples=("monday",))
ANY = Parameter(name="any", where="query", schema={})
RUNS = Operation(method="GET", path="/runs", parameters=(NAME, ANY), handler=Handler("app.py", 7))
PING = Operation(method="GET", path="/ping", parameters=(NAME,), handler=Handler("app.py", 9))
CALLER = Identity(
    name="identity 1", headers={"X-Key": "s3cret-1"}, query={"key": "s3cret-2"}, cookies={"sid": "s3cret-3"}
)
TARGET = Target(
    base_url="http://127.0.0.1:8000",
    operations=(RUNS, PING),
    document={},
    document_uri="",
    application=Handler("app.py", 3),
    auth=Auth(identities=(CALLER,)),
    prefix=("enter", "--"),
)


def entry(
    path: str = "/runs", parameter: str = "name", info: str = "SQL Injection via injection in x"
) -> Json:
    return {
        "method": "GET",
        "path": path,
        "parameter": parameter,
        "info": info,
        "http_request": f"GET {path}?name=%27&key=s3cret-2 HTTP/1.1\nx-key: s3cret-1",
    }


def report(*pages: str, number: int = 2, **found: list[Json]) -> Json:
    crawled = [
        {"request": {"url": f"http://127.0.0.1:8000{page}"}, "response": {"status_code": 200}}
        for page in pages
    ]
    kinds: Json = {"vulnerabilities": {}, "anomalies": {}, "additionals": {}}
    for category, entries in found.items():
        kinds["vulnerabilities"][category.replace("_", " ")] = entries
    infos = {"crawled_pages_nbr": number, "crawled_pages": crawled, "version": "Wapiti 3.2.3"}
    return {"infos": infos, **kinds}


def test_only_addresses_with_parameters_are_attacked() -> None:
    plain = Operation(method="GET", path="/", handler=Handler("app.py"))
    sent = Operation(method="POST", path="/runs", parameters=(NAME,), handler=Handler("app.py"))
    assert attackable((plain, RUNS, sent)) == (RUNS,)
    assert address(RUNS, TARGET) == "/runs?name=monday&any=mlsecops&key=s3cret-2"


def test_keys_are_in_files_that_do_not_stay(tmp_path: Path) -> None:
    order = Order(tmp_path)
    order.write(TARGET)
    first, second = order.addresses.read_text(encoding="utf-8").splitlines()
    assert first == "http://127.0.0.1:8000/runs?name=monday&any=mlsecops&key=s3cret-2"
    assert second.startswith("http://127.0.0.1:8000/ping?name=monday")
    assert json.loads(order.caller.read_text(encoding="utf-8")) == {
        "X-Key": "s3cret-1",
        "Cookie": "sid=s3cret-3",
    }
    assert order.caller.stat().st_mode & 0o777 == order.addresses.stat().st_mode & 0o777 == 0o600
    command = order.command(Path("/bin/wapiti"), TARGET)
    assert command[:5] == ["enter", "--", "/bin/wapiti", "--url", "http://127.0.0.1:8000/runs"]
    assert command[command.index("--skip") + 1] == "key"
    assert command[command.index("--endpoint") + 1] == "http://127.0.0.1:9/"
    assert {"--no-bugreport", "url"} < set(command)
    assert "s3cret" not in " ".join(command) + json.dumps(order.env())
    order.forget()
    assert list(tmp_path.iterdir()) == []


def test_nobody_may_call(tmp_path: Path) -> None:
    open_to_all = Target(
        base_url="", operations=(PING,), document={}, document_uri="", application=Handler("app.py")
    )
    order = Order(tmp_path)
    order.write(open_to_all)
    assert json.loads(order.caller.read_text(encoding="utf-8")) == {}
    assert order.addresses.read_text(encoding="utf-8") == "/ping?name=monday\n"


def test_a_finding_is_the_one_of_our_own_attacks() -> None:
    found = report("/runs", "/ping", SQL_Injection=[entry()], Internal_Server_Error=[entry("/ping"), entry()])
    parsed = parse(read(found, "", TARGET), TARGET)
    injection, error = parsed.results
    assert injection["properties"]["mlsecops"]["identity"] == [
        "dast",
        "dast-sql-injection",
        "GET /runs",
        "name",
    ]
    assert injection["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert injection["message"]["text"].startswith(
        "GET /runs: query parameter name: wapiti says `SQL Injection`. Shown by: curl "
    )
    assert error["properties"]["mlsecops"]["identity"] == ["dast", "dast-unhandled-input", "GET /ping", ""]
    assert "s3cret" not in json.dumps(parsed.results)
    assert "X-Key: ***" in injection["properties"]["mlsecops"]["reproduce"]
    assert (parsed.problems, parsed.version) == ([], "3.2.3")
    assert parsed.looked_at == {"GET /runs", "GET /ping"}
    assert [rule["id"] for rule in parsed.rules] == ["dast-sql-injection", "dast-unhandled-input"]


def test_a_slow_answer_is_left_to_our_own_measurements() -> None:
    assert read(report("/runs", Resource_consumption=[entry()]), "", TARGET).found == ()


@pytest.mark.parametrize(
    "given",
    [
        report("/runs", New_Category=[entry()]),
        report("/runs", SQL_Injection=[entry("/elsewhere")]),
        {"infos": {}},
        [],
    ],
)
def test_what_it_has_no_word_for_is_no_report(given: Any) -> None:
    with pytest.raises((LookupError, TypeError)):
        read(given, "", TARGET)


def test_a_dead_service_has_no_pages() -> None:
    assert read(report("/runs", number=0), "", TARGET).looked_at == frozenset()
    unanswered = report("/runs", "/other")
    unanswered["infos"]["crawled_pages"][0]["response"] = None
    assert read(unanswered, "", TARGET).looked_at == frozenset()


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (f"\n2 {SKIPPED}\nx\n3 {SKIPPED}", SKIPPED),
        ("An exception occurred in module sql\n", "one of its modules broke"),
        ("Traceback (most recent call last):\n", "one of its modules broke"),
        ("[!] Module sql seems broken and will be skipped", "one of its modules broke"),
    ],
)
def test_what_it_could_not_ask_makes_it_incomplete(said: str, trouble: str) -> None:
    (problem,) = parse(read(report("/runs"), said, TARGET), TARGET).problems
    assert problem.message.startswith(trouble)
    assert (problem.uri, problem.line) == ("app.py", 3)


def test_redirects_to_anywhere_are_why_some_answers_cannot_be_read() -> None:
    found = report("/runs", Open_Redirect=[entry()])
    parsed = parse(read(found, f"1 {SKIPPED}", TARGET), TARGET)
    assert parsed.problems == []
    assert parsed.notes == [f"{SKIPPED}: redirects that cannot be read"]


@dataclass
class Configuration:
    """What wapiti hands to a script."""

    headers: dict[str, str] | None = None


def test_the_caller_is_told_in_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = tmp_path / "order.json"
    order.write_text('{"X-Key": "k"}', encoding="utf-8")
    monkeypatch.setenv("MLSECOPS_ORDER", str(order))
    configuration = Configuration()
    asyncio.run(wapiti_caller.run(configuration, None, "no"))
    assert configuration.headers == {"X-Key": "k"}
    asyncio.run(wapiti_caller.run(Configuration({"A": "b"}), None, "no"))
