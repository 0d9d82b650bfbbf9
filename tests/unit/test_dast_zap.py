"""ZAP: what it is told, what its report says, and what went through the relay."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlsecops.dast.engines.results import results
from mlsecops.dast.engines.zap import Order, looked_at, read
from mlsecops.dast.target import Auth, Handler, Identity, Operation, Parameter, Target
from mlsecops.programs import relay
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.tools.zap import Zap
from support.contexts import context

TEXT: Json = {"type": "string"}
RUN = Operation(
    method="GET",
    path="/runs/{id}",
    parameters=(Parameter(name="id", where="path", schema=TEXT),),
    handler=Handler("app.py", 7),
)
LAST = Operation(method="GET", path="/runs/last", handler=Handler("app.py", 9))
CALLER = Identity(name="identity 1", headers={"X-Key": "s3cret-1"})
TARGET = Target(
    base_url="http://127.0.0.1:8000",
    operations=(RUN, LAST),
    document={},
    document_uri="",
    application=Handler("app.py", 3),
    auth=Auth(identities=(CALLER,)),
    prefix=("enter", "--"),
)


def alert(plugin: str, name: str = "A finding", **more: Any) -> Json:
    """An alert, in the form that ZAP documents of its traditional JSON report."""
    instance = {
        "id": "7",
        "uri": "http://127.0.0.1:8000/runs/last?name=%3Cx%3E",
        "nodeName": "http://127.0.0.1:8000/runs/last (name)",
        "method": "GET",
        "param": "name",
        "attack": "<x>",
        "evidence": "<x>",
        "otherinfo": "",
    }
    given = {
        "pluginid": plugin,
        "alertRef": plugin,
        "alert": name,
        "name": name,
        "riskcode": "2",
        "confidence": "2",
        "riskdesc": "Medium (Medium)",
        "desc": "<p>It is <b>bad</b>.</p>",
        "instances": [{**instance, **more.pop("at", {})}],
        "count": "1",
        "systemic": False,
        "solution": "<p>Make it good.</p>",
        "otherinfo": "",
        "reference": "",
        "cweid": "693",
        "wascid": "15",
        "sourceid": "9",
    }
    return {**given, **more}


def report(*alerts: Json) -> Json:
    site = {"@name": "http://127.0.0.1:8000", "@host": "127.0.0.1", "@port": "8000", "@ssl": "false"}
    return {"@programName": "ZAP", "@version": "2.17.0", "site": [{**site, "alerts": list(alerts)}]}


def told(*alerts: Json) -> list[tuple[str, int, str, str]]:
    found = results(read(report(*alerts), TARGET), TARGET)
    return [
        (
            each["ruleId"],
            each["locations"][0]["physicalLocation"]["region"]["startLine"],
            *each["properties"]["mlsecops"]["identity"][2:],
        )
        for each in found
    ]


def test_what_our_own_attacks_tell_too_is_the_same_finding() -> None:
    assert told(alert("40012")) == [("dast-reflected-xss", 9, "GET /runs/last", "name")]
    assert told(alert("10021")) == [("dast-no-nosniff", 3, "", "")]
    assert told(alert("10038")) == [("dast-no-page-policy", 9, "GET /runs/last", "")]


def test_the_rest_has_rules_of_its_own() -> None:
    (found,) = read(report(alert("90003", "Integrity Attribute <b>Missing</b>", confidence="1")), TARGET)
    rule = found.rule.to_sarif()
    assert rule["id"] == "zap-90003"
    assert rule["shortDescription"]["text"] == "Integrity Attribute Missing."
    assert rule["help"]["text"] == "It is bad .\n\nFix: Make it good."
    assert rule["properties"]["tags"] == ["security", "external/cwe/cwe-693"]
    assert (rule["properties"]["security-severity"], rule["properties"]["precision"]) == ("5.5", "low")
    assert told(alert("1", cweid="-1", at={"uri": "http://127.0.0.1:8000", "param": ""})) == [
        ("zap-1", 3, "", "")
    ]


def test_an_operation_is_known_by_its_address() -> None:
    assert told(alert("6", at={"uri": "http://127.0.0.1:8000/runs/..%2Fetc"}))[0][2] == "GET /runs/{id}"
    assert told(alert("6", at={"method": "POST"}))[0][2] == ""


def test_the_request_is_shown_without_keys() -> None:
    (result,) = results(read(report(alert("40012")), TARGET), TARGET)
    shown = result["properties"]["mlsecops"]["reproduce"]
    assert shown == "curl -sS -i --path-as-is -H 'X-Key: ***' \"$SERVICE\"'/runs/last?name=%3Cx%3E'"


@pytest.mark.parametrize(
    "left_out", [alert("100000"), alert("40012", confidence="0"), alert("10049", riskcode="0")]
)
def test_noise_is_left_out(left_out: Json) -> None:
    assert told(left_out) == []


@pytest.mark.parametrize("given", [{}, [], {"site": [{"alerts": [{}]}]}, {"site": None}])
def test_another_shape_is_no_report(given: Any) -> None:
    with pytest.raises((LookupError, TypeError)):
        read(given, TARGET)


def test_the_container_has_no_network_and_no_key_on_a_command_line(tmp_path: Path) -> None:
    order = Order(tmp_path)
    order.write(TARGET)
    command = order.command("/bin/docker", "zap@sha256:0", "mlsecops-zap-1", TARGET)
    assert command[command.index("--network") + 1] == "none"
    assert command[command.index("--volume") + 1] == f"{tmp_path / 'shared'}:/zap/wrk"
    assert command[command.index("zap@sha256:0") + 1 :][:4] == [
        "/zap/wrk/relay.py",
        "in",
        "/zap/wrk/service.sock",
        "8000",
    ]
    assert order.relay("/bin/python", TARGET)[:3] == ["enter", "--", "/bin/python"]
    assert order.relay("/bin/python", TARGET)[-3:] == ["service.sock", "127.0.0.1", "8000"]
    assert "s3cret" not in " ".join(command)
    variables = order.variables.read_text(encoding="utf-8")
    assert variables == "ZAP_AUTH_HEADER=X-Key\nZAP_AUTH_HEADER_VALUE=s3cret-1\n"
    assert order.variables.stat().st_mode & 0o777 == 0o600
    document = json.loads((order.shared / "openapi.json").read_text(encoding="utf-8"))
    assert set(document["paths"]) == {"/runs/{id}", "/runs/last"}
    order.forget()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["openapi.json", "relay.py", "shared"]


def test_nobody_may_call(tmp_path: Path) -> None:
    order = Order(tmp_path)
    order.write(replace(TARGET, auth=Auth()))
    assert order.variables.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    "caller",
    [
        Identity(name="a", query={"key": "k"}),
        Identity(name="a", headers={"A": "k", "B": "k"}),
        Identity(name="a", headers={"A": "k"}, cookies={"sid": "k"}),
    ],
)
def test_a_caller_that_it_cannot_be_is_refused(caller: Identity, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one header only"):
        Order(tmp_path).write(replace(TARGET, auth=Auth(identities=(caller,))))


def test_what_went_through_is_what_it_looked_at() -> None:
    lines = [
        "ready",
        '{"method": "GET", "target": "/runs/7?name=x", "status": 200}',
        '{"method": "POST", "target": "/runs/last", "status": 405}',
        '{"method": "GET", "target": "/other", "status": 404}',
    ]
    assert looked_at(lines, TARGET.operations) == {"GET /runs/{id}"}
    assert looked_at(["ready"], TARGET.operations) == frozenset()


def test_the_relay_knows_requests_that_were_answered() -> None:
    said: list[str] = []
    exchanges = relay.Exchanges(said.append)
    asked, answered = relay.Lines(exchanges.asked), relay.Lines(exchanges.answered)
    answered.feed(b"HTTP/1.1 200 OK\r\n")
    asked.feed(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b")
    asked.feed(b"?c HTTP/1.1\r\n\r\nGET /unanswered HTTP/1.1\r\n")
    answered.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000)
    answered.feed(b"\nHTTP/1.1 404 Not Found\r\n")
    assert [json.loads(line) for line in said] == [
        {"method": "GET", "target": "/a", "status": 200},
        {"method": "POST", "target": "/b?c", "status": 404},
    ]


def test_a_connection_that_leads_nowhere_is_closed(tmp_path: Path) -> None:
    async def asked() -> bytes:
        opened = partial(asyncio.open_unix_connection, str(tmp_path / "none"))
        server = await asyncio.start_unix_server(
            partial(relay.joined, opened, relay.forget), str(tmp_path / "s")
        )
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        content = await reader.read()
        writer.close()
        server.close()
        return content

    assert asyncio.run(asked()) == b""


def test_without_an_engine_that_runs_containers_it_is_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_ENGINE", "none")
    run = scan(Zap("zap@sha256:0"), (), context("dast", tmp_path, tmp_path / "scratch"))
    own = run["properties"]["mlsecops"]
    assert own["status"] == "incomplete"
    assert own["reason"].startswith("zap: the policy asks for ZAP (dast.zap), which needs docker or podman: ")
