"""The checks as pure functions: what they send, and what they make of answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count, cycle, repeat
from typing import Any

import pytest
from mlsecops.dast.attacks import (
    access,
    answers,
    batches,
    exposure,
    features,
    hardening,
    injection,
    leaks,
    load,
)
from mlsecops.dast.attacks.building import build
from mlsecops.dast.attacks.messages import BROKEN, LATE, Attack, Base, Found, Reply, Request, Site
from mlsecops.dast.attacks.predictions import is_prediction
from mlsecops.dast.attacks.rules import RULES
from mlsecops.dast.gauge import Gauge
from mlsecops.dast.learn import in_order, learn
from mlsecops.dast.target import Answer, Auth, Body, Handler, Identity, Operation, Parameter, Target
from mlsecops.sarif.build import Json

HERE = Handler("app.py", 3)
JSON = "application/json"
Service = Callable[[Request], Reply]
NUMBER = {"type": "number", "minimum": 0, "maximum": 10}
SCHEMA: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["load"],
    "properties": {"load": NUMBER, "rows": {"type": "array", "minItems": 1, "items": NUMBER}},
}


class Nobody:
    """A listener that nobody calls."""

    def url(self, token: str) -> str:
        return f"http://127.0.0.1:9/{token}"

    def heard(self, token: str) -> bool:
        return False


def reply(status: int = 200, body: str = "{}", media: str = JSON, **headers: str) -> Reply:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status=status, body=body.encode(), headers=(("content-type", media), *named))


def target(*operations: Operation, auth: Auth | None = None) -> Target:
    return Target(
        base_url="",
        operations=operations,
        document={},
        document_uri="",
        application=HERE,
        auth=auth or Auth(),
    )


@dataclass
class Measured:
    """A service whose use of the machine is two numbers; None where nothing can be seen."""

    used: int | None = None
    spent: float | None = None

    def memory(self) -> int | None:
        return self.used

    def cpu(self) -> float | None:
        return self.spent


def site(
    *bases: Base, gauge: Measured | None = None, notes: list[str] | None = None, auth: Auth | None = None
) -> Site:
    return Site(
        target=target(*(base.operation for base in bases), auth=auth),
        bases={base.operation.name: base for base in bases},
        missing=reply(404, "nothing"),
        listener=Nobody(),
        gauge=gauge or Measured(),
        note=([] if notes is None else notes).append,
    )


def drive(attack: Attack, service: Service) -> list[Found]:
    """Run a check against a service that is a function."""
    try:
        request = next(attack)
        while True:
            request = attack.send(service(request))
    except StopIteration as end:
        found: list[Found] = end.value
        return found


def query(name: str = "name", value: str = "monday") -> Base:
    parameter = Parameter(name=name, where="query", schema={"type": "string"}, examples=(value,))
    operation = Operation(method="GET", path="/runs", parameters=(parameter,), handler=HERE)
    values = {("query", name): value}
    return Base(operation=operation, request=build(operation, values), reply=reply(), values=values)


def posted(value: Any, schema: Json = SCHEMA, path: str = "/forecast", **more: Any) -> Base:
    body = Body(required=True, content={JSON: schema})
    operation = Operation(method="POST", path=path, body=body, handler=HERE, samples=(value,), **more)
    request = build(operation, {}, body=json.dumps(value).encode(), media=JSON)
    return Base(operation=operation, request=request, reply=reply(), body=value, media=JSON)


def rules(found: list[Found]) -> set[str]:
    return {each.rule.id for each in found}


def strict(request: Request) -> Reply:
    """A service that takes nothing but the sample."""
    return reply(200 if request.body == b'{"load": 5.5, "rows": [1.5, 2.5]}' else 422)


def test_every_rule_says_what_it_is_why_it_matters_and_what_to_do() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES) == 55
    for rule in RULES:
        assert rule.id.startswith("dast-")
        assert any(tag.startswith("external/cwe/cwe-") for tag in rule.tags), rule.id
        assert any(tag.startswith(("owasp-ml/", "mitre-atlas/")) for tag in rule.tags), rule.id
        assert 0 < rule.severity <= 10
        assert min(len(rule.help), len(rule.fix)) > 30


CHECKS = (
    access.credentials,
    hardening.methods,
    hardening.origins,
    hardening.hosts,
    injection.evidence,
    injection.databases,
    injection.outside,
    injection.blind,
    features.abused,
    batches.shapes,
    load.body,
    load.latency,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_service_has_no_finding(check: Callable[[Site, Base], Attack]) -> None:
    base = posted({"load": 5.5, "rows": [1.5, 2.5]}, security=("key",))
    assert drive(check(site(base), base), lambda request: reply(401)) == []
    asked = query()
    fixed = reply(200, '{"runs": []}')
    if check is not hardening.methods:
        assert drive(check(site(asked), asked), lambda request: fixed) == []


@pytest.mark.parametrize("status", [200, 500])
def test_what_comes_back_as_sent_is_no_effect(status: int) -> None:
    asked = query()
    echo = drive(injection.evidence(site(asked), asked), lambda request: reply(status, request.target))
    assert echo == []


def test_a_condition_that_decides_is_sql_and_a_search_is_not() -> None:
    asked = query()

    def database(request: Request) -> Reply:
        return reply(200, "[1, 2]" if "%3D%27m" in request.target and "+OR+" in request.target else "[]")

    def search(request: Request) -> Reply:
        return reply(200, json.dumps({"length": len(request.target)}))

    assert rules(drive(injection.databases(site(asked), asked), database)) == {"dast-sql-injection"}
    assert drive(injection.databases(site(asked), asked), search) == []


def test_a_pause_counts_only_when_it_comes_again_and_goes_away() -> None:
    asked = query()

    def shell(request: Request) -> Reply:
        return Reply(status=200, seconds=1.7 if "sleep+1.6" in request.target else 0.01)

    def slow(request: Request) -> Reply:
        return Reply(status=200, seconds=1.7)

    assert rules(drive(injection.blind(site(asked), asked), shell)) == {"dast-command-injection"}
    assert drive(injection.blind(site(asked), asked), slow) == []


@pytest.mark.parametrize("moments", [[1.7], [1.7, 0.0, 1.7], [1.7, 0.0, 1.7, 0.9, 1.7], [1.7, 1.7]])
def test_a_machine_that_stops_now_and_then_makes_no_pause(moments: list[float]) -> None:
    asked, busy = query(), chain(moments, repeat(0.0))
    found = drive(injection.blind(site(asked), asked), lambda _: Reply(status=200, seconds=next(busy)))
    assert found == []


def test_a_quote_that_breaks_it_does_so_again() -> None:
    asked = query()
    stops = chain([Reply(status=0, failure=LATE)], repeat(reply()))
    assert drive(injection.databases(site(asked), asked), lambda request: next(stops)) == []

    def careless(request: Request) -> Reply:
        return reply(500 if request.target.count("%27") % 2 else 200)

    assert rules(drive(injection.databases(site(asked), asked), careless)) == {"dast-sql-injection"}


@pytest.mark.parametrize("why", [LATE, BROKEN])
@pytest.mark.parametrize("check", [features.abused, batches.shapes])
def test_what_breaks_once_is_the_machine(why: str, check: Callable[[Site, Base], Attack]) -> None:
    base = posted({"load": 5.5, "rows": [1.5, 2.5]})
    stops = chain([Reply(status=0, failure=why)], repeat(reply(422)))
    assert drive(check(site(base), base), lambda request: next(stops)) == []


def test_a_strict_service_takes_nothing_abusive() -> None:
    base = posted({"load": 5.5, "rows": [1.5, 2.5]})
    assert drive(features.abused(site(base), base), strict) == []
    assert drive(batches.shapes(site(base), base), strict) == []


def test_a_lax_service_takes_everything() -> None:
    base = posted({"load": 5.5, "rows": [1.5, 2.5]})
    taken = rules(drive(features.abused(site(base), base), lambda request: reply()))
    assert taken == {
        "dast-non-finite-input",
        "dast-out-of-range-input",
        "dast-wrong-type-input",
        "dast-missing-feature",
        "dast-surplus-feature",
    }
    shapes = rules(drive(batches.shapes(site(base), base), lambda request: reply()))
    assert shapes == {"dast-empty-batch", "dast-huge-batch"}


def test_an_open_schema_without_bounds_still_refuses_what_is_no_number() -> None:
    base = posted({"load": 5}, {})
    requests: list[Request] = []

    def lax(request: Request) -> Reply:
        requests.append(request)
        return reply()

    assert "dast-surplus-feature" not in rules(drive(features.abused(site(base), base), lax))
    assert any(b"NaN" in (request.body or b"") for request in requests)


def test_a_request_that_ends_the_connection_twice_is_a_crash_and_once_is_chance() -> None:
    base = posted({"load": 5.5})
    gone = Reply(status=0, failure="the connection broke")
    always = drive(batches.shapes(site(base), base), lambda request: gone)
    assert rules(always) == {"dast-crash"}
    answers_of = iter([gone, *[reply(422)] * 100])
    assert drive(batches.shapes(site(base), base), lambda request: next(answers_of)) == []


def test_no_answer_in_time_is_a_failure() -> None:
    base = posted({"load": 5.5, "rows": [1.5]})

    def stuck(request: Request) -> Reply:
        if len(request.body or b"") > 1000:
            return Reply(status=0, failure="no answer in time", seconds=10.0)
        return reply(422)

    found = drive(batches.shapes(site(base), base), stuck)
    assert rules(found) == {"dast-huge-batch", "dast-deep-json"}
    assert "no answer within 10 s" in found[0].message


def test_a_limit_that_is_told_or_enforced_counts() -> None:
    base = posted({"load": 5.5})
    told = reply(x_ratelimit_limit="60")
    replies = iter([reply()] * 50 + [reply(429)])
    assert drive(load.rate(site(base), base), lambda request: told) == []
    assert drive(load.rate(site(base), base), lambda request: next(replies)) == []
    assert rules(drive(load.rate(site(base), base), lambda request: reply())) == {"dast-no-rate-limit"}


@pytest.mark.parametrize(
    ("per_request", "found"), [(0, set()), (1000, set()), (100_000, {"dast-memory-grows"})]
)
def test_memory_that_stays_with_each_request(per_request: int, found: set[str]) -> None:
    base = posted({"load": 5.5})
    gauge = Measured(used=1 << 28)

    def service(request: Request) -> Reply:
        gauge.used = (gauge.used or 0) + per_request
        return reply()

    assert rules(drive(load.memory(site(base, gauge=gauge)), service)) == found


def test_memory_that_settles_is_no_leak() -> None:
    base = posted({"load": 5.5})
    gauge = Measured(used=1 << 28)

    def service(request: Request) -> Reply:
        gauge.used = min((gauge.used or 0) + 500_000, (1 << 28) + (50 << 20))
        return reply()

    assert drive(load.memory(site(base, gauge=gauge)), service) == []


@pytest.mark.parametrize(
    ("seconds", "lives", "why"),
    [
        (0.0, 0, "the service's process cannot be seen from here"),
        (0.0, 50, "the service's process cannot be seen any more"),
        (1.0, 10**6, "answers come too slowly"),
    ],
)
def test_memory_that_was_not_measured_is_told(seconds: float, lives: int, why: str) -> None:
    base = posted({"load": 5.5})
    gauge = Measured(used=1 << 28 if lives else None)
    notes: list[str] = []
    sent = count()

    def service(request: Request) -> Reply:
        gauge.used = gauge.used if next(sent) < lives else None
        return Reply(status=200, seconds=seconds)

    assert drive(load.memory(site(base, gauge=gauge, notes=notes)), service) == []
    assert notes == [f"whether memory grows was not measured: {why}"]


def test_a_service_too_slow_to_be_asked_often_may_have_a_limit() -> None:
    base = posted({"load": 5.5})
    notes: list[str] = []
    assert (
        drive(load.rate(site(base, notes=notes), base), lambda request: Reply(status=200, seconds=0.5)) == []
    )
    assert notes == ["POST /forecast: answers come too slowly to tell whether queries are limited"]


def on_a_machine(power: int, *, gauge: Measured, computes: bool, busy: Iterator[float]) -> Service:
    """Answers whose cost grows with the length of the query; `busy` is what the machine adds to each."""

    def service(request: Request) -> Reply:
        cost = (len(request.target) / 3000) ** power * 0.5
        if gauge.spent is not None:
            gauge.spent += cost if computes else 0.0
        return Reply(status=200, seconds=cost + next(busy))

    return service


@pytest.mark.parametrize(("power", "found"), [(1, set()), (2, {"dast-latency-grows"})])
@pytest.mark.parametrize("computes", [True, False])
@pytest.mark.parametrize("seen", [True, False])
def test_time_that_grows_faster_than_the_input(
    power: int, found: set[str], computes: bool, seen: bool
) -> None:
    asked, gauge = query(), Measured(spent=1.0 if seen else None)
    service = on_a_machine(power, gauge=gauge, computes=computes, busy=repeat(0.0))
    assert rules(drive(load.latency(site(asked, gauge=gauge), asked), service)) == found


@pytest.mark.parametrize(("power", "found"), [(1, set()), (2, {"dast-latency-grows"})])
def test_a_busy_machine_does_not_count_where_the_processor_can_be_seen(power: int, found: set[str]) -> None:
    asked, gauge, notes = query(), Measured(spent=1.0), list[str]()
    service = on_a_machine(power, gauge=gauge, computes=True, busy=cycle([0.0, 0.0, 1.9, 0.7, 1.1]))
    assert rules(drive(load.latency(site(asked, gauge=gauge, notes=notes), asked), service)) == found
    assert notes == []


@pytest.mark.parametrize("delays", [[0.0, 0.0, 0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.9, 0.0, 1.9]])
def test_times_that_vary_too_much_are_told_and_are_no_finding(delays: list[float]) -> None:
    asked, notes = query(), list[str]()
    service = on_a_machine(1, gauge=Measured(), computes=False, busy=cycle(delays))
    assert drive(load.latency(site(asked, notes=notes), asked), service) == []
    assert set(notes) == {"GET /runs: the times of name vary too much to tell if they grow"}


@pytest.mark.parametrize("spent", [None, 9.9])
def test_no_answer_at_all_is_the_longest_time(spent: float | None) -> None:
    asked, gauge = query(), Measured(spent=None if spent is None else 0.0)
    late = 0

    def service(request: Request) -> Reply:
        nonlocal late
        if len(request.target) < 2000:
            return reply()
        late += 1
        gauge.spent = None if spent is None else (gauge.spent or 0.0) + spent
        return Reply(status=0, seconds=10.0, failure="no answer in time")

    assert rules(drive(load.latency(site(asked, gauge=gauge), asked), service)) == {"dast-latency-grows"}
    assert late == (2 if spent is None else 1)


def test_what_a_process_and_its_children_take_is_measured() -> None:
    gauge = Gauge(os.getpid())
    before, spent = gauge.memory(), gauge.cpu()
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert before is not None
    assert spent is not None
    assert before > 1 << 20
    assert (gauge.cpu() or 0.0) > spent
    assert (Gauge(None).memory(), Gauge(None).cpu()) == (None, None)
    assert Gauge(2**22 + 1).cpu() is None


def test_credentials() -> None:
    first, second = Identity(name="1", headers={"X-Key": "one"}), Identity(name="2", headers={"X-Key": "two"})
    auth = Auth(identities=(first, second))
    base = posted({"load": 5.5}, security=("key",))
    asked = site(base, auth=auth)
    assert drive(access.credentials(asked, base), lambda request: reply(401)) == []
    anyone = drive(access.credentials(asked, base), lambda request: reply(200))
    assert rules(anyone) == {"dast-auth-ignored"}
    any_key = drive(access.credentials(asked, base), lambda r: reply(200 if r.identity else 401))
    assert rules(any_key) == {"dast-any-credential"}


NOT_TESTED = "whether one caller gets what belongs to another was not tested"
NO_OBJECT = "no object of a caller is known (name it in dast.auth.objects)"
FIRST, SECOND = Identity(name="1"), Identity(name="2", objects={"report": "8"})
BOTH = Auth(identities=(FIRST, SECOND))


def on_object(method: str = "GET", path: str = "/reports/{report}") -> Base:
    """An operation on one object, whose example is there for nobody."""
    number = Parameter(name="report", where="path", required=True, schema={})
    operation = Operation(method=method, path=path, parameters=(number,), handler=HERE)
    return Base(operation=operation, request=build(operation, {("path", "report"): "0"}), reply=reply(404))


def answered(method: str, path: str, body: str, status: int = 200) -> Base:
    operation = Operation(method=method, path=path, handler=HERE)
    return Base(operation=operation, request=build(operation, {}), reply=reply(status, body))


def reports(checked: bool, theirs: str = "[]", gone: set[str] | None = None) -> Service:
    """A service whose report 7 belongs to the first caller, and 8 to the second."""
    owners = {"/reports/7": FIRST, "/reports/8": SECOND}
    gone = set() if gone is None else gone

    def service(request: Request) -> Reply:
        if request.target == "/reports":
            return reply(200, theirs)
        owner = owners.get(request.target)
        if owner is None or request.target in gone or (checked and request.identity != owner):
            return reply(404)
        gone.update({request.target} if request.method == "DELETE" else ())
        return reply(200, '{"text": "x"}')

    return service


@pytest.mark.parametrize(("checked", "found"), [(True, set()), (False, {"dast-object-access"})])
@pytest.mark.parametrize(
    "knowing",
    [
        answered("POST", "/reports", '{"id": 7}', 201),
        answered("GET", "/reports", '[{"report": "7"}]'),
        answered("GET", "/reports", '{"reports": ["7", true, null]}'),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_objects_of_another_caller(checked: bool, found: set[str], knowing: Base, method: str) -> None:
    base, notes = on_object(method), list[str]()
    auth = Auth(identities=(FIRST, Identity(name="2")))
    asked = site(knowing, base, auth=auth, notes=notes)
    assert rules(drive(access.objects(asked, base), reports(checked))) == found
    assert notes == []


@pytest.mark.parametrize(("checked", "found"), [(True, set()), (False, {"dast-object-access"})])
def test_objects_that_the_policy_names_are_asked_for_by_the_others(checked: bool, found: set[str]) -> None:
    base = on_object()
    sent: list[Request] = []

    def service(request: Request) -> Reply:
        sent.append(request)
        return reports(checked)(request)

    assert rules(drive(access.objects(site(base, auth=BOTH), base), service)) == found
    assert [(each.target, each.identity) for each in sent[:2]] == [
        ("/reports/8", SECOND),
        ("/reports/8", FIRST),
    ]


def test_an_object_of_which_both_know_is_nobodys() -> None:
    base, notes = on_object(), list[str]()
    listed = answered("GET", "/reports", '[{"id": "7"}]')
    asked = site(listed, base, auth=Auth(identities=(FIRST, Identity(name="2"))), notes=notes)
    assert drive(access.objects(asked, base), reports(checked=False, theirs='[{"id": "7"}]')) == []
    assert notes == [f"GET /reports/{{report}}: {NOT_TESTED}: {NO_OBJECT}"]


def test_one_caller_alone_has_nobody_to_take_from() -> None:
    base, notes = on_object(), list[str]()
    asked = site(base, auth=Auth(identities=(FIRST,)), notes=notes)
    assert drive(access.objects(asked, base), reports(checked=False)) == []
    assert drive(access.objects(site(base, notes=notes), base), reports(checked=False)) == []
    assert notes == [f"{NOT_TESTED}: the policy names one caller only (dast.identities)"]


TOKEN = "eyJhIjox.eyJzdWIi.c2ln"


@pytest.mark.parametrize(
    ("counts", "found"), [("X-Session", {"dast-unsigned-token"}), ("X-Key", set()), ("nothing", set())]
)
def test_a_token_beside_another_credential_must_be_what_counts(counts: str, found: set[str]) -> None:
    caller = Identity(name="1", headers={"X-Key": "one", "X-Session": TOKEN}, cookies={"a": TOKEN})
    base = posted({"load": 5.5}, security=("key",))

    def service(request: Request) -> Reply:
        given = request.identity.headers if request.identity else {}
        session = given.get("X-Session", "")
        if counts == "nothing":  # both are looked at
            return reply(200 if given == caller.headers else 401)
        right = (
            given.get("X-Key") == "one" if counts == "X-Key" else session.rpartition(".")[2] in ("", "c2ln")
        )
        return reply(200 if right and (counts == "X-Key" or "." in session) else 401)

    asked = site(base, auth=Auth(identities=(caller,)))
    assert rules(drive(access.credentials(asked, base), service)) == found


def test_an_unsigned_token_keeps_what_it_claims() -> None:
    assert access._unsigned("Bearer eyJhIjox.eyJzdWIi.c2ln").endswith(".eyJzdWIi.")
    assert access._unsigned("Bearer plain") == "Bearer plain"


def test_places_that_answer_everyone_and_soft_404() -> None:
    protected = posted({"load": 5.5}, security=("key",))
    metrics = reply(200, "# HELP x y\nx 1\n", "text/plain")

    def service(request: Request) -> Reply:
        return metrics if request.target == "/metrics" else reply(404)

    assert rules(drive(exposure.exposed(site(protected)), service)) == {"dast-metrics-open"}
    assert drive(exposure.exposed(site(protected)), lambda request: reply(200, "nothing")) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("cannot open /app/models/load.pkl", "dast-path-in-error"),
        ("needs scikit-learn 1.5", "dast-library-in-error"),
        ("X has 3 features, but RandomForestRegressor is expecting 22", "dast-model-in-error"),
        ("Traceback (most recent call last):", "dast-traceback"),
        ("The request body does not match the schema.", None),
        ("Input should be greater than or equal to 0", None),
    ],
)
def test_error_texts(text: str, rule: str | None) -> None:
    base = query()
    found = list(leaks.leaks(site(base), base.operation, base.request, reply(400, text)))
    assert rules(found) == ({rule} if rule else set())
    # What we sent ourselves may come back.
    sent = Request(method="GET", target=f"/?q={text}")
    if rule != "dast-traceback":
        assert list(leaks.leaks(site(base), base.operation, sent, reply(400, text))) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('{"load": 1.5}', None),
        ('{"load": NaN}', "dast-answer-not-finite"),
        ('{"load": [Infinity]}', "dast-answer-not-finite"),
        ('{"load": -0.5}', "dast-answer-out-of-range"),
        ('{"load": "much"}', "dast-answer-schema"),
        ("no JSON", None),
    ],
)
def test_answers_are_held_to_the_document(body: str, rule: str | None) -> None:
    promised = {"type": "object", "properties": {"load": NUMBER}}
    answer = Answer(status="2XX", content={JSON: promised})
    operation = Operation(method="GET", path="/load", handler=HERE, produces=(answer,))
    request = build(operation, {})
    base = Base(operation=operation, request=request, reply=reply())
    found = list(answers.answers(site(base), operation, request, reply(200, body)))
    assert rules(found) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("path", "body", "predicts"),
    [
        ("/predict", {}, True),
        ("/v1/items", {"a": 1, "b": 2}, True),
        ("/v1/items", {"a": "text"}, False),
        ("/health", {"a": 1, "b": 2}, False),
    ],
)
def test_which_operations_ask_the_model(path: str, body: Any, predicts: bool) -> None:
    assert is_prediction(posted(body, path=path)) is predicts


def test_what_is_learned_is_the_first_request_that_is_taken() -> None:
    long = {"load": 5.5, "rows": [float(number) for number in range(20)]}
    operation = posted(long).operation

    def service(request: Request) -> Reply:
        return reply(200 if request.body and b"rows" in request.body else 422)

    base = learned(operation, service)
    assert base.reply.accepted
    # Short enough to be shown.
    assert base.body["rows"] == [0.0] * 20


def test_what_makes_objects_comes_first_and_what_deletes_them_last() -> None:
    methods = ("DELETE", "GET", "POST")
    operations = tuple(Operation(method=method, path="/a", handler=HERE) for method in methods)
    assert [each.method for each in in_order(operations)] == ["POST", "GET", "DELETE"]


def learned(operation: Operation, service: Service) -> Base:
    """The base of an operation of a service that is a function."""
    steps = learn(target(operation), operation)
    try:
        request = next(steps)
        while True:
            request = steps.send(service(request))
    except StopIteration as end:
        base: Base = end.value
        return base


@pytest.mark.parametrize(
    ("media", "schema", "sent"),
    [
        ("application/x-www-form-urlencoded", {"properties": {"a": {"type": "integer"}}}, b"a=1"),
        ("application/octet-stream", {}, b"mlsecops"),
        ("multipart/form-data", {"properties": {"f": {"format": "binary"}}}, b'name="f"; filename='),
        ("application/json", {"type": "object", "properties": {"a": {"type": "boolean"}}}, b'{"a": true}'),
    ],
)
def test_bodies_are_made_from_the_document(media: str, schema: Json, sent: bytes) -> None:
    body = Body(required=True, content={media: schema})
    operation = Operation(method="POST", path="/f", body=body, handler=HERE)
    base = learned(operation, lambda request: reply(422))
    assert not base.reply.accepted
    assert sent in (base.request.body or b"")
    assert base.request.header("content-type").startswith(media)


def test_openapi_3_0_schemas_are_read_as_they_are_meant() -> None:
    low = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "nullable": True}
    promised = {"type": "object", "properties": {"a": low, "b": {"type": "array", "items": low}}}
    answer = Answer(status="default", content={JSON: promised})
    operation = Operation(method="GET", path="/a", handler=HERE, produces=(answer,))
    request = build(operation, {})
    base = Base(operation=operation, request=request, reply=reply())

    def judged(body: str, media: str = JSON) -> set[str]:
        return rules(list(answers.answers(site(base), operation, request, reply(200, body, media))))

    assert judged('{"a": null, "b": [null, 1]}') == set()
    assert judged('{"b": [-1]}') == {"dast-answer-out-of-range"}
    assert judged('{"b": [-1]}', "text/plain") == set()
    assert judged(json.dumps({"a": "x" * 300_000})) == set()


def test_a_schema_that_is_none_says_nothing_of_answers() -> None:
    answer = Answer(status="200", content={JSON: {"type": "nonsense"}})
    for produced in ((answer,), (Answer(status="200", content={}),), ()):
        operation = Operation(method="GET", path="/a", handler=HERE, produces=produced)
        base = Base(operation=operation, request=build(operation, {}), reply=reply())
        assert list(answers.answers(site(base), operation, base.request, reply(200, "[]"))) == []
