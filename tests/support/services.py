"""Small real services, each good or bad in one way, as projects that the DAST stage can start."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
from mlsecops.job import Context, Job, Tool
from mlsecops.policy import DastSettings, Policy
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.tools.service_probe import ServiceProbe
from support.contexts import context

SERVICE = """import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self, status=200, value=None, **headers):
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/health":
            self.respond(value="well")
        else:
            self.respond(404, "not here")

    def do_POST(self):
        if self.path == "/predict":
            self.respond(value=sum(self.body()["values"]))
        else:
            self.respond(404, "not here")


{more}
if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCUMENT = """openapi: 3.1.0
info: {title: small, version: "1"}
servers:
  - url: http://elsewhere.example
paths:
  /health:
    get:
      responses: {"200": {description: well}}
  /predict:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties: {values: {type: array, items: {type: number}}}
            example: {values: [1, 2.5]}
      responses: {"200": {description: the sum}}
"""
STARTED = DastSettings(start=("python", "service.py"), start_timeout=20.0, memory=10**9)


def make(root: Path, more: str = "", document: str | None = DOCUMENT) -> Path:
    """A project with one service in service.py; `more` changes it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "service.py").write_text(SERVICE.replace("{more}", more), encoding="utf-8")
    if document is not None:
        (root / "openapi.yaml").write_text(document, encoding="utf-8")
    return root


def surroundings(root: Path, folder: Path, settings: DastSettings = STARTED) -> Context:
    """What a tool of the stage runs with."""
    return context("dast", root, folder, policy=Policy(dast=settings))


def job(root: Path, folder: Path, settings: DastSettings = STARTED, tool: Tool | None = None) -> Job:
    """A job of the stage, its scratch folder in `folder`."""
    work = folder / "work" / "job"
    work.mkdir(parents=True)
    return Job(
        tool=tool or ServiceProbe(), context=surroundings(root, folder, settings), targets=(), work=work
    )


def processes(folder: Path) -> list[int]:
    """Everything that runs in a folder or below it."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(each.cwd()).is_relative_to(folder.resolve()):
                found.append(each.pid)
    return found


def probed(root: Path, folder: Path, settings: DastSettings = STARTED) -> Json:
    """What the probe says of a project: the properties of its run."""
    around = surroundings(root, folder, settings)
    with around.shared:
        run = scan(replace(ServiceProbe(), timeout=60.0), ("service.py",), around)
    own: Json = run["properties"]["mlsecops"]
    return own
