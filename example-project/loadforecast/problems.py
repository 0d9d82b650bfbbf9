"""Error answers as problem details (RFC 9457); they never repeat what the client sent."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request body is too large.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests; Retry-After says how many seconds to wait.",
}
_KNOWN_FIELDS = 3  # how deep a path into the body is told


class InvalidBody(UnprocessableEntity):
    """The body is JSON but not a forecast request."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("The request body does not match the schema.")
        self.errors = errors


def from_validation(error: ValidationError, fields: frozenset[str]) -> HTTPException:
    """Turn pydantic's errors into a 400 (not JSON) or a 422 (JSON, but not what is asked for).

    `fields` are the names that may be told; any other name came from the client.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if any(one["type"] == "json_invalid" for one in found):
        return BadRequest("The request body is not valid JSON.")
    return InvalidBody(
        [{"field": _path(one["loc"], fields), "message": one["msg"]} for one in found[:MAX_ERRORS]]
    )


def response(error: HTTPException, request_id: str) -> Response:
    """Return the answer for an error, with the headers that belong to it (Allow, ...)."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": _DETAILS.get(status) or error.description or status.description,
        "instance": f"urn:uuid:{request_id}",
    }
    if isinstance(error, InvalidBody):
        body["errors"] = error.errors
    answer = Response(json.dumps(body) + "\n", status=status.value, mimetype=MEDIA_TYPE)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers.add(name, value)
    return answer


def _path(location: tuple[int | str, ...], fields: frozenset[str]) -> str:
    if location and location[0] not in fields:
        return "(unknown field)"
    return ".".join(str(part) for part in location[:_KNOWN_FIELDS]) or "(body)"
