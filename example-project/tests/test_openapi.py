from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

import loadforecast
from loadforecast.app import create_app
from loadforecast.schema import ForecastRequest, ForecastResponse
from loadforecast.settings import Settings

Json = Any
IGNORED = {"description", "title", "examples"}


@pytest.fixture(scope="module")
def document(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_bytes())
    return loaded


def resolved(node: Json, document: dict[str, Any]) -> Json:
    """Return the schema with every $ref replaced and without what is only for people."""
    if isinstance(node, list):
        return [resolved(one, document) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Json = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target, document)
    return {
        key: {name: resolved(one, document) for name, one in value.items()}
        if key == "properties"
        else resolved(value, document)
        for key, value in node.items()
        if key not in IGNORED
    }


def plain(schema: Json) -> Json:
    """Return a schema in which neither 0 and 0.0 nor the order of `required` make a difference."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return float(schema) if isinstance(schema, int) else schema
    return {
        key: sorted(value) if key == "required" else plain(value)
        for key, value in schema.items()
        if key != "format"  # the answer's times are made by isoformat()
    }


@pytest.mark.parametrize("model", [ForecastRequest, ForecastResponse])
def test_the_schemas_are_those_of_the_code(
    document: dict[str, Any], model: type[ForecastRequest | ForecastResponse]
) -> None:
    written = plain(resolved(document["components"]["schemas"][model.__name__], document))
    schema = model.model_json_schema()
    top = {key: value for key, value in schema.items() if key != "$defs"}
    assert written == plain(resolved(top, schema))


def test_the_routes_are_those_of_the_code(document: dict[str, Any], app: Flask) -> None:
    coded = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    written = {(path, verb) for path, item in document["paths"].items() for verb in item}
    assert written == coded


def test_only_health_is_open(document: dict[str, Any], client: FlaskClient) -> None:
    assert document["security"] == [{"apiKey": []}]
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            is_open = operation.get("security") == []
            assert (client.open(path, method=verb).status_code == 401) is not is_open


def test_the_version_and_the_limit_are_those_of_the_code(
    document: dict[str, Any], settings: Settings
) -> None:
    assert document["info"]["version"] == loadforecast.__version__
    limit = f"{settings.max_body_bytes // 1024} KiB"
    assert limit in document["paths"]["/forecast"]["post"]["description"]


def test_the_example_is_a_good_request(document: dict[str, Any], body: dict[str, Any]) -> None:
    schema = resolved(document["components"]["schemas"]["ForecastRequest"], document)
    Draft202012Validator(schema).validate(body)
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate(body | {"occupancy": 2})


def test_every_documented_answer_is_given_as_documented(
    document: dict[str, Any],
    settings: Settings,
    hotel: dict[str, str],
    prometheus: dict[str, str],
    body: dict[str, Any],
) -> None:
    client = create_app(replace(settings, rate_limit="6 per minute")).test_client()
    good = json.dumps(body).encode()
    kind = "application/json"
    cases = {
        200: (hotel, good, kind),
        400: (hotel, b"{", kind),
        401: ({}, good, kind),
        403: (prometheus, good, kind),
        413: (hotel, b" " * 40_000, kind),
        415: (hotel, good, "text/plain"),
        422: (hotel, b"{}", kind),
    }
    answers = {
        status: client.post("/forecast", headers=headers, data=content, content_type=media)
        for status, (headers, content, media) in cases.items()
    }
    answers[429] = [client.post("/forecast", headers=hotel) for _ in range(3)][-1]
    documented = document["paths"]["/forecast"]["post"]["responses"]
    # 500 and 503 need a broken model; test_api_protection.py sees to them
    assert set(documented) == {str(status) for status in answers} | {"500", "503"}
    for status, answer in answers.items():
        assert answer.status_code == status
        response = resolved(documented[str(status)], document)
        Draft202012Validator(response["content"][answer.mimetype]["schema"]).validate(
            answer.get_json()
        )
        assert set(response.get("headers", {})) <= set(answer.headers.keys())
