"""What comes back from the model: judged on every answer that promises to be a good one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema

from mlsecops.dast.attacks.messages import Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import inputs as rules
from mlsecops.dast.attacks.schemas import resolve
from mlsecops.dast.target import Operation
from mlsecops.sarif.build import Json, Rule

_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_LONGEST = 256 << 10


def answers(site: Site, operation: Operation | None, request: Request, reply: Reply) -> Iterator[Found]:
    """Numbers that are none, values outside their range, another form than the document promises."""
    declared = operation and request.method == operation.method.upper()
    if not (operation and declared and reply.accepted and "json" in reply.media):
        return
    if len(reply.body) > _LONGEST or reply.json is None:
        return
    if not _is_finite(reply.json):
        message = f"{operation.name}: the answer holds NaN or infinity"
        yield _found(rules.ANSWER_NOT_FINITE, message, operation, request)
        return
    error = _mismatch(site, operation, reply)
    if error is None:
        return
    where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.absolute_path)
    place = where.lstrip(".") or "(body)"
    if error.validator in _BOUNDS:
        message = f"{operation.name}: the answer's {place} is {error.instance}, "
        message += f"where the document says {error.validator} {error.validator_value}"
        yield _found(rules.ANSWER_RANGE, message, operation, request)
    else:
        message = f"{operation.name}: the answer's {place} is not what the document says ({error.validator})"
        yield _found(rules.ANSWER_SHAPE, message, operation, request)


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _mismatch(site: Site, operation: Operation, reply: Reply) -> jsonschema.ValidationError | None:
    """The first way in which an answer is not as promised; one out of range before all others."""
    wanted = {str(reply.status): 2, f"{reply.status // 100}XX": 1, "DEFAULT": 0}
    promised = [each for each in operation.produces if each.status.upper() in wanted]
    if not promised:
        return None
    answer = max(promised, key=lambda each: wanted[each.status.upper()])
    schema = answer.content.get(reply.media) or next(iter(answer.content.values()), None)
    if not schema:
        return None
    try:
        errors = list(_validator(json.dumps(_whole(schema, site.target.document, 0))).iter_errors(reply.json))
    except (jsonschema.SchemaError, RecursionError, TypeError, ValueError):
        return None
    errors.sort(key=lambda error: error.validator not in _BOUNDS)
    return errors[0] if errors else None


@lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    plain = json.loads(schema)
    jsonschema.Draft202012Validator.check_schema(plain)
    return jsonschema.Draft202012Validator(plain)


def _whole(schema: Any, document: Json, depth: int) -> Any:
    """A schema with references put in, and OpenAPI 3.0's `nullable` as a type."""
    if isinstance(schema, list):
        return [_whole(each, document, depth) for each in schema]
    if not isinstance(schema, dict) or depth > 8:
        return {} if isinstance(schema, dict) else schema
    plain = resolve(schema, document)
    nullable = plain.pop("nullable", False) is True
    if nullable and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    for key in ("exclusiveMinimum", "exclusiveMaximum"):  # a flag in OpenAPI 3.0
        if isinstance(plain.get(key), bool):
            del plain[key]
    nested = {"properties", "items", "additionalProperties", "anyOf", "oneOf", "prefixItems"}
    for key in nested & plain.keys():
        if key == "properties":
            plain[key] = {name: _whole(each, document, depth + 1) for name, each in plain[key].items()}
        else:
            plain[key] = _whole(plain[key], document, depth + 1)
    return plain


def _found(rule: Rule, message: str, operation: Operation, request: Request) -> Found:
    return Found(rule=rule, message=message, request=request, operation=operation)
