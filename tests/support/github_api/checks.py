"""Holds requests and answers against GitHub's description; what it does not allow is a violation in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from jsonschema.exceptions import best_match
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from support.github_api.description import Json
from support.github_api.wire import Answer, Call
from werkzeug.datastructures import Headers, ImmutableMultiDict

HOST = "https://api.github.com"
API_VERSION = "2022-11-28"
MOST_PER_PAGE = 100
_RAW = "application/vnd.github.raw"
_ACCEPTED = ("application/vnd.github+json", "application/json", _RAW)


@dataclass(frozen=True)
class Operation:
    """An operation of the description; `parts` are what stands in its path's places, still encoded."""

    id: str
    path: str
    parts: dict[str, str]
    description: Json


@dataclass
class _Request:
    """The shape in which openapi-core takes a request."""

    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None
    host_url: str = HOST


@dataclass
class _Response:
    """The shape in which openapi-core takes an answer."""

    status_code: int
    content_type: str
    headers: Headers
    data: bytes | None


class Checks:
    """The checks for one description."""

    def __init__(self, description: Json) -> None:
        self._components: Json = description["components"]
        self._openapi = OpenAPI.from_dict(description)
        self._operations = [
            (method.upper(), re.compile(_pattern(path, self._multiple(operation))), path, operation)
            for path, item in description["paths"].items()
            for method, operation in item.items()
        ]

    def operation(self, call: Call) -> Operation | None:
        """The operation that a request asks for, the one with the fewest places first."""
        found = [
            (path.count("{"), Operation(description["operationId"], path, match.groupdict(), description))
            for method, pattern, path, description in self._operations
            if method == call.method and (match := pattern.fullmatch(call.path))
        ]
        return min(found, key=lambda entry: entry[0])[1] if found else None

    def request(self, call: Call, operation: Operation | None) -> list[str]:
        """What is wrong with a request."""
        if operation is None:
            return ["no operation of the description has this path and method"]
        return [
            *_of_headers(call),
            *self._of_query(call, operation),
            *_of_body(call, operation),
            *self._validated(call, operation),
        ]

    def answer(self, call: Call, operation: Operation, answer: Answer) -> list[str]:
        """What is wrong with an answer of the double; refusals need not be described, raw files are not."""
        declared = operation.description["responses"]
        if str(answer.status) not in declared:
            return (
                [f"the double answers {answer.status}, which is not described"] if answer.status < 400 else []
            )
        if answer.content_type.startswith(_RAW):
            return []
        response = _Response(answer.status, answer.content_type, Headers(answer.headers), answer.content)
        try:
            self._openapi.validate_response(self._request(call, operation), response)
        except OpenAPIError as error:
            return [f"the double's answer: {_words(error)}"]
        return []

    def _validated(self, call: Call, operation: Operation) -> list[str]:
        try:
            self._openapi.validate_request(self._request(call, operation))
        except OpenAPIError as error:
            return [_words(error)]
        return []

    def _request(self, call: Call, operation: Operation) -> _Request:
        # openapi-core takes a place in a path for one part; GitHub's own extension lets some hold several.
        path = operation.path
        for name, value in operation.parts.items():
            path = path.replace(f"{{{name}}}", quote(value, safe="%"))
        parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(call.raw_query, keep_blank_values=True)),
            header=Headers(call.headers),
        )
        content_type = call.headers.get("content-type", "")
        return _Request(path, call.method.lower(), parameters, content_type, call.content or None)

    def _of_query(self, call: Call, operation: Operation) -> Iterator[str]:
        known = {entry["name"] for entry in self._parameters(operation.description) if entry["in"] == "query"}
        for name, values in call.queries.items():
            if name not in known:
                yield f"the query has {name!r}, which is not described"
            if len(values) > 1:
                yield f"the query has {name!r} more than once"
            if name == "per_page" and not (values[0].isdecimal() and 0 < int(values[0]) <= MOST_PER_PAGE):
                yield f"per_page is {values[0]!r}, it takes 1 to {MOST_PER_PAGE}"

    def _parameters(self, operation: Json) -> Iterator[Json]:
        for entry in operation.get("parameters", []):
            reference = entry.get("$ref")
            yield self._components["parameters"][reference.rpartition("/")[2]] if reference else entry

    def _multiple(self, operation: Json) -> set[str]:
        return {entry["name"] for entry in self._parameters(operation) if entry.get("x-multi-segment")}


def _pattern(path: str, multiple: set[str]) -> str:
    def place(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[1] in multiple else '[^/]+'})"

    return re.sub(r"\{(\w+)\}", place, path.replace(".", r"\."))


def _of_headers(call: Call) -> Iterator[str]:
    if not call.headers.get("user-agent"):
        yield "there is no User-Agent"
    if call.headers.get("x-github-api-version") != API_VERSION:
        yield f"X-GitHub-Api-Version is not {API_VERSION}"
    if not call.headers.get("accept", "").startswith(_ACCEPTED):
        yield "Accept asks for nothing that GitHub recommends"
    if not call.headers.get("authorization", "").startswith("Bearer "):
        yield "there is no Authorization with a Bearer token"


def _of_body(call: Call, operation: Operation) -> Iterator[str]:
    described = operation.description.get("requestBody")
    if described is None:
        if call.content:
            yield "there is a body, and none is described"
        return
    known: dict[str, Any] = described["content"]["application/json"]["schema"].get("properties", {})
    if isinstance(call.body, dict):
        yield from (
            f"the body has {name!r}, which is not described" for name in call.body if name not in known
        )


def _words(error: BaseException) -> str:
    """An error of openapi-core: what does not hold and where, without the whole value."""
    schema_errors = [
        f"{found.json_path} {best_match([found]).message[-200:]}"
        for found in getattr(error.__cause__, "schema_errors", ())
    ]
    if schema_errors:
        return "; ".join(schema_errors)
    cause = f": {_words(error.__cause__)}" if error.__cause__ is not None else ""
    return f"{error}"[:300] + cause
