"""Shared fixtures: keys are made for each run, nothing here is a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loadforecast import keys
from loadforecast.app import create_app
from loadforecast.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def issued() -> dict[str, tuple[str, str]]:
    """A key and its line for each client."""
    return {
        "hotel": keys.create("hotel", ["forecast"]),
        "prometheus": keys.create("prometheus", ["metrics"]),
    }


@pytest.fixture
def settings(issued: dict[str, tuple[str, str]]) -> Settings:
    """Settings for the committed model, on any free port."""
    ring = keys.parse("\n".join(line for _, line in issued.values()))
    return Settings(keys=ring, port=0, model=ROOT / "models" / "forecast.onnx")


@pytest.fixture
def app(settings: Settings) -> Flask:
    """The application with limits that no ordinary test reaches."""
    return create_app(replace(settings, rate_limit="1000 per second"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without a key."""
    return app.test_client()


@pytest.fixture
def hotel(issued: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The headers of a client that may forecast."""
    return {"Authorization": f"Bearer {issued['hotel'][0]}"}


@pytest.fixture
def prometheus(issued: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The headers of a client that may read metrics."""
    return {"Authorization": f"Bearer {issued['prometheus'][0]}"}


@pytest.fixture
def body() -> dict[str, Any]:
    """A good request."""
    loaded: dict[str, Any] = json.loads((ROOT / "examples" / "request.json").read_bytes())
    return loaded
