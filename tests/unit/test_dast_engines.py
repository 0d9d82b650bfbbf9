"""Other engines: what they are told, and what their reports say by the rules of our own attacks."""

from __future__ import annotations

import base64
import json
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mlsecops.dast.attacks.messages import Found, Reply, Request
from mlsecops.dast.document.written import written
from mlsecops.dast.engines.exchanges import HERE, Exchange, Point, judged, payloads
from mlsecops.dast.engines.results import results, rules
from mlsecops.dast.engines.schemathesis_order import CHECKS, Order
from mlsecops.dast.engines.schemathesis_report import read
from mlsecops.dast.target import Answer, Auth, Body, Handler, Identity, Operation, Parameter, Target
from mlsecops.programs import schemathesis_hooks as hooks
from mlsecops.sarif.build import Json
from mlsecops.tools.schemathesis import parse

ANY: Json = {"type": "string"}
NAME = Parameter(name="name", where="query", schema=ANY, examples=("monday", "friday"))
LOOK = Operation(
    method="GET",
    path="/runs/{id}",
    parameters=(NAME, Parameter(name="id", where="path", schema=ANY)),
    security=("token",),
    handler=Handler("app.py", 7),
    produces=(Answer(status="200", content={"application/json": ANY}),),
)
SEND = Operation(
    method="POST",
    path="/runs",
    body=Body(required=True, content={"application/json": {"$ref": "#/definitions/Run"}}),
    handler=Handler("app.py", 17),
    samples=({"load": 1}, {"load": 2}),
)
FIRST = Identity(name="identity 1", headers={"X-Key": "s3cret-1"})
SECOND = Identity(name="identity 2", headers={"X-Key": "s3cret-2"})
TARGET = Target(
    base_url="http://127.0.0.1:8000",
    operations=(LOOK, SEND),
    document={
        "swagger": "2.0",
        "definitions": {"Run": {"type": "object"}},
        "paths": {"/runs": {"delete": {}, "post": {}}},
        "servers": [{"url": "https://example.org"}],
        "securityDefinitions": {
            "token": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "login": {"type": "basic"},
            "other": {"type": "oauth2"},
        },
    },
    document_uri="openapi.yaml",
    application=Handler("app.py", 3),
    auth=Auth(identities=(FIRST,)),
)


def exchange(
    value: str = "", status: int = 200, body: str = "", media: str = "text/html", **more: Any
) -> Exchange:
    return Exchange(
        operation=LOOK,
        request=Request(method="GET", target=f"/runs/1?name={value}"),
        reply=Reply(status=status, body=body.encode(), headers=(("content-type", media),)),
        points=(Point("query", "name", value),),
        **more,
    )


def told(*exchanges: Exchange) -> list[tuple[str, str]]:
    return [(each.rule.id, each.about) for each in judged(exchanges)]


def test_the_document_has_the_operations_that_are_due_and_one_server() -> None:
    document = written(TARGET)
    assert document["servers"] == [{"url": "http://127.0.0.1:8000"}]
    asked = {(path, method) for path, item in document["paths"].items() for method in item}
    assert asked == {("/runs/{id}", "get"), ("/runs", "post")}
    look = document["paths"]["/runs/{id}"]["get"]
    assert look["security"] == [{"token": []}]
    assert [each["required"] for each in look["parameters"]] == [False, True]
    assert look["parameters"][0]["examples"] == {"example-0": {"value": "monday"}}
    assert look["responses"]["200"]["content"] == {"application/json": {"schema": ANY}}
    send = document["paths"]["/runs"]["post"]
    assert send["requestBody"]["required"] is True
    sent = send["requestBody"]["content"]["application/json"]
    assert sent["schema"] == {"$ref": "#/definitions/Run"}
    assert document["definitions"]["Run"] == {"type": "object"}
    assert sent["examples"] == {"example-0": {"value": {"load": 1}}}
    schemes = document["components"]["securitySchemes"]
    assert schemes["token"] == {"type": "apiKey", "in": "header", "name": "X-Key"}
    assert schemes["login"] == {"type": "http", "scheme": "basic"}
    assert schemes["other"] == {"type": "http", "scheme": "bearer"}
    assert "example.org" not in json.dumps(document)


def test_references_lead_nowhere_but_into_the_document() -> None:
    body = {
        "there": {"$ref": "#/components/schemas/A"},
        "path": {"$ref": "#/paths/~1a/get/x-schema"},
        "elsewhere": {"$ref": "https://example.org/a.json"},
        "file": {"$ref": "/etc/passwd"},
        "nothing": {"$ref": "#/components/schemas/None"},
        "listed": [{"$ref": "file:///etc/passwd"}],
        "x-examples": {"one": {"externalValue": "https://example.org/one"}},
        "properties": {"externalValue": ANY},
    }
    operation = replace(SEND, body=Body(required=True, content={"application/json": body}))
    given = {
        "paths": {"/a": {"get": {"x-schema": ANY, "servers": [{"url": "https://example.org"}]}}},
        "components": {"schemas": {"A": ANY}},
    }
    document = written(replace(TARGET, operations=(operation,), document=given))
    assert document["paths"]["/runs"]["post"]["requestBody"]["content"]["application/json"]["schema"] == {
        "there": {"$ref": "#/components/schemas/A"},
        "path": {"$ref": "#/x-mlsecops-paths/~1a/get/x-schema"},
        "elsewhere": {},
        "file": {},
        "nothing": {},
        "listed": [{}],
        "x-examples": {"one": {}},
        "properties": {"externalValue": ANY},
    }
    assert document["x-mlsecops-paths"]["/a"]["get"]["x-schema"] == ANY


def test_a_scheme_that_the_document_does_not_define_is_a_token() -> None:
    bare = Target(
        base_url="http://127.0.0.1:1",
        operations=(LOOK, Operation(method="POST", path="/a", handler=Handler("a.py"), samples=(1,))),
        document={},
        document_uri="",
        application=Handler("a.py"),
    )
    document = written(bare)
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert document["openapi"] == "3.0.3"
    assert document["paths"]["/a"]["post"]["requestBody"]["required"] is False


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (exchange("monday;echo $((7919*1013));", body=str(7919 * 1013)), "dast-command-injection"),
        (exchange("7907*1009", body=str(7907 * 1009)), "dast-code-injection"),
        (exchange("{{7901*1019}}", body=str(7901 * 1019)), "dast-template-injection"),
        (exchange("/etc/passwd", body="root:x:0:0:root:/root:/bin/sh"), "dast-path-traversal"),
        (exchange("monday<mlsecops-tag x=\"'>", body="<mlsecops-tag x=\"'>"), "dast-reflected-xss"),
        (exchange("monday'", 400, "sqlite3.OperationalError: x"), "dast-sql-injection"),
    ],
)
def test_a_payload_that_takes_effect_is_found_at_its_parameter(given: Exchange, rule: str) -> None:
    assert (rule, "name") in told(given)


def test_an_effect_without_the_payload_in_a_parameter_is_none() -> None:
    assert told(exchange("monday", body=str(7919 * 1013))) == []
    assert told(exchange("7907*1009 or so", body=str(7907 * 1009))) == []


def test_a_quote_that_breaks_where_two_do_not_is_the_only_finding() -> None:
    assert told(exchange("m'", 500), exchange("m''"), exchange("m", 500)) == [("dast-sql-injection", "name")]
    assert told(exchange("m'", 500), exchange("m''", 500)) == [("dast-unhandled-input", "")] * 2
    assert told(exchange("m'"), exchange("m''")) == []
    # Another value that ends with a quote tells nothing.
    assert told(exchange("m';echo x;'", 500), exchange("m''")) == [("dast-unhandled-input", "")]


def test_answers_that_say_too_much_or_break() -> None:
    trace = 'Traceback (most recent call last):\n  File "/srv/a.py", line 1'
    assert told(exchange(status=400, body=trace)) == [("dast-traceback", "")]
    assert told(exchange(status=503)) == []
    assert told(exchange(status=502)) == [("dast-unhandled-input", "")]


def test_a_finding_stands_on_its_handler_and_is_the_same_one_as_our_own_attacks_have() -> None:
    found = judged([exchange("m'", 500), exchange("m''")])
    (result,) = results([*found, *found], TARGET)
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("app.py", 7)
    own = result["properties"]["mlsecops"]
    assert own["identity"] == ["dast", "dast-sql-injection", "GET /runs/{id}", "name"]
    assert own["reproduce"].startswith("curl ")
    assert [rule["id"] for rule in rules(found)] == ["dast-sql-injection"]


def test_only_a_few_of_a_kind_are_told_and_what_is_nobodys_stands_where_the_application_is() -> None:
    sign, *_ = judged([exchange("m'", 400, "sqlite3.OperationalError")])
    many = [Found(rule=sign.rule, message="x", request=sign.request, about=str(n)) for n in range(9)]
    found = results(many, TARGET)
    assert len(found) == 4
    assert found[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_settings_and_callers_are_files_and_those_with_keys_do_not_stay(tmp_path: Path) -> None:
    order = Order(tmp_path)
    order.write(TARGET, 7)
    settings = tomllib.loads(order.settings.read_text(encoding="utf-8"))
    assert settings["generation"]["max-examples"] == 7
    assert settings["checks"] == {"enabled": False, **{name: {"enabled": True} for name in CHECKS}}
    assert settings["phases"]["coverage"]["unexpected-methods"] == []
    assert settings["phases"]["stateful"]["enabled"] is False
    assert settings["output"]["sanitization"]["keys-to-sanitize"] == ["X-Key"]
    told_hooks = json.loads(order.payloads.read_text(encoding="utf-8"))
    assert told_hooks["identity"] == {"headers": {"X-Key": "s3cret-1"}}
    assert told_hooks["payloads"] == payloads()
    assert told_hooks["credentials"] == ["authorization", "x-key"]
    assert f"{HERE}'" in payloads()
    assert order.payloads.stat().st_mode & 0o777 == 0o600
    command = order.command(Path("/bin/schemathesis"), TARGET)
    assert "s3cret-1" not in " ".join(command) + order.settings.read_text(encoding="utf-8")
    order.forget()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openapi.json", "schemathesis.toml"]


def test_two_callers_are_told_by_name(tmp_path: Path) -> None:
    order = Order(tmp_path)
    order.write(with_callers(FIRST, SECOND), 7)
    settings = tomllib.loads(order.settings.read_text(encoding="utf-8"))
    assert settings["auth"]["wfc"]["peers"] == ["identity 1", "identity 2"]
    assert settings["auth"]["wfc"]["user"] == "identity 1"
    assert settings["phases"]["stateful"]["enabled"] is True
    named = json.loads(order.callers.read_text(encoding="utf-8"))["auth"]
    assert named[1] == {"name": "identity 2", "fixedHeaders": [{"name": "X-Key", "value": "s3cret-2"}]}
    assert json.loads(order.payloads.read_text(encoding="utf-8"))["identity"] == {}


def with_callers(*identities: Identity) -> Target:
    return Target(
        base_url=TARGET.base_url,
        operations=TARGET.operations,
        document=TARGET.document,
        document_uri="",
        application=TARGET.application,
        auth=Auth(identities=identities),
    )


def test_a_caller_with_a_key_in_the_query_is_one_that_the_hooks_add(tmp_path: Path) -> None:
    asking = Identity(name="identity 1", query={"key": "s3cret"}, cookies={"sid": "s3cret"})
    order = Order(tmp_path)
    order.write(with_callers(asking, SECOND), 7)
    identity = json.loads(order.payloads.read_text(encoding="utf-8"))["identity"]
    assert identity == {"query": {"key": "s3cret"}, "cookies": {"sid": "s3cret"}}
    order.write(with_callers(), 7)
    assert json.loads(order.payloads.read_text(encoding="utf-8"))["identity"] == {}


def content(text: str) -> Json:
    return {"$base64": base64.b64encode(text.encode()).decode()}


def scenario(case: Json, checks: Json | None = None, response: Json | None = None, **sent: Any) -> str:
    request = {
        "method": case["method"],
        "uri": "http://127.0.0.1:8000/runs/1?name=x%27",
        "headers": {"X-Key": ["***"]},
        **sent,
    }
    answer = {"status_code": 200, "headers": {"Content-Type": ["text/plain"]}, "content": content("hello")}
    recorder = {
        "label": "GET /runs/{id}",
        "cases": {"a": {"value": case}},
        "checks": checks or {},
        "interactions": {"a": {"request": request, "response": response or answer}},
    }
    return json.dumps({"ScenarioFinished": {"recorder": recorder}})


LOOKED: Json = {
    "method": "GET",
    "path": "/runs/{id}",
    "path_parameters": {"id": "1%2F"},
    "query": {"name": "x'", "rows": [1]},
    "body": {"rows": [{"at": "now"}]},
}
END = json.dumps({"EngineFinished": {"stop_reason": "completed", "running_time": 1.5}})


def test_the_report_is_read_to_its_end() -> None:
    report = read([scenario(LOOKED, body=content("{}")), END], TARGET)
    (one,) = report.exchanges
    assert one.operation is LOOK
    assert one.request.target == "/runs/1?name=x%27"
    assert one.request.headers == (("X-Key", "***"),)
    assert one.request.body == b"{}"
    assert (one.reply.status, one.reply.text, one.reply.media) == (200, "hello", "text/plain")
    points = {(each.where, each.name): each.value for each in one.points}
    assert points == {
        ("path", "id"): "1/",
        ("query", "name"): "x'",
        ("query", "rows"): "[1]",
        ("body", "rows[0].at"): "now",
    }
    assert (report.troubles, report.limited, report.seconds) == ((), 0, 1.5)


def test_no_part_of_a_long_key_is_quoted_from_an_answer() -> None:
    key = "k1L2" * 60
    failed: Json = {"status_code": 500, "headers": {"X": [key]}, "content": content(f"no /srv/{key}/a.pkl")}
    lines = [scenario(LOOKED, response=failed), END]
    for asked, quoted in ((TARGET, True), (replace(TARGET, hidden=(key,)), False)):
        messages = [each.message for each in judged(read(lines, asked).exchanges)]
        assert any("k1L2" in each for each in messages) is quoted


@pytest.mark.parametrize(
    ("check", "title", "rule"),
    [
        ("ignored_auth", "API accepts requests without authentication", "dast-auth-ignored"),
        ("ignored_auth", "API accepts invalid authentication", "dast-any-credential"),
        ("object_level_authorization", "Object of another", "dast-object-access"),
    ],
)
def test_checks_of_its_own_are_our_rules(check: str, title: str, rule: str) -> None:
    failure = {"failure_info": {"failure": {"title": title, "case_id": "a"}}}
    passed = {"name": check, "status": "success"}
    lines = [scenario(LOOKED, {"b": [passed, {"name": check, **failure}]}), END]
    assert [each.rule.id for each in judged(read(lines, TARGET).exchanges)] == [rule]


def test_who_is_not_asked_for_a_credential_is_not_asked_for_a_right_one() -> None:
    from_checks = [
        scenario(LOOKED, {"a": [{"name": "ignored_auth", "failure_info": {"failure": {"title": title}}}]})
        for title in ("API accepts requests without authentication", "API accepts invalid authentication")
    ]
    found = judged(read([*from_checks, END], TARGET).exchanges)
    assert [each.rule.id for each in found] == ["dast-auth-ignored"]


def unanswered(why: str) -> list[str]:
    """A request without an answer, and the event that says why."""
    trouble = {"label": "GET /runs/{id}", "value": {"type": "ConnectionError", "message": why}}
    scene = scenario(LOOKED).replace('"response": {', '"no-response": {')
    return [scene, json.dumps({"NonFatalError": trouble}), END]


def test_requests_to_nothing_that_is_due_and_without_an_answer_do_not_count() -> None:
    elsewhere = scenario({**LOOKED, "path": "/other"})
    assert read([elsewhere, *unanswered("Read timed out.")], TARGET).exchanges == ()
    late = parse(read(unanswered("Read timed out."), TARGET), TARGET)
    assert [each.message for each in late.problems] == ["GET /runs/{id}: ConnectionError: Read timed out."]


def test_a_connection_that_ends_without_an_answer_is_one() -> None:
    ended = "('Connection aborted.', RemoteDisconnected('Remote end closed connection'))"
    parsed = parse(read(unanswered(ended), TARGET), TARGET)
    assert [each["ruleId"] for each in parsed.results] == ["dast-crash"]
    assert (parsed.problems, parsed.looked_at) == ([], frozenset())
    both = [*unanswered("Read timed out.")[:2], *unanswered(ended)]
    assert [each.message[-11:] for each in parse(read(both, TARGET), TARGET).problems] == [" timed out."]
    assert parse(read(both, TARGET), TARGET).results == []


def test_what_kept_it_from_its_end_makes_it_incomplete() -> None:
    trouble = {"label": "GET /runs/{id}", "value": {"type": "Timeout", "message": "s3cret-1"}}
    refused = {"status_code": 429, "headers": {}}
    lines = [
        scenario(LOOKED, response=refused),
        json.dumps({"NonFatalError": trouble}),
        json.dumps({"FatalError": {"exception": {"type": "Oops", "message": "it"}}}),
        END.replace("completed", "interrupted"),
    ]
    parsed = parse(read(lines, TARGET), TARGET)
    assert [(each.uri, each.line, each.message) for each in parsed.problems] == [
        ("app.py", 7, "GET /runs/{id}: Timeout: ***"),
        ("app.py", 3, "Oops: it"),
        ("app.py", 3, "it stopped before its end (interrupted)"),
        (
            "app.py",
            3,
            "the service refused 1 requests of the attack with 429: raise its limit for the scan (dast.env)",
        ),
    ]
    assert parsed.looked_at == {"GET /runs/{id}"}
    assert parsed.due == frozenset({"GET /runs/{id}", "POST /runs"})


def test_a_report_without_an_end_is_none() -> None:
    with pytest.raises(ValueError, match="no end"):
        read([scenario(LOOKED)], TARGET)


@dataclass
class Name:
    """A parameter, as schemathesis knows it."""

    name: str


@dataclass
class Asked:
    """An operation, as schemathesis knows it."""

    path_parameters: list[Name] = field(default_factory=list)
    query: list[Name] = field(default_factory=lambda: [Name("a"), Name("b")])
    headers: list[Name] = field(default_factory=lambda: [Name("X-Key"), Name("X-Note")])
    cookies: list[Name] = field(default_factory=lambda: [Name("sid")])


@dataclass
class Case:
    """A case, as schemathesis knows it."""

    operation: Asked = field(default_factory=Asked)
    path_parameters: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=lambda: {"a": 1})
    headers: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, Any] = field(default_factory=dict)
    body: Any = None

    def derive(self, *, keep_auth: bool) -> Case:
        assert keep_auth
        return Case(
            self.operation,
            dict(self.path_parameters),
            dict(self.query),
            dict(self.headers),
            dict(self.cookies),
            self.body,
        )


class Hooked:
    """What the hooks register."""

    def __init__(self) -> None:
        self.hooks: dict[str, Any] = {}
        self.providers: list[type[hooks.Caller]] = []

    def hook(self, function: Any) -> None:
        self.hooks[function.__name__] = function

    def auth(self) -> Any:
        return self.providers.append


def test_hooks_put_each_payload_into_each_place_after_the_plain_request() -> None:
    hooked = Hooked()
    hooks.register(
        hooked, {"payloads": [f"{hooks.HERE}'", "x\r\ny"], "identity": {}, "credentials": ["x-key"]}
    )
    examples = [Case(body={"rows": [{"at": "now"}, 1, "then"], "n": 1})]
    hooked.hooks["before_add_examples"](None, examples)
    queries = [each.query for each in examples[1:5]]
    assert queries == [{"a": "1'"}, {"a": "x\r\ny"}, {"a": 1, "b": "'"}, {"a": 1, "b": "x\r\ny"}]
    assert [each.headers for each in examples[5:6]] == [{"X-Note": "'"}]
    assert [each.cookies for each in examples[6:7]] == [{"sid": "'"}]
    assert [each.body["rows"][0]["at"] for each in examples[7:9]] == ["now'", "x\r\ny"]
    assert [each.body["rows"][2] for each in examples[9:]] == ["then'", "x\r\ny"]
    assert hooked.providers == []


def test_hooks_add_who_calls() -> None:
    hooked = Hooked()
    hooks.register(
        hooked,
        {"payloads": [], "identity": {"headers": {"X-Key": "k"}, "query": {"q": "1"}}, "credentials": []},
    )
    (provider,) = hooked.providers
    caller, case = provider(), Case()
    caller.set(case, caller.get(case, None), None)
    assert (case.headers, case.query) == ({"X-Key": "k"}, {"a": 1, "q": "1"})
