"""What is known of a service as one OpenAPI document, for programs that read such a document themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsecops.dast.attacks.schemas import resolve
from mlsecops.dast.document.references import lookup
from mlsecops.dast.target import Operation, Target
from mlsecops.sarif.build import Json

_VERSION = "3.0.3"
_JSON = "application/json"
_TOKEN = {"type": "http", "scheme": "bearer"}
# What is written anew; schemas may refer to the paths as they were.
_WRITTEN = frozenset({"openapi", "swagger", "info", "servers", "security", "host", "basePath", "schemes"})
_PATHS, _PATHS_KEPT = "paths", "x-mlsecops-paths"
_TAKES_NO_BODY = frozenset({"GET", "HEAD", "DELETE", "TRACE"})


def written(target: Target) -> Json:
    """The operations that are due, and no others; the only server is the service's one address."""
    document = target.document
    kept = {key: value for key, value in document.items() if key not in _WRITTEN}
    if _PATHS in kept:
        kept[_PATHS_KEPT] = kept.pop(_PATHS)
    components = kept.get("components") or {}
    schemes = _schemes(document) | components.get("securitySchemes", {})
    named = {name for each in target.operations for name in each.security}
    schemes |= dict.fromkeys(sorted(named - schemes.keys()), _TOKEN)
    paths: dict[str, Json] = {}
    for operation in target.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    made = {
        **kept,
        "openapi": str(document.get("openapi") or _VERSION),
        "info": {"title": "service", "version": "1"},
        "servers": [{"url": target.base_url}],
        "paths": paths,
        "components": {**components, "securitySchemes": schemes},
    }
    whole: Json = _within(made, document)
    return whole


def _operation(operation: Operation) -> Json:
    made: Json = {
        "parameters": [
            {
                "name": each.name,
                "in": each.where,
                "required": each.required or each.where == "path",
                "schema": each.schema,
                "examples": _examples(each.examples),
            }
            for each in operation.parameters
        ],
        "responses": {
            answer.status: {"description": "", "content": _content(answer.content)}
            for answer in operation.produces
        }
        or {"default": {"description": ""}},
        "security": [{name: []} for name in operation.security],
    }
    content = dict(operation.body.content) if operation.body else {}
    if operation.samples and operation.method not in _TAKES_NO_BODY:
        content.setdefault(_JSON, {})
    if content:
        required = operation.body.required if operation.body else False
        made["requestBody"] = {"required": required, "content": _content(content, operation.samples)}
    return made


def _content(content: Mapping[str, Json], samples: tuple[Any, ...] = ()) -> Json:
    return {
        media: {"schema": schema} | ({"examples": _examples(samples)} if samples and media == _JSON else {})
        for media, schema in content.items()
    }


def _examples(values: tuple[Any, ...]) -> Json:
    return {f"example-{number}": {"value": value} for number, value in enumerate(values[:1])}


def _within(value: Any, document: Json) -> Any:
    """A copy whose references lead nowhere but into the document; what leads elsewhere may be anything."""
    if isinstance(value, list):
        return [_within(each, document) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        if not (reference.startswith("#/") and lookup(document, reference)):
            return {}
        return {**value, "$ref": reference.replace(f"#/{_PATHS}/", f"#/{_PATHS_KEPT}/")}
    # An example that lies elsewhere would be fetched.
    elsewhere = "externalValue" if isinstance(value.get("externalValue"), str) else None
    return {key: _within(each, document) for key, each in value.items() if key != elsewhere}


def _schemes(document: Json) -> dict[str, Json]:
    """Swagger 2's security definitions as OpenAPI 3 has them."""
    found: dict[str, Json] = {}
    given = document.get("securityDefinitions")
    for name, each in given.items() if isinstance(given, dict) else ():
        plain = resolve(each, document)
        kind = plain.get("type")
        found[str(name)] = {"type": "http", "scheme": "basic"} if kind == "basic" else plain
        if kind not in ("basic", "apiKey"):
            found[str(name)] = _TOKEN
    return found
