"""Requests for an operation, and the points of them that can hold something else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from mlsecops.dast.attacks.messages import Base, Request
from mlsecops.dast.attacks.schemas import Place, example, get, leaves, put, spelled, types
from mlsecops.dast.target import Identity, Operation, Parameter
from mlsecops.sarif.build import Json

JSON_TYPE = "application/json"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
BOUNDARY = "mlsecops-boundary"
# What no header may hold; a service that is meant to see it gets it percent-encoded elsewhere.
_NOT_IN_HEADERS = str.maketrans(dict.fromkeys("\r\n\0", " "))
_INLINE = 1500
_MOST_POINTS = 16
Values = Mapping[tuple[str, str], Any]


def build(
    operation: Operation,
    values: Values,
    *,
    body: bytes | None = None,
    media: str = "",
    identity: Identity | None = None,
    raw: bool = False,
    recipe: str = "",
) -> Request:
    """A request with these parameters; `raw` leaves the slashes in a path's values as they are."""
    path = operation.path
    headers: list[tuple[str, str]] = []
    query: list[tuple[str, str]] = []
    cookies: list[str] = []
    for (where, name), value in values.items():
        if where == "path":
            path = path.replace(f"{{{name}}}", quote(_text(value), safe="/%" if raw else ""))
        elif where == "query":
            query.extend((name, _text(each)) for each in (value if isinstance(value, list) else [value]))
        elif where == "header":
            headers.append((name, _text(value).translate(_NOT_IN_HEADERS)))
        else:
            cookies.append(f"{name}={quote(_text(value), safe='')}")
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    if body is not None and media:
        headers.append(("Content-Type", media))
    target = quote(path, safe="/%~!$&'()*+,;=:@") + (f"?{urlencode(query)}" if query else "")
    return Request(
        method=operation.method.upper(),
        target=target,
        headers=tuple(headers),
        body=body,
        identity=identity,
        recipe=recipe,
    )


def with_json(base: Base, value: Any, recipe: str = "") -> Request:
    """The base request with another JSON body."""
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    if not recipe and len(body) > _INLINE:
        recipe = f"python3 -c 'import json; print(json.dumps({_expression(value)}))'"
    return with_body(base, body, JSON_TYPE, recipe)


def with_body(base: Base, body: bytes, media: str, recipe: str = "") -> Request:
    """The base request with another body."""
    headers = [each for each in base.request.headers if each[0].lower() != "content-type"]
    return replace(base.request, headers=(*headers, ("Content-Type", media)), body=body, recipe=recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One place in a request that takes text: its name, what is there now, how to put something else."""

    name: str
    where: str
    value: Any
    put: Callable[[Any], Request]
    schema: Json


def points(base: Base) -> Iterator[Point]:
    """Every parameter and every text in the body, the body's up to a bound."""
    for parameter in base.operation.parameters:
        yield _parameter(base, parameter)
    if isinstance(base.body, dict | list):
        texts = [place for place, value in leaves(base.body) if isinstance(value, str)]
        for place in texts[:_MOST_POINTS]:
            yield Point(
                name=spelled(place),
                where="body",
                value=get(base.body, place),
                put=partial(_in_body, base, place),
                schema={},
            )


def _in_body(base: Base, place: Place, new: Any) -> Request:
    value = put(base.body, place, new)
    if base.media in (FORM, MULTIPART):
        body, media = encoded(value, base.media)
        return with_body(base, body, media)
    return with_json(base, value)


def _parameter(base: Base, parameter: Parameter) -> Point:
    key = (parameter.where, parameter.name)

    def request(value: Any) -> Request:
        raw = isinstance(value, Raw)
        built = build(base.operation, {**base.values, key: value}, identity=base.request.identity, raw=raw)
        media = [each for each in base.request.headers if each[0] == "Content-Type"]
        return replace(
            built, headers=(*built.headers, *media), body=base.request.body, recipe=base.request.recipe
        )

    return Point(
        name=parameter.name,
        where=parameter.where,
        value=base.values.get(key, ""),
        put=request,
        schema=parameter.schema,
    )


class Raw(str):
    """Text whose slashes and percent signs go into a path as they are."""

    __slots__ = ()


def encoded(value: Any, media: str) -> tuple[bytes, str]:
    """A JSON object as a form: the body and its content type."""
    fields = value if isinstance(value, dict) else {"value": value}
    if media == FORM:
        return urlencode({name: _text(each) for name, each in fields.items()}).encode(), FORM
    parts = b"".join(_part(name, each) for name, each in fields.items())
    return parts + f"--{BOUNDARY}--\r\n".encode(), f"{MULTIPART}; boundary={BOUNDARY}"


def _part(name: str, value: Any) -> bytes:
    file = '; filename="model.bin"' if isinstance(value, bytes) else ""
    content = value if isinstance(value, bytes) else _text(value).encode()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def values_of(operation: Operation, document: Json) -> dict[tuple[str, str], Any]:
    """A value for each parameter that is in the path, required, or shown by the project."""
    return {
        (each.where, each.name): each.examples[0] if each.examples else example(each.schema, document)
        for each in operation.parameters
        if each.required or each.where == "path" or each.examples or types(each.schema)
    }


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | dict | list) or value is None else str(value)


def _expression(value: Any) -> str:
    """Python that makes a JSON value: runs of equal elements as `[x] * n`; no single quotes in it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {_expression(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        runs: list[tuple[str, int]] = []
        for each in map(_expression, value):
            if runs and runs[-1][0] == each:
                runs[-1] = (each, runs[-1][1] + 1)
            else:
                runs.append((each, 1))
        return " + ".join(f"[{each}] * {count}" if count > 1 else f"[{each}]" for each, count in runs) or "[]"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text).replace("'", "\\u0027")
