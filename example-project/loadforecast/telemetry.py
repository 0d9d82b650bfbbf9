"""Prometheus metrics and JSON log lines; neither holds an address, a body or a key."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_RATIOS = (0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0, 4.0)


class Telemetry:
    """The metrics of one application; each has a registry of its own."""

    def __init__(self, model_version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "loadforecast_requests",
            "Answered requests.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "loadforecast_request_seconds",
            "Time to answer a request.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._ratio = Histogram(
            "loadforecast_forecast_to_seasonal_naive_ratio",
            "Forecast divided by the load of the same quarter hour last week; moves with drift.",
            buckets=_RATIOS,
            registry=self.registry,
        )
        Gauge(
            "loadforecast_model_info", "The loaded model.", ["version"], registry=self.registry
        ).labels(model_version).set(1)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count one request; what a client can invent does not become a label."""
        route = route or "unmatched"
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def forecast(self, load_kw: float, seasonal_naive_kw: float) -> None:
        """Note one forecast beside its baseline, both in kW."""
        if seasonal_naive_kw > 0:
            self._ratio.observe(load_kw / seasonal_naive_kw)

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self.registry)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what the record's `fields` holds is added to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def configure_logging(level: str) -> None:
    """Send all log records to standard error as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
