from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from loadforecast.telemetry import JsonFormatter, Telemetry, configure_logging


def lines(client: FlaskClient, headers: dict[str, str]) -> list[str]:
    return client.get("/metrics", headers=headers).text.splitlines()


def test_requests_are_counted_by_route_and_status(
    client: FlaskClient, hotel: dict[str, str], prometheus: dict[str, str], body: dict[str, Any]
) -> None:
    client.post("/forecast", headers=hotel, json=body)
    client.post("/forecast", headers=hotel, json=body)
    client.post("/forecast", json=body)
    client.get("/guests/4711")
    client.open("/health", method="HACK")
    found = lines(client, prometheus)
    count = 'loadforecast_requests_total{method="%s",route="%s",status="%s"} %s'
    assert count % ("POST", "/forecast", 200, 2.0) in found
    assert count % ("POST", "/forecast", 401, 1.0) in found
    assert count % ("GET", "unmatched", 404, 1.0) in found
    assert count % ("other", "unmatched", 405, 1.0) in found
    assert "loadforecast_forecast_to_seasonal_naive_ratio_count 2.0" in found
    assert 'loadforecast_model_info{version="1.0.0"} 1.0' in found
    assert "4711" not in "".join(found)


def test_a_baseline_of_zero_is_left_out() -> None:
    telemetry = Telemetry("1")
    telemetry.forecast(10.0, 0.0)
    assert b"seasonal_naive_ratio_count 0.0" in telemetry.exposition()


def test_two_applications_do_not_share_counters() -> None:
    first, second = Telemetry("1"), Telemetry("2")
    first.answered("GET", "/health", 200, 0.001)
    assert b"/health" not in second.exposition()


def test_log_lines_hold_no_address_path_key_or_body(
    client: FlaskClient,
    hotel: dict[str, str],
    body: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "loadforecast")
    client.post("/forecast", headers=hotel, json=body)
    client.get("/guests/blue-room?name=Doe", headers={"User-Agent": "Doe/1"})
    records = [record for record in caplog.records if record.getMessage() == "request"]
    logged = [JsonFormatter().format(record) for record in records]
    first, second = (json.loads(line) for line in logged)
    assert (first["client"], first["route"], first["status"]) == ("hotel", "/forecast", 200)
    assert (second["client"], second["route"], second["status"]) == (None, None, 404)
    for secret in ("127.0.0.1", "blue-room", "Doe", hotel["Authorization"].split()[1], "98.71"):
        assert not any(secret in line for line in logged)


def test_a_log_record_is_one_line_of_json_whatever_is_in_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "two\nlines %s", ("\u2028",), None)
    text = JsonFormatter().format(record)
    assert len(text.splitlines()) == 1
    assert json.loads(text)["message"] == "two\nlines \u2028"


def test_an_exception_is_logged_in_the_same_line() -> None:
    error = ValueError("inner")
    info = (ValueError, error, None)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), info)
    text = JsonFormatter().format(record)
    assert len(text.splitlines()) == 1
    assert "ValueError: inner" in json.loads(text)["exception"]


def test_logging_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    try:
        configure_logging("WARNING")
        logging.getLogger("waitress").warning("queue")
        logging.getLogger("waitress").info("not told")
        printed = capsys.readouterr()
    finally:
        root.handlers, root.level = before, level
    assert printed.out == ""
    assert [json.loads(line)["message"] for line in printed.err.splitlines()] == ["queue"]
