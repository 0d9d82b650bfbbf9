"""The Flask application: POST /forecast, GET /health, GET /metrics."""

from __future__ import annotations

import logging
import os
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ValidationError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
)

from loadforecast import problems
from loadforecast.features import EV_HISTORY, HISTORY
from loadforecast.model import Forecaster, ModelError
from loadforecast.schema import ForecastRequest, ForecastResponse
from loadforecast.settings import Settings
from loadforecast.telemetry import Telemetry

_log = logging.getLogger("loadforecast")
_FIELDS = frozenset(ForecastRequest.model_fields)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# a flat hotel on a mild Monday: proves that the loaded model still answers
_PROBE = ForecastRequest(
    time="2025-01-06T00:00:00Z",
    load_kw=[100.0] * HISTORY,
    ev_power_kw=[0.0] * EV_HISTORY,
    charge_points_in_use=0.0,
    occupancy=0.5,
    temperature_c=18.0,
).measurements()


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, set up from the environment unless settings are given.

    Raises SettingsError when no API key is set, ModelError when the model is not the recorded one.
    """
    settings = settings or Settings.from_environment(os.environ)
    forecaster = Forecaster.load(settings.model)
    telemetry = Telemetry(forecaster.version)
    app = Flask("loadforecast", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    _observe(app, settings, telemetry)
    limiter = _limit(app, settings)
    _answer_errors(app)

    @app.post("/forecast")
    def forecast() -> Response:
        _require("forecast")
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("The request body must be application/json.")
        try:
            asked = ForecastRequest.model_validate_json(request.get_data(cache=False))
        except ValidationError as error:
            raise problems.from_validation(error, _FIELDS) from error
        result = forecaster.forecast(asked.measurements())
        answer = ForecastResponse.of(asked.start, result, forecaster.version)
        telemetry.forecast(answer.forecast_kw, answer.seasonal_naive_kw)
        return Response(answer.model_dump_json() + "\n", mimetype="application/json")

    @app.get("/health")
    @limiter.exempt
    def health() -> dict[str, str]:
        try:
            forecaster.forecast(_PROBE)
        except Exception as error:
            _log.exception("the model does not answer")
            raise ServiceUnavailable("The model does not answer.") from error
        return {"status": "ok", "model_version": forecaster.version}

    @app.get("/metrics")
    def metrics() -> Response:
        _require("metrics")
        return Response(telemetry.exposition(), content_type=CONTENT_TYPE_LATEST)

    return app


def _observe(app: Flask, settings: Settings, telemetry: Telemetry) -> None:
    """Find out who calls before anything else; count, log and harden every answer."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = str(uuid.uuid4())
        credentials = request.authorization
        bearer = credentials is not None and credentials.type == "bearer"
        g.client = settings.keys.identify(credentials.token if bearer and credentials else None)

    @app.after_request
    def end(answer: Response) -> Response:
        answer.headers.update(_HEADERS)
        answer.headers["X-Request-ID"] = g.request_id
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            answer.headers.pop("Retry-After", None)  # the limiter sends it with every answer
        seconds = time.perf_counter() - g.started
        route = request.url_rule.rule if request.url_rule else None
        telemetry.answered(request.method, route, answer.status_code, seconds)
        fields = {
            "request_id": g.request_id,
            "client": g.client.name if g.client else None,
            "method": request.method[:10],
            "route": route,  # the pattern, never the path that was sent
            "status": answer.status_code,
            "milliseconds": round(seconds * 1000, 2),
        }
        _log.info("request", extra={"fields": fields})
        return answer


def _limit(app: Flask, settings: Settings) -> Limiter:
    """Limit requests per key, and per address for those without one, before the body is read."""

    def caller() -> str:
        return f"key:{g.client.name}" if g.client else f"address:{request.remote_addr}"

    def allowance() -> str:
        return settings.rate_limit if g.client else settings.anonymous_rate_limit

    # the counters live in this process: waitress runs one process with threads
    return Limiter(
        caller,
        app=app,
        default_limits=[allowance],
        storage_uri="memory://",
        strategy="moving-window",
        headers_enabled=True,
    )


def _require(scope: str) -> None:
    """Let only keys with this scope pass. Raises Unauthorized or Forbidden."""
    if g.client is None:
        challenge = WWWAuthenticate("bearer", {"realm": "loadforecast"})
        raise Unauthorized("A valid API key is needed.", www_authenticate=challenge)
    if scope not in g.client.scopes:
        raise Forbidden("This API key may not do that.")


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def expected(error: HTTPException) -> Response:
        return problems.response(error, g.request_id)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        _log.error("request failed", exc_info=error, extra={"fields": {"request_id": g.request_id}})
        hidden = InternalServerError("The request could not be answered.")
        if isinstance(error, ModelError):
            return problems.response(ServiceUnavailable("The model does not answer."), g.request_id)
        return problems.response(hidden, g.request_id)
