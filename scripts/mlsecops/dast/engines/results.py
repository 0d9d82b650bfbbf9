"""Facts about a service -> SARIF results: the same fact has the same identity, whichever engine shows it."""

from __future__ import annotations

from collections.abc import Iterable

from mlsecops.dast.attacks.messages import Found
from mlsecops.dast.curl import blanked, curl
from mlsecops.dast.target import Handler, Target
from mlsecops.job import printable
from mlsecops.sarif.build import Json, Location, Result

# What a report of the wrong shape can raise.
NO_REPORT = (LookupError, TypeError, ValueError, AttributeError)
_LONGEST_LINE = 1000
_PER_OPERATION = 4


def result(rule: str, message: str, place: Handler, operation: str, about: str, shown: str) -> Json:
    """One finding; `shown` is the line that reproduces it, in the message too when a person can read it."""
    text = printable(message)
    inline = f" Shown by: {printable(shown)}" if shown and len(shown) <= _LONGEST_LINE else ""
    return Result(
        rule_id=rule,
        message=f"{text}.{inline}",
        location=Location(uri=place.uri, start_line=place.line),
        identity=("dast", rule, operation, about),
        properties={"reproduce": printable(shown)} if shown else {},
    ).to_sarif()


def results(found: Iterable[Found], target: Target) -> list[Json]:
    """Each fact once, and only a few of one kind for one operation."""
    told: dict[tuple[str, str], dict[str, Found]] = {}
    for each in found:
        name = each.operation.name if each.operation else ""
        told.setdefault((each.rule.id, name), {}).setdefault(each.about, each)
    few = [each for facts in told.values() for each in list(facts.values())[:_PER_OPERATION]]
    return [_result(each, target) for each in few]


def rules(found: Iterable[Found]) -> list[Json]:
    """The rules of some facts."""
    by_id = {each.rule.id: each.rule for each in found}
    return [by_id[rule_id].to_sarif() for rule_id in sorted(by_id)]


def secrets(target: Target) -> tuple[str, ...]:
    """What must not come out."""
    return target.secrets()


def _result(each: Found, target: Target) -> Json:
    hidden = secrets(target)
    place = each.operation.handler if each.operation else target.application
    name = each.operation.name if each.operation else ""
    message = blanked(each.message, hidden)
    return result(each.rule.id, message, place, name, each.about, curl(each.request, hidden))
