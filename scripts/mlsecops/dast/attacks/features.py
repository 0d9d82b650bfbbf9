"""Abuse of single features: not finite, out of range, of another type, missing, surplus, misdated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from mlsecops.dast.attacks.building import JSON_TYPE, with_body, with_json
from mlsecops.dast.attacks.messages import BROKEN, LATE, Attack, Base, Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import inputs as rules
from mlsecops.dast.attacks.schemas import (
    Place,
    arrays,
    at,
    get,
    is_time,
    kinds,
    leaves,
    put,
    resolve,
    spelled,
    without,
)
from mlsecops.sarif.build import Json, Rule

_MOST_PLACES = 8
_NUMBERS = frozenset({"number", "integer"})
_OVERFLOW, _OVERFLOWING = '"mlsecops-overflow"', "1e999"
_SURPLUS = "mlsecops_surplus"
# Longer bodies may be refused before they are read, which looks like a broken connection.
SURELY_READ = 64 << 10
_FAR = ("2999-12-31T00:00:00Z", "9999-12-31T23:59:59Z")
Variant = tuple[str, Request]


def abused(site: Site, base: Base) -> Attack:
    """Each kind of abuse in turn: what is taken, or breaks the service, is found once per kind."""
    if base.body is None or base.media != JSON_TYPE or not base.reply.accepted:
        return []
    results: list[Found] = []
    for rule, variants in (
        (rules.NOT_FINITE, _not_finite(base)),
        (rules.RANGE, _out_of_range(site, base)),
        (rules.TYPE, _wrong_types(site, base)),
        (rules.MISSING, _missing(site, base)),
        (rules.FUTURE, _future(base)),
        (rules.UNSORTED, _unsorted(base)),
    ):
        results += yield from tried(rule, variants, base)
    return results + (yield from _surplus(site, base))


def tried(rule: Rule, variants: Iterator[Variant], base: Base) -> Attack:
    """Send variants until one is taken and one breaks the service; each is a finding."""
    taken: list[Found] = []
    broken: list[Found] = []
    for about, request in variants:
        reply = yield request
        if reply.accepted and not taken:
            taken.append(found(rule, f"{about} is taken", base, request))
        elif reply.broke and not broken:
            broken += yield from failure(about, base, request, reply)
        if taken and broken:
            break
    return taken + broken


def failure(about: str, base: Base, request: Request, reply: Reply) -> Attack:
    """What a request that broke the service is: an error, no answer in time, or an end without an answer."""
    if reply.status:
        return [found(rules.UNHANDLED, f"{about} breaks it (status {reply.status})", base, request)]
    if reply.failure != LATE and (reply.failure != BROKEN or len(request.body or b"") > SURELY_READ):
        return []
    # Once may be the machine's doing.
    again = yield request
    if again.failure != reply.failure:
        return []
    if reply.failure == LATE:
        return [found(rules.UNHANDLED, f"{about} gets no answer within {reply.seconds:.0f} s", base, request)]
    return [found(rules.CRASH, f"{about} ends the connection without an answer", base, request)]


def schema_of(site: Site, base: Base) -> Json:
    """The schema of the operation's JSON body; {} where the document has none."""
    content = base.operation.body.content if base.operation.body else {}
    return resolve(content.get(JSON_TYPE, {}), site.target.document)


def _numbers(base: Base) -> list[Place]:
    """Places of numbers, not more than a few, spread over the fields."""
    places = [place for place, value in leaves(base.body) if _is_number(value)]
    by_field: dict[str, Place] = {}
    for place in places:
        by_field.setdefault(".".join(str(step) for step in place if isinstance(step, str)), place)
    return list(by_field.values())[:_MOST_PLACES]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _not_finite(base: Base) -> Iterator[Variant]:
    for place in _numbers(base):
        for value in (math.nan, math.inf, -math.inf):
            yield f"{json.dumps(value)} in {spelled(place)}", with_json(base, put(base.body, place, value))
        marked = put(base.body, place, _OVERFLOW.strip('"'))
        body = json.dumps(marked).replace(_OVERFLOW, _OVERFLOWING)
        yield f"{_OVERFLOWING} in {spelled(place)}", with_body(base, body.encode(), JSON_TYPE)


def _out_of_range(site: Site, base: Base) -> Iterator[Variant]:
    for place in _numbers(base):
        schema = at(schema_of(site, base), place, site.target.document)
        values: list[float] = [1e308, -1e308]
        values += [each + max(1, abs(each)) for each in _numbers_in(schema, "maximum")]
        values += [each - max(1, abs(each)) for each in _numbers_in(schema, "minimum")]
        if "integer" in kinds(schema, site.target.document):
            values = [*(int(each) for each in values if abs(each) < 1e300), 10**30]
        for value in values:
            yield f"{value:g} in {spelled(place)}", with_json(base, put(base.body, place, value))


def _numbers_in(schema: Json, key: str) -> list[float]:
    return [schema[key]] if _is_number(schema.get(key)) else []


def _wrong_types(site: Site, base: Base) -> Iterator[Variant]:
    for place in _numbers(base):
        allowed = kinds(at(schema_of(site, base), place, site.target.document), site.target.document)
        if allowed and not allowed <= _NUMBERS | {"null"}:
            continue
        values: list[Any] = ["mlsecops", {}, [], [[1.0]]] + ([] if "null" in allowed else [None])
        for value in values:
            yield f"{json.dumps(value)} in {spelled(place)}", with_json(base, put(base.body, place, value))


def _missing(site: Site, base: Base) -> Iterator[Variant]:
    for place in _objects(base.body):
        schema = at(schema_of(site, base), place, site.target.document)
        for name in schema.get("required", ())[:_MOST_PLACES]:
            if name in get(base.body, place):
                left = without(base.body, (*place, name))
                yield f"a body without {spelled((*place, name))}", with_json(base, left)


def _objects(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict):
        yield place
        for key, inner in value.items():
            yield from _objects(inner, (*place, key))
    elif isinstance(value, list) and value:
        yield from _objects(value[0], (*place, 0))


def _surplus(site: Site, base: Base) -> Attack:
    """A field more: one the document does not allow is taken, or one it says nothing of comes back."""
    for place in list(_objects(base.body))[:_MOST_PLACES]:
        schema = at(schema_of(site, base), place, site.target.document)
        for name, value in ((_SURPLUS, 7), ("is_admin", True)):
            if name in schema.get("properties", {}):
                continue
            request = with_json(base, put_key(base.body, place, name, value))
            reply = yield request
            about = f"the surplus field {spelled((*place, name))}"
            if reply.broke:
                return (yield from failure(about, base, request, reply))
            refused = schema.get("additionalProperties") is False
            if reply.accepted and (refused or _comes_back(name, reply, base)):
                return [found(rules.SURPLUS, f"{about} is taken", base, request)]
    return []


def put_key(value: Any, place: Place, name: str, new: Any) -> Any:
    """A copy of a JSON value with one more key in the object at a place."""
    return put(value, place, {**get(value, place), name: new})


def _comes_back(name: str, reply: Reply, base: Base) -> bool:
    return f'"{name}"' in reply.text and f'"{name}"' not in base.reply.text


def _future(base: Base) -> Iterator[Variant]:
    places = [place for place, value in leaves(base.body) if is_time(value)]
    for place in places[:_MOST_PLACES]:
        for value in _FAR:
            day_only = len(get(base.body, place)) == len("2026-01-05")
            new = value[:10] if day_only else value
            yield f"{new} in {spelled(place)}", with_json(base, put(base.body, place, new))


def _unsorted(base: Base) -> Iterator[Variant]:
    for place, rows in arrays(base.body):
        moments = [_moment(row) for row in rows]
        known = [each for each in moments if each is not None]
        if len(known) < 2 or len(known) != len(rows) or known != sorted(known):
            continue
        reverse = put(base.body, place, rows[::-1])
        yield f"{spelled(place)} in reverse order", with_json(base, reverse)
        twice = put(base.body, place, [*rows[:-1], rows[0]])
        yield f"a moment twice in {spelled(place)}", with_json(base, twice)


def _moment(row: Any) -> str | None:
    """The time of a row: the row itself, or its first field that is one."""
    values = row.values() if isinstance(row, dict) else [row]
    return next((value for value in values if is_time(value)), None)


def found(rule: Rule, sign: str, base: Base, request: Request) -> Found:
    """A finding about one operation."""
    message = f"{base.operation.name}: {sign}"
    return Found(rule=rule, message=message, request=request, operation=base.operation)
