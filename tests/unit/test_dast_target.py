"""What goes to the attack program comes back whole; what only its caller has stays there."""

from __future__ import annotations

import json

import msgspec
import pytest
from mlsecops.dast.target import Answer, Auth, Body, Handler, Identity, Operation, Parameter, Target


def target() -> Target:
    schema = {"type": "number"}
    operation = Operation(
        method="post",
        path="/runs/{run}",
        parameters=(Parameter(name="run", where="path", required=True, schema=schema, examples=("a", 1)),),
        body=Body(required=True, content={"application/json": schema}),
        security=("key",),
        handler=Handler("app.py", 7),
        samples=({"load": [1.5, None]},),
        produces=(Answer(status="200", content={"application/json": schema}),),
    )
    return Target(
        base_url="http://127.0.0.1:8000",
        operations=(operation,),
        document={"openapi": "3.1.0"},
        document_uri="openapi.yaml",
        application=Handler("app.py", 3),
        auth=Auth(identities=(Identity(name="first", headers={"Authorization": "Bearer k-123"}),)),
        pid=42,
    )


def test_json_and_back() -> None:
    assert Target.from_json(json.loads(json.dumps(target().to_json()))) == target()


def test_what_only_the_caller_has_is_not_sent() -> None:
    assert not {"prefix", "alive"} & set(target().to_json())
    assert Target.from_json({**target().to_json(), "prefix": ["nsenter"]}).prefix == ()
    assert target().alive() == ""


def test_another_shape_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        Target.from_json({**target().to_json(), "pid": "forty-two"})


def test_the_name_people_use() -> None:
    assert target().operations[0].name == "POST /runs/{run}"


def test_a_key_is_secret_with_its_scheme_and_without() -> None:
    (identity,) = target().auth.identities
    assert identity.secrets() == ("Bearer k-123", "k-123")
    assert Identity(name="empty", headers={"X-Key": " "}).secrets() == ()


@pytest.mark.parametrize(
    ("value", "alone"),
    [
        ("Basic dXNlcjpodW50ZXIy", "hunter2"),
        ("session=abcdef12; Path=/; HttpOnly", "abcdef12"),
        ("Bearer abcdef", "abcdef"),
    ],
)
def test_the_key_in_a_header_is_as_secret_as_the_whole(value: str, alone: str) -> None:
    secrets = Identity(name="first", headers={"Authorization": value}).secrets()
    assert {value, alone} <= set(secrets)
    assert "/" not in secrets


def test_a_header_that_says_basic_and_is_not_is_one_secret() -> None:
    assert Identity(name="first", headers={"X": "Basic %%%"}).secrets() == ("Basic %%%", "%%%")
