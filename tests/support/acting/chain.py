"""Our workflows in a caller's repository: who calls them how, and a run of it against the platform."""

from __future__ import annotations

import compileall
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from support import small_project
from support.acting import callers, events
from support.acting.callers import WORKFLOW, Caller, Files
from support.acting.events import Event
from support.acting.flattening import flatten
from support.acting.platform import Platform
from support.acting.runner import Act, Run
from support.acting.staging import OURS, REPOSITORY, SHA, Staged, stage

TEMPLATES = REPOSITORY / "templates" / "workflows"
# The commit that the templates stand for until a release writes its own.
_PLACEHOLDER = "0" * 40
_SHOW = """
  outputs:
    needs: %(job)s
    if: always()
    runs-on: ubuntu-24.04
    permissions: {}
    steps:
      - id: show
        env:
          NEEDS: ${{ toJSON(needs.%(job)s) }}
        run: |
          { echo "needs<<END"; echo "$NEEDS"; echo END; } >> "$GITHUB_OUTPUT"
"""
# Its tests need none of them: there is no index to install them from.
REQUIREMENTS = "deploy/requirements.txt"
ROOT_IMAGE = {"Dockerfile": 'FROM python:3.13.1-slim\nCMD ["python"]\n'}
# A service without a flaw, which needs no packages either.
_SERVICE = '''"""Says that it is well."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers one address."""

    server_version = "service"
    sys_version = ""

    def do_GET(self) -> None:
        """Say so."""
        status = 200 if self.path.partition("?")[0] == "/health" else 404
        content = json.dumps({"status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
_OPENAPI = """openapi: 3.1.0
info: {title: an app, version: "1"}
paths:
  /health: {get: {responses: {"200": {description: well}}}}
"""
SERVICE = {
    "service.py": _SERVICE,
    "openapi.yaml": _OPENAPI,
    ".github/mlsecops.yml": "version: 1\ndast: {start: [python, service.py], health: /health}\n",
}
# No image is built in these tests.
NO_ENGINE: dict[str, object] = {"image": "when-available"}


def template(name: str, **inputs: object) -> str:
    """A workflow from templates/ that calls this repository, its last job with these inputs."""
    text = (TEMPLATES / name).read_text("utf-8").replace("OWNER/mlsecops", OURS).replace(_PLACEHOLDER, SHA)
    return text + (f"    with: {json.dumps(inputs)}\n" if inputs else "")


def secure_ml(**inputs: object) -> str:
    """The caller's workflow of templates/, and a job that shows what comes out of it."""
    return template("mlsecops.yml", **{**NO_ENGINE, **inputs}) + _SHOW % {"job": "mlsecops"}


def compact(**inputs: object) -> str:
    """The same for the chain in one job."""
    return template("mlsecops-compact.yml", **{**NO_ENGINE, **inputs}) + _SHOW % {"job": "mlsecops"}


def project(folder: Path, workflow: str, files: Files | None = None) -> Caller:
    """A repository with a small, clean project that calls our workflows; `files` go over it.

    Every stage has something to look at but DAST, for which there is SERVICE.
    """
    small_project.make(folder)
    # The small project's own workflow has the place of the one that calls us.
    (folder / WORKFLOW).unlink()
    return callers.create(folder, workflow, {REQUIREMENTS: small_project.REQUIREMENTS, **(files or {})})


def shown(run: Run) -> dict[str, Any]:
    """Result and outputs of the workflow that was called, as a caller's next job sees them."""
    found: dict[str, Any] = json.loads(run.job("outputs").step("show").outputs["needs"])
    return found


@dataclass(frozen=True)
class Chain:
    """act with our workflows staged twice, as they are (`nested`) and `flat`, and a test's platform."""

    flat: Act
    nested: Act
    platform: Platform
    folder: Path

    def run(self, caller: Caller, event: Event, *, nested: bool = False, **more: Any) -> Run:
        """Run the caller's workflow for an event that the platform knows of."""
        self.platform.know(caller, event)
        return (self.nested if nested else self.flat).run(caller, event, api=self.platform.url, **more)

    def pull_request(
        self,
        workflow: str,
        change: Files,
        *,
        kind: Callable[[str, str], Event] = events.pull_request,
        files: Files | None = None,
        nested: bool = False,
    ) -> Run:
        """Run for a pull request that changes files of the small project."""
        caller = project(self.folder / "caller", workflow, files)
        return self.run(caller, kind(*caller.propose(change)), nested=nested)

    def push(self, workflow: str, files: Files | None = None) -> Run:
        """Run for a push to main."""
        caller = project(self.folder / "caller", workflow, files)
        return self.run(caller, events.push("0" * 40, caller.sha))

    def with_changed(self, name: str, old: str, new: str) -> Chain:
        """The same with a text replaced in one of our staged files."""
        folder = self.folder / "changed"
        shutil.copytree(self.flat.staged.folder, folder)
        text = (folder / name).read_text("utf-8")
        assert old in text, f"{name} has no {old}"
        assert not name.endswith(".py"), "the compiled code would be taken in its place"
        (folder / name).write_text(text.replace(old, new), "utf-8")
        return replace(self, flat=replace(self.flat, staged=replace(self.flat.staged, folder=folder)))


def stage_both(folder: Path) -> tuple[Staged, Staged]:
    """Our workflows flat, and as they are."""
    nested, flat = stage(folder / "nested"), stage(folder / "flat")
    flatten(flat.folder, "secure-ml.yml")
    for each in (nested, flat):
        # act copies everything for each of our actions: it would be compiled as often.
        mode = PycInvalidationMode.UNCHECKED_HASH
        assert compileall.compile_dir(each.folder / "scripts", quiet=1, invalidation_mode=mode)
    return flat, nested
