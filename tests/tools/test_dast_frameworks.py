"""One guess per framework: an application that the code makes is started as it is, with the real packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from mlsecops.dast.serving import attacking
from mlsecops.dast.target import Handler
from mlsecops.policy import DastSettings
from support import services

FLASK = """from flask import Flask, request


def create_app():
    app = Flask("a")

    @app.post("/predict")
    def predict():
        data = request.get_json()
        return {"sum": sum(data["values"])}

    return app
"""
FASTAPI = """from fastapi import FastAPI
from pydantic import BaseModel
from service.scaling import SCALE

app = FastAPI()


class Row(BaseModel):
    values: list[float]


@app.post("/predict")
def predict(row: Row) -> float:
    return sum(row.values) * SCALE
"""
DASH = """from dash import Dash, html

app = Dash(__name__)
app.layout = html.Div("hello")
"""
CONNEXION = """import connexion

app = connexion.FlaskApp(__name__, specification_dir=".")
app.add_api("openapi.yaml")
"""
HANDLERS = 'def predict(body):\n    return sum(body["values"])\n'
DOCUMENT = """openapi: 3.0.3
info: {title: c, version: "1"}
servers: [{url: /v1}]
paths:
  /predict:
    post:
      operationId: handlers.predict
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {values: {type: array}}, example: {values: [1.0]}}
      responses: {"200": {description: the sum}}
"""


@dataclass(frozen=True)
class Framework:
    """A project, and where the handlers of its operations are."""

    files: dict[str, str]
    handlers: dict[str, Handler]
    note: str = ""


FRAMEWORKS = {
    "flask": Framework(
        {"requirements.txt": "flask>=3,<4\n", "app.py": FLASK},
        {"POST /predict": Handler("app.py", 8)},
        "the operations are those that the code shows",
    ),
    "fastapi": Framework(
        {
            "requirements.txt": "fastapi<1\nuvicorn<1\n",
            "service/__init__.py": "",
            "service/main.py": FASTAPI,
            "service/scaling.py": "SCALE = 2\n",
        },
        {"POST /predict": Handler("service/main.py", 13)},
        "the service's own one was used",
    ),
    "dash": Framework(
        {"requirements.txt": "dash>=3,<5\n", "board.py": DASH},
        dict.fromkeys(
            ("GET /", "GET /_dash-layout", "GET /_dash-dependencies", "POST /_dash-update-component"),
            Handler("board.py", 3),
        ),
        "a Dash application",
    ),
    "connexion": Framework(
        {
            "requirements.txt": "connexion[flask,uvicorn]>=3,<4\n",
            "app.py": CONNEXION,
            "handlers.py": HANDLERS,
            "openapi.yaml": DOCUMENT,
        },
        {"POST /v1/predict": Handler("handlers.py", 1)},
    ),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_it_is_started_without_being_told_how(name: str, tmp_path: Path) -> None:
    framework = FRAMEWORKS[name]
    for file, text in framework.files.items():
        path = tmp_path / "p" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    job = services.job(tmp_path / "p", tmp_path, DastSettings(start_timeout=60.0))
    with job.context.shared, attacking(job) as served:
        found = {operation.name: operation.handler for operation in served.target.operations}
        assert served.absent == {}
        assert served.service.pid
    assert found == framework.handlers
    assert any(framework.note in note for note in served.notes)
    assert any(
        note.startswith(f"the policy does not say how the service starts: {name},") for note in served.notes
    )
