"""What an operation answers when nobody attacks it: the request that all attacks start from."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from mlsecops.dast.attacks.building import (
    FORM,
    JSON_TYPE,
    MULTIPART,
    Values,
    build,
    encoded,
    values_of,
    with_json,
)
from mlsecops.dast.attacks.messages import Base, Reply, Request
from mlsecops.dast.attacks.schemas import arrays, example, put, resolve
from mlsecops.dast.target import Identity, Operation, Target
from mlsecops.sarif.build import Json

_MOST_SAMPLES = 5
_LONG = 8
_ORDER = ("POST", "PUT", "PATCH", "GET", "HEAD", "OPTIONS", "DELETE")


def in_order(operations: tuple[Operation, ...]) -> list[Operation]:
    """What makes objects first, what deletes them last."""
    rank = {method: number for number, method in enumerate(_ORDER)}
    return sorted(operations, key=lambda each: (rank.get(each.method.upper(), 3), "{" in each.path))


def plain(operation: Operation, document: Json, caller: Identity | None) -> Request:
    """The first request that `learn` sends."""
    return next(_tries(operation, document, caller)).request


def learn(target: Target, operation: Operation) -> Generator[Request, Reply, Base]:
    """Try what the project sends, then what the schema suggests; the first that is taken is the base."""
    caller = next(iter(target.auth.identities), None)
    first: Base | None = None
    for each in _tries(operation, target.document, caller):
        base = replace(each, reply=(yield each.request))
        if base.reply.accepted:
            return (yield from _simpler(base))
        first = first or base
    if first is None:
        raise ValueError(f"there is no request for {operation.name}")
    return first


def _tries(operation: Operation, document: Json, caller: Identity | None) -> Iterator[Base]:
    """Bases without an answer, the likeliest first."""
    values = values_of(operation, document)
    for body, media in _bodies(operation, document):
        request = _request(operation, values, body, media, caller)
        yield Base(
            operation=operation,
            request=request,
            reply=Reply(status=0),
            values=values,
            body=body,
            media=media,
        )


def _simpler(base: Base) -> Generator[Request, Reply, Base]:
    """The same with long rows of one number each, where that is taken too: short enough for a person."""
    if base.media != JSON_TYPE:
        return base
    body = base.body
    for place, rows in list(arrays(body)):
        if len(rows) > _LONG and all(isinstance(each, int | float) for each in rows):
            body = put(body, place, [rows[0]] * len(rows))
    request = with_json(base, body)
    if body == base.body:
        return replace(base, request=request)
    reply = yield request
    return replace(base, request=request, reply=reply, body=body) if reply.accepted else base


def _bodies(operation: Operation, document: Json) -> Iterator[tuple[Any, str]]:
    declared = operation.body.content if operation.body else {}
    medias = sorted(declared, key=lambda media: (media != JSON_TYPE, media not in (FORM, MULTIPART)))
    for sample in operation.samples[:_MOST_SAMPLES]:
        yield sample, medias[0] if medias and medias[0] in (FORM, MULTIPART) else JSON_TYPE
    for media in medias:
        yield _suggested(declared[media], document, media), media
    if not (declared or operation.samples):
        yield None, ""


def _suggested(schema: Json, document: Json, media: str) -> Any:
    if media == JSON_TYPE:
        return example(schema, document)
    if media in (FORM, MULTIPART):
        fields = resolve(schema, document).get("properties", {})
        return {name: _field(each, document) for name, each in fields.items()}
    return b"mlsecops"


def _field(schema: Any, document: Json) -> Any:
    plain = resolve(schema, document)
    binary = plain.get("format") == "binary" or "contentMediaType" in plain
    return b"mlsecops" if binary else example(plain, document)


def _request(operation: Operation, values: Values, body: Any, media: str, caller: Identity | None) -> Request:
    content: bytes | None = None
    if media in (FORM, MULTIPART):
        content, media = encoded(body, media)
    elif isinstance(body, bytes):
        content = body
    elif media:
        content = json.dumps(body).encode()
    return build(operation, values, body=content, media=media, identity=caller)
