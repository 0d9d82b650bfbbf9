"""Our own attacks as a program: the canary has every flaw, and what kept the attack from its end is said."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from mlsecops.dast import session
from mlsecops.dast.attack import _attack
from mlsecops.dast.attacks import injection, rules
from mlsecops.dast.attacks.messages import Attack, Base, Site
from mlsecops.dast.canary_service import CanaryService, described
from mlsecops.dast.target import Handler, Operation, Target
from mlsecops.job import ToolError
from mlsecops.sarif.build import Json
from mlsecops.tools.service_attacks import ServiceAttacks, parse

TARGET = Target(
    base_url="",
    operations=(Operation(method="GET", path="/a", handler=Handler("app.py", 7)),),
    document={},
    document_uri="",
    application=Handler("app.py", 3),
)
END = {"type": "end", "requests": 7, "seconds": 1.2, "cpu": 0.5, "service": None}
ANSWERED = {"type": "answered", "operation": "GET /a", "status": 200}


def found_on_the_canary(seconds: float = 300.0) -> list[Json]:
    lines: list[Json] = []
    with CanaryService() as service:
        target = replace(described(), base_url=service.base_url)
        _attack(target, time.monotonic() + seconds, lines.append, own=True)
    return lines


def test_the_canary_has_every_flaw_and_a_lost_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blind(site: Site, base: Base) -> Attack:
        yield from ()
        return []

    lines = found_on_the_canary()
    assert {line["rule"] for line in lines if line["type"] == "finding"} == {rule.id for rule in rules.RULES}
    assert ServiceAttacks().canary_rules == {rule.id for rule in rules.RULES}
    checks = (injection.evidence, blind)
    monkeypatch.setattr(session, "CHECKS", checks)
    monkeypatch.setattr(session, "MEASUREMENTS", ())
    monkeypatch.setattr(session, "SITE_MEASUREMENTS", ())
    left = {line["rule"] for line in found_on_the_canary() if line["type"] == "finding"}
    assert "dast-sql-injection" not in left
    assert "dast-command-injection" in left


def test_the_end_of_the_time_is_told() -> None:
    assert found_on_the_canary(seconds=0.0)[-1]["type"] == "unfinished"


def test_a_service_that_goes_away_is_told_with_the_last_request() -> None:
    with CanaryService() as service:
        target = replace(described(), base_url=service.base_url)
    lines: list[Json] = []
    _attack(target, time.monotonic() + 60, lines.append)
    assert lines[-1]["type"] == "died"
    assert "/mlsecops-nothing-is-here" in lines[-1]["curl"]


def test_a_finding_stands_on_its_handler_and_is_the_same_one_in_the_next_run() -> None:
    line = {
        "type": "finding",
        "rule": "dast-sql-injection",
        "uri": "app.py",
        "line": 7,
        "operation": "GET /a",
        "about": "name",
        "message": "GET /a: query parameter name: something",
        "curl": 'curl "$SERVICE"/a',
    }
    parsed = parse([{"type": "canary", "rule": "x"}, ANSWERED, line, END], TARGET)
    assert parsed.looked_at == {"GET /a"}
    assert parsed.canary == {"x"}
    (result,) = parsed.results
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert result["message"]["text"].endswith('something. Shown by: curl "$SERVICE"/a')
    own = result["properties"]["mlsecops"]
    assert own["identity"] == ["dast", "dast-sql-injection", "GET /a", "name"]
    assert own["reproduce"] == 'curl "$SERVICE"/a'
    assert [rule["id"] for rule in parsed.rules] == ["dast-sql-injection"]
    assert parsed.notes == ["7 requests in 1.2 s (0.5 s of processor time here)"]


def test_what_the_attack_cost_the_service_is_told_where_it_can_be_seen() -> None:
    (note,) = parse([ANSWERED, {**END, "service": 2.04}], TARGET).notes
    assert note == "7 requests in 1.2 s (0.5 s of processor time here, 2.0 s in the service)"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"type": "died", "curl": "curl x"}, "did not live through the attack; the last request was curl x"),
        ({"type": "limited", "requests": 3}, "refused 3 requests of the attack with 429"),
        ({"type": "unfinished", "check": "latency"}, "(dast.timeout) was over before latency"),
    ],
)
def test_what_kept_the_attack_from_its_end_makes_it_incomplete(line: Any, words: str) -> None:
    (problem,) = parse([ANSWERED, line, END], TARGET).problems
    assert words in problem.message
    assert problem.uri == "app.py"


def test_a_report_without_an_end_counts_for_nothing() -> None:
    with pytest.raises(ToolError, match="did not end its report"):
        parse([ANSWERED], TARGET)
