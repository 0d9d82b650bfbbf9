from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from mlsecops.policy import STAGES, ContainerSettings, Policy, TestSettings
from mlsecops.policy.check import _SENTENCES, SCHEMA_FILE

SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                yield from ((f"{path}/{name}", each) for name, each in value.items())
            yield from properties(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from properties(value, f"{path}/{number}")


def mappings(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from mappings(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from mappings(value)


def test_it_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_is_explained_to_people_in_their_editor() -> None:
    found = list(properties(SCHEMA))

    assert len(found) > 30
    assert [path for path, each in found if not each.get("description", "").endswith(".")] == []


def test_no_mapping_takes_unknown_keys() -> None:
    found = list(mappings(SCHEMA))

    assert len(found) > 7
    assert all(each["additionalProperties"] is False for each in found)


def test_every_pattern_has_a_sentence_for_people() -> None:
    def patterns(schema: Any) -> Iterator[dict[str, Any]]:
        if isinstance(schema, dict):
            if isinstance(schema.get("pattern"), str):
                yield schema
            for value in schema.values():
                yield from patterns(value)

    found = list(patterns(SCHEMA))

    assert len(found) > 6
    assert all(each["patternErrorMessage"].startswith("must ") for each in found)


def test_it_names_the_stages_of_the_chain_everywhere() -> None:
    assert tuple(SCHEMA["$defs"]["stage"]["enum"]) == STAGES
    assert tuple(SCHEMA["properties"]["stages"]["properties"]) == STAGES
    assert tuple(SCHEMA["properties"]["fail-on"]["anyOf"][1]["properties"]) == ("default", *STAGES)


def test_its_defaults_are_those_of_the_code() -> None:
    keys = SCHEMA["properties"]
    policy = Policy()

    assert keys["fail-on"]["default"] == policy.default_threshold
    assert keys["new-only"]["default"] == policy.new_only
    assert keys["on-missing-base"]["default"] == policy.on_missing_base
    assert keys["max-data-age"]["default"] == f"{policy.max_data_age.days}d"
    assert keys["test"]["properties"]["timeout"]["default"] == f"{TestSettings().timeout / 60:.0f}m"
    build = keys["container"]["properties"]["timeout"]["default"]
    assert build == f"{ContainerSettings().timeout / 60:.0f}m"
    assert keys["required"]["default"] == list(policy.required)
    assert keys["waivers"]["default"] == list(policy.waivers)


def test_every_rule_of_the_schema_has_a_sentence_for_people() -> None:
    rules = {"anyOf", "additionalProperties", *_SENTENCES}
    other = {"$schema", "$id", "$defs", "$ref", "title", "description", "default", "properties", "items"}

    def keywords(schema: Any) -> Iterator[str]:
        for key, value in schema.items() if isinstance(schema, dict) else ():
            yield key
            held = (
                value.values()
                if key in {"properties", "$defs"}
                else value
                if isinstance(value, list)
                else [value]
            )
            for each in held:
                yield from keywords(each)

    assert set(keywords(SCHEMA)) <= rules | other | {"patternErrorMessage"}
