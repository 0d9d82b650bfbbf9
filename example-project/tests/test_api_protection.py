from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loadforecast.app import create_app
from loadforecast.model import Forecaster, ModelError
from loadforecast.settings import Settings, SettingsError

HEADERS = (
    "Cache-Control",
    "Content-Security-Policy",
    "Cross-Origin-Resource-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-Request-ID",
)


@pytest.mark.parametrize(("method", "path"), [("POST", "/forecast"), ("GET", "/metrics")])
@pytest.mark.parametrize(
    "credentials",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "x" * 999],
)
def test_without_a_good_key_there_is_nothing(
    client: FlaskClient, method: str, path: str, credentials: str | None
) -> None:
    headers = {} if credentials is None else {"Authorization": credentials}
    answer = client.open(path, method=method, headers=headers, json={})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.mimetype == "application/problem+json"


def test_a_key_as_another_scheme_is_refused(
    client: FlaskClient, issued: dict[str, tuple[str, str]]
) -> None:
    headers = {"Authorization": f"Token {issued['hotel'][0]}"}
    assert client.post("/forecast", headers=headers, json={}).status_code == 401


def test_a_key_does_only_what_it_is_for(
    client: FlaskClient, hotel: dict[str, str], prometheus: dict[str, str], body: dict[str, Any]
) -> None:
    assert client.post("/forecast", headers=prometheus, json=body).status_code == 403
    assert client.get("/metrics", headers=hotel).status_code == 403
    assert client.get("/metrics", headers=prometheus).status_code == 200


def test_the_body_of_a_stranger_is_not_read(client: FlaskClient) -> None:
    answer = client.post("/forecast", data=b"x" * 40_000, content_type="application/json")
    assert answer.status_code == 401


def test_no_key_no_application(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOADFORECAST_API_KEYS", "LOADFORECAST_API_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="no API key"):
        create_app()


def test_a_body_that_is_too_large_is_a_413(
    client: FlaskClient, hotel: dict[str, str], settings: Settings
) -> None:
    content = b" " * (settings.max_body_bytes + 1)
    answer = client.post(
        "/forecast",
        headers=hotel,
        data=content,
        content_type="application/json",
    )
    assert answer.status_code == 413
    assert answer.mimetype == "application/problem+json"


def test_the_largest_body_is_read(
    client: FlaskClient, hotel: dict[str, str], settings: Settings, body: dict[str, Any]
) -> None:
    content = json.dumps(body).ljust(settings.max_body_bytes)
    answer = client.post("/forecast", headers=hotel, data=content, content_type="application/json")
    assert answer.status_code == 200


def test_too_many_requests_with_one_key(
    settings: Settings, hotel: dict[str, str], prometheus: dict[str, str], body: dict[str, Any]
) -> None:
    client = create_app(replace(settings, rate_limit="3 per minute")).test_client()
    answers = [client.post("/forecast", headers=hotel, json=body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers.get("X-RateLimit-Remaining") for answer in answers] == list("2100")
    assert ["Retry-After" in answer.headers for answer in answers] == [False] * 3 + [True]
    answer = client.post("/forecast", headers=hotel, json=body)
    assert "Retry-After" in answer.get_json()["detail"]
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.mimetype == "application/problem+json"
    # another key has its own allowance, and health has none to use up
    assert client.get("/metrics", headers=prometheus).status_code == 200
    assert {client.get("/health").status_code for _ in range(10)} == {200}


def test_guessing_keys_is_limited_by_address(settings: Settings, hotel: dict[str, str]) -> None:
    client = create_app(replace(settings, anonymous_rate_limit="3 per minute")).test_client()
    codes = [
        client.post("/forecast", headers={"Authorization": f"Bearer {n}"}).status_code
        for n in range(5)
    ]
    assert codes == [401, 401, 401, 429, 429]
    other = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.post("/forecast", environ_overrides=other).status_code == 401
    # a header that anyone can write does not make another caller
    forged = client.post("/forecast", headers={"X-Forwarded-For": "192.0.2.2"})
    assert forged.status_code == 429
    # whoever has a key is not locked out by a neighbour behind the same address
    assert client.post("/forecast", headers=hotel).status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("POST", "/forecast", 401),
        ("GET", "/nothing", 404),
        ("DELETE", "/health", 405),
    ],
)
def test_every_answer_is_hardened(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert all(answer.headers.get(name) for name in HEADERS)
    assert "Access-Control-Allow-Origin" not in answer.headers
    if status >= 400:
        told = answer.get_json()
        assert told["instance"] == f"urn:uuid:{answer.headers['X-Request-ID']}"
        assert told["status"] == status


def test_a_wrong_method_is_told_the_right_one(client: FlaskClient) -> None:
    assert "POST" in client.get("/forecast").headers["Allow"]


class Failing:
    """Stands for a model that stopped working after it was loaded."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, _outputs: None, _inputs: dict[str, Any]) -> list[Any]:
        raise self.error


def broken(settings: Settings, error: Exception, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    forecaster = Forecaster(Failing(error), "0", (0.0, 0.0))
    monkeypatch.setattr(Forecaster, "load", lambda _path: forecaster)
    return create_app(settings).test_client()


@pytest.mark.parametrize(
    ("error", "status"), [(ModelError("inner detail"), 503), (RuntimeError("inner detail"), 500)]
)
def test_a_failure_tells_nothing_of_the_inside(
    settings: Settings,
    hotel: dict[str, str],
    body: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    client = broken(settings, error, monkeypatch)
    answer = client.post("/forecast", headers=hotel, json=body)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert "inner detail" not in answer.text
    assert "Traceback" not in answer.text
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert logged[0].exc_info is not None
    assert logged[0].exc_info[1] is error  # the log has what the answer does not tell


def test_health_fails_with_the_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client = broken(settings, RuntimeError("inner detail"), monkeypatch)
    answer = client.get("/health")
    assert answer.status_code == 503
    assert "inner detail" not in answer.text


def test_health_names_the_model(client: FlaskClient) -> None:
    assert client.get("/health").get_json() == {"status": "ok", "model_version": "1.0.0"}


def test_a_spoiled_model_stops_the_application(settings: Settings, tmp_path: Path) -> None:
    spoiled = tmp_path / "forecast.onnx"
    spoiled.write_bytes(settings.model.read_bytes() + b"\0")
    (tmp_path / "SHA256SUMS").write_bytes(settings.model.with_name("SHA256SUMS").read_bytes())
    with pytest.raises(ModelError, match="checksum"):
        create_app(replace(settings, model=spoiled))


def test_there_is_no_debugger_and_no_static_folder(app: Flask) -> None:
    assert not app.debug
    assert {rule.rule for rule in app.url_map.iter_rules()} == {"/forecast", "/health", "/metrics"}
