"""One plain request to each operation before any attack: is it there, and can an attack on it show anything?

What answers everything alike, or nothing but errors, is not the service that the document describes, and
attacks on it would all seem to fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mlsecops.dast.attacks.schemas import example
from mlsecops.dast.service.running import Answer, Request
from mlsecops.dast.target import Identity, Operation
from mlsecops.sarif.build import Json

# A path that no service has.
NOWHERE = "/mlsecops-nothing-is-here"
_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED = 404, 405, 501


@dataclass(frozen=True, slots=True)
class Judgement:
    """`doubt` is why the service as a whole is not what it should be; `absent` why an operation is not."""

    doubt: str
    absent: Mapping[str, str]


def requests(operations: Sequence[Operation], document: Json, identity: Identity | None) -> list[Request]:
    """A request for each operation, then one to nowhere for each method."""
    methods = sorted({operation.method for operation in operations})
    return [
        *(_plain(operation, document, identity) for operation in operations),
        *(_identified(method, NOWHERE, {}, None, identity) for method in methods),
    ]


def judge(operations: Sequence[Operation], answers: Sequence[Answer], *, known: bool) -> Judgement:
    """Judge the answers to `requests`; `known` says that the requests carried an identity."""
    methods = sorted({operation.method for operation in operations})
    nowhere = dict(zip(methods, answers[len(operations) :], strict=True))
    got = list(zip(operations, answers, strict=False))
    absent = {
        operation.name: why
        for operation, answer in got
        if (why := _absent(operation, answer, nowhere[operation.method], known=known))
    }
    return Judgement(_doubt(got, nowhere), absent)


def _doubt(got: Sequence[tuple[Operation, Answer]], nowhere: Mapping[str, Answer]) -> str:
    every = [*(answer for _, answer in got), *nowhere.values()]
    if all(answer.status >= 500 for answer in every):
        return f"answers every request with an error of its own ({every[0].status})"
    elsewhere = {_elsewhere(answer) for answer in every}
    if "" not in elsewhere:
        return f"answers every request by sending the caller to another address ({min(elsewhere)})"
    if all(_same(answer, nowhere[operation.method]) and answer.status < 300 for operation, answer in got):
        return f"answers every request alike ({got[0][1].status}), also for paths that nobody has"
    return ""


def _absent(operation: Operation, answer: Answer, nowhere: Answer, *, known: bool) -> str:
    """Why an attack on an operation would show nothing; "" when it answers."""
    if not answer.status:
        return f"gave no answer ({answer.failure})"
    if answer.status in (401, 403):
        whom = (
            "the policy's key (dast.auth)"
            if known
            else "a caller without a key: the policy names none in dast.auth"
        )
        return f"answers {answer.status} to {whom}"
    if answer.status in (_NOT_ALLOWED, _NOT_IMPLEMENTED):
        return f"is not there (status {answer.status})"
    # With a parameter in its path it may be the thing that is not there.
    if answer.status == _NOT_FOUND and "{" not in operation.path and nowhere.status == _NOT_FOUND:
        return "is not there (status 404)"
    return ""


def _same(one: Answer, other: Answer) -> bool:
    return (one.status, one.body) == (other.status, other.body)


def _elsewhere(answer: Answer) -> str:
    """The host that a redirect leads to, when it is not the service itself."""
    if not 300 <= answer.status < 400:
        return ""
    try:
        parts = urlsplit(answer.header("location"))
        local = parts.hostname in (None, "127.0.0.1", "localhost", "::1")
    except ValueError:
        return ""
    return "" if local and parts.scheme != "https" else f"{parts.scheme}://{parts.hostname}"


def _plain(operation: Operation, document: Json, identity: Identity | None) -> Request:
    """A request as the document and the project's own examples show it."""
    values = {
        (each.where, each.name): each.examples[0] if each.examples else example(each.schema, document)
        for each in operation.parameters
        if each.required or each.examples
    }
    path = operation.path
    for (where, name), value in values.items():
        if where == "path":
            path = path.replace(f"{{{name}}}", quote(_text(value), safe=""))
    query = {name: _text(value) for (where, name), value in values.items() if where == "query"}
    headers = {name: _text(value) for (where, name), value in values.items() if where == "header"}
    target = quote(path, safe="/%~!$&'()*+,;=:@") + (f"?{urlencode(query)}" if query else "")
    media, body = _body(operation, document)
    if media:
        headers["Content-Type"] = media
    return _identified(operation.method, target, headers, body, identity)


def _body(operation: Operation, document: Json) -> tuple[str, bytes | None]:
    if operation.body is None:
        return "", None
    kinds = list(operation.body.content) or ["application/json"]
    media = next((kind for kind in kinds if "json" in kind), kinds[0])
    schema = operation.body.content.get(media, {})
    value = operation.samples[0] if operation.samples else example(schema, document)
    if "json" in media:
        return media, json.dumps(value).encode()
    if "form-urlencoded" in media and isinstance(value, dict):
        return media, urlencode({name: _text(each) for name, each in value.items()}).encode()
    return media, b""


def _identified(
    method: str, target: str, headers: Mapping[str, str], body: bytes | None, identity: Identity | None
) -> Request:
    if identity is None:
        return Request(method.upper(), target, headers, body)
    if identity.query:
        target += ("&" if "?" in target else "?") + urlencode(identity.query)
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in identity.cookies.items())}
    own = {**identity.headers, **(cookies if identity.cookies else {})}
    return Request(method.upper(), target, {**headers, **own}, body)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
