"""Abuse of the shape of a body: empty, ragged, huge and deep; bodies that are no JSON at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlsecops.dast.attacks.building import JSON_TYPE, with_body, with_json
from mlsecops.dast.attacks.features import Variant, failure, schema_of, tried
from mlsecops.dast.attacks.messages import Attack, Base, Found, Site
from mlsecops.dast.attacks.rules import inputs as rules
from mlsecops.dast.attacks.schemas import Place, arrays, at, put, spelled
from mlsecops.sarif.build import Rule

_HUGE_ITEMS, _HUGE_BYTES = 50_000, 2 << 20
_DEPTH = 10_000
_MOST_ARRAYS = 4
_GARBAGE = (b"", b"{", b"\xff\xfe\x00", b'"mlsecops"', b"[]", b"null", b"7", b'{"":', b"[" * 50)


def shapes(site: Site, base: Base) -> Attack:
    """Each kind of shape in turn, the one that may end the service last."""
    if base.body is None or base.media != JSON_TYPE:
        return []
    found = yield from _broken(_garbage(base), base)
    if base.reply.accepted:
        for rule, variants in (
            (rules.EMPTY, _empty(site, base)),
            (rules.RAGGED, _ragged(site, base)),
            (rules.HUGE, _huge(site, base)),
        ):
            found += yield from _either(rule, variants, base)
    return found + (yield from _deep(base))


def _either(rule: Rule, variants: Iterator[Variant], base: Base) -> Attack:
    """A shape that breaks the service is the same finding as one that it takes; a crash is more than that."""
    results = yield from tried(rule, variants, base)
    crashes = [each for each in results if each.rule is rules.CRASH]
    return crashes or [replace(each, rule=rule) for each in results][:1]


def _broken(variants: Iterator[Variant], base: Base) -> Attack:
    """What nobody would take: only what breaks the service counts."""
    results: list[Found] = []
    for about, request in variants:
        reply = yield request
        if reply.broke and not results:
            results += yield from failure(about, base, request, reply)
    return results


def _garbage(base: Base) -> Iterator[Variant]:
    for body in _GARBAGE:
        yield f"the body {body[:12]!r}", with_body(base, body, JSON_TYPE)
    yield "no content type", with_body(base, base.request.body or b"", "")
    yield "another content type", with_body(base, base.request.body or b"", "text/plain")


def _empty(site: Site, base: Base) -> Iterator[Variant]:
    for place, rows in _bounded(base):
        schema = at(schema_of(site, base), place, site.target.document)
        # Where the document allows it, an empty answer to an empty batch is right; NaN is found elsewhere.
        if rows and (schema.get("minItems", 0) >= 1 or not schema):
            yield f"an empty {spelled(place)}", with_json(base, put(base.body, place, []))


def _ragged(site: Site, base: Base) -> Iterator[Variant]:
    outer = list(_bounded(base))
    for place, rows in outer:
        schema = at(schema_of(site, base), place, site.target.document)
        if schema.get("minItems", 0) == len(rows) > 1:
            yield f"one value too few in {spelled(place)}", with_json(base, put(base.body, place, rows[:-1]))
        if schema.get("maxItems") == len(rows):
            more = [*rows, rows[-1]]
            yield f"one value too many in {spelled(place)}", with_json(base, put(base.body, place, more))
        if rows and isinstance(rows[0], list) and len(rows[0]) > 1:
            ragged = with_json(base, put(base.body, place, [*rows, rows[0][:-1]]))
            yield f"rows of different lengths in {spelled(place)}", ragged
    siblings = [(place, rows) for place, rows in outer if len(rows) > 1 and len(place) == 1]
    for place, rows in siblings:
        equal = [other for other, values in siblings if other != place and len(values) == len(rows)]
        if equal:
            less = with_json(base, put(base.body, place, rows[:-1]))
            yield f"{spelled(place)} shorter than {spelled(equal[0])}", less


def _huge(site: Site, base: Base) -> Iterator[Variant]:
    for place, rows in _bounded(base):
        schema = at(schema_of(site, base), place, site.target.document)
        most = schema.get("maxItems")
        if not rows or (isinstance(most, int) and most > 10_000):
            continue
        size = len(json.dumps(rows[0]))
        count = min(_HUGE_ITEMS, max(100, _HUGE_BYTES // (size + 2)))
        body = put(base.body, place, [rows[0]] * count)
        yield f"{count} items in {spelled(place)}", with_json(base, body)


def _bounded(base: Base) -> Iterator[tuple[Place, list[Any]]]:
    yield from list(arrays(base.body))[:_MOST_ARRAYS]


def _deep(base: Base) -> Attack:
    """Brackets in brackets: only an answer that is none, or a failure, counts."""
    for body, recipe in (
        (b"[" * _DEPTH + b"]" * _DEPTH, f'"[" * {_DEPTH} + "]" * {_DEPTH}'),
        (b'{"a":' * _DEPTH + b"1" + b"}" * _DEPTH, f'"{{\\"a\\":" * {_DEPTH} + "1" + "}}" * {_DEPTH}'),
    ):
        request = with_body(base, body, JSON_TYPE, f"python3 -c 'print({recipe})'")
        reply = yield request
        if reply.broke:
            results = yield from failure(f"JSON {_DEPTH} levels deep", base, request, reply)
            return [each if each.rule is rules.CRASH else replace(each, rule=rules.DEEP) for each in results]
    return []
