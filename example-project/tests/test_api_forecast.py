from __future__ import annotations

import json
from datetime import datetime
from itertools import product
from typing import Annotated, Any

import pytest
from flask.testing import FlaskClient
from pydantic import Field, TypeAdapter, ValidationError
from werkzeug.test import TestResponse

from loadforecast.model import Forecaster
from loadforecast.schema import TIME, ForecastRequest
from loadforecast.settings import Settings

MISSING = object()


def post(client: FlaskClient, headers: dict[str, str], body: object) -> TestResponse:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post("/forecast", headers=headers, data=content, content_type="application/json")


def test_a_forecast(client: FlaskClient, hotel: dict[str, str], body: dict[str, Any]) -> None:
    answer = post(client, hotel, body)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    found = answer.get_json()
    assert found["start"] == "2026-03-13T18:00:00+01:00"
    assert found["end"] == "2026-03-13T18:15:00+01:00"
    assert found["interval_kw"]["low"] < found["forecast_kw"] < found["interval_kw"]["high"]
    assert found["seasonal_naive_kw"] == body["load_kw"][0]
    last = body["load_kw"][-1]
    assert 0.7 * last < found["forecast_kw"] < 1.3 * last


def test_it_is_the_models_answer(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any], settings: Settings
) -> None:
    direct = Forecaster.load(settings.model).forecast(ForecastRequest(**body).measurements())
    found = post(client, hotel, body).get_json()
    assert found["forecast_kw"] == pytest.approx(direct.load_kw[0], abs=5e-4)


def test_the_clock_is_the_hotels(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any]
) -> None:
    here = ForecastRequest(**body).measurements()
    assert (here.quarter_hour[0], here.weekday[0]) == (72, 4)
    utc = ForecastRequest(**{**body, "time": "2026-03-13T17:00:00Z"}).measurements()
    assert utc.quarter_hour[0] == 68
    found = post(client, hotel, {**body, "time": "2026-03-13T23:45:00-05:30"}).get_json()
    assert found["end"] == "2026-03-14T00:00:00-05:30"


@pytest.mark.parametrize("power", [0, 100_000])
def test_the_ends_of_the_scale_are_answered(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any], power: int
) -> None:
    body.update(load_kw=[power] * 672, ev_power_kw=[0, 0, 0, power])
    assert post(client, hotel, body).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time", MISSING),
        ("time", None),
        ("time", "2026-03-13T18:00:00"),
        ("time", "2026-03-13T18:01:00+01:00"),
        ("time", "2026-02-30T18:00:00+01:00"),
        ("time", "2026-03-13T24:00:00+01:00"),
        ("time", "2026-03-13T18:00:00+15:00"),
        ("time", "1999-03-13T18:00:00+01:00"),
        ("time", "2026-03-13T18:00:00+01:00\n"),
        ("time", 1773421200),
        ("load_kw", MISSING),
        ("load_kw", []),
        ("load_kw", [50.0] * 671),
        ("load_kw", [50.0] * 673),
        ("load_kw", [50.0] * 671 + [-0.1]),
        ("load_kw", [50.0] * 671 + [100_000.1]),
        ("load_kw", [50.0] * 671 + ["50"]),
        ("load_kw", [50.0] * 671 + [None]),
        ("load_kw", [50.0] * 671 + [True]),
        ("load_kw", {"0": 50.0}),
        ("ev_power_kw", [1.0, 2.0, 3.0]),
        ("ev_power_kw", [1.0, 2.0, 3.0, [4.0]]),
        ("charge_points_in_use", 1.01),
        ("occupancy", -0.01),
        ("occupancy", "0.5"),
        ("temperature_c", 60.5),
        ("temperature_c", 10**400),
        ("surprise", 1),
    ],
)
def test_a_wrong_field_is_a_422_that_names_it(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any], field: str, value: object
) -> None:
    body[field] = value
    if value is MISSING:
        del body[field]
    answer = post(client, hotel, body)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    told = answer.get_json()
    assert told["title"]
    expected = field if field in ForecastRequest.model_fields else "(unknown field)"
    assert told["errors"][0]["field"].partition(".")[0] == expected
    assert told["errors"][0]["message"]


def test_exactly_the_days_that_exist_are_days() -> None:
    adapter = TypeAdapter(Annotated[str, Field(pattern=TIME)])
    for year, month, day in product((2000, 2024, 2026, 2096, 2099), range(14), range(33)):
        text = f"{year}-{month:02}-{day:02}T00:00:00Z"
        try:
            expected = datetime.fromisoformat(text) is not None
        except ValueError:
            expected = False
        try:
            found = adapter.validate_python(text) == text
        except ValidationError:
            found = False
        assert found is expected, text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any], number: str
) -> None:
    content = json.dumps(body | {"occupancy": "HERE"}).replace('"HERE"', number)
    answer = post(client, hotel, content)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "occupancy"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"load", b'{"a": 1} x', b"\xff\xfe", b"[" * 5000, b'{"time": "\x00"}']
)
def test_what_is_not_json_is_a_400(
    client: FlaskClient, hotel: dict[str, str], content: bytes
) -> None:
    answer = post(client, hotel, content)
    assert answer.status_code == 400
    assert answer.get_json()["detail"] == "The request body is not valid JSON."


@pytest.mark.parametrize("content", [b"null", b"[]", b"1", b'"text"'])
def test_json_that_is_no_object_is_a_422(
    client: FlaskClient, hotel: dict[str, str], content: bytes
) -> None:
    answer = post(client, hotel, content)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "(body)"


def test_an_error_never_repeats_what_was_sent(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any]
) -> None:
    mark = "guest-4711"
    body |= {"time": mark, mark: mark, "occupancy": mark, "load_kw": [mark] * 672}
    answer = post(client, hotel, body)
    assert answer.status_code == 422
    assert mark not in answer.text
    assert len(answer.get_json()["errors"]) == 20


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_other_media_types_are_a_415(
    client: FlaskClient, hotel: dict[str, str], body: dict[str, Any], kind: str
) -> None:
    answer = client.post("/forecast", headers=hotel, data=json.dumps(body), content_type=kind)
    assert answer.status_code == 415
