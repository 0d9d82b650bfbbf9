"""ZAP, from the image that the policy names by its digest, in a container that reaches the service only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson

from mlsecops.containers.building import available_engine, undo
from mlsecops.containers.engines import Engine, NoEngineError, environment
from mlsecops.containers.runs import container_name, run_name
from mlsecops.dast.attacks.rules import injection
from mlsecops.dast.engines.engine import Serve, attacked
from mlsecops.dast.engines.results import NO_REPORT, results, rules
from mlsecops.dast.engines.zap import Order, looked_at, read
from mlsecops.dast.serving import attacking
from mlsecops.dast.target import Target
from mlsecops.job import Job, Parsed, ToolError, fresh_folder
from mlsecops.toolbox import StartError

_CANARY = {"/page": injection.XSS, "/file": injection.PATH}
_READY_SECONDS = 10.0
_NO_ENGINE = "the policy asks for ZAP (dast.zap), which needs docker or podman"


@dataclass(frozen=True)
class Zap:
    """Attacks the service with an image of ZAP, and before it a service of ours with known flaws."""

    image: str
    name: str = "zap"
    environment: str | None = None
    information_uri: str = "https://www.zaproxy.org"
    canary_rules: frozenset[str] = frozenset(rule.id for rule in _CANARY.values())
    weight: float = 90.0
    timeout: float = 3600.0
    serve: Serve = attacking

    def run(self, job: Job) -> Parsed:
        """Attack the canary, then the service. Raises ToolError without an engine that runs containers."""
        try:
            engine = available_engine(job)
        except NoEngineError as error:
            raise ToolError(f"{_NO_ENGINE}: {error}") from error
        if not engine.runs:
            raise ToolError(f"{_NO_ENGINE}: buildah runs no containers")
        return attacked(
            job, self.serve, _CANARY.keys(), lambda job, target: self._attack(job, target, engine)
        )

    def _attack(self, job: Job, target: Target, engine: Engine) -> Parsed:
        order = Order(fresh_folder(job.work / "attack"))
        container = container_name(f"{run_name()}:zap-{uuid4().hex[:8]}")
        try:
            order.write(target)
            with _relayed(job, order, target) as log, _removed(engine, container, job.work):
                job.execute(
                    order.command(engine.program, self.image, container, target),
                    exit_codes=(0, 1, 2),
                    output=order.report,
                    timeout=min(self.timeout, job.policy.dast.timeout),
                    env=environment(os.environ),
                )
            answered = looked_at(log.read_text(encoding="utf-8").splitlines(), target.operations)
            found = read(orjson.loads(order.report.read_bytes()), target)
        except NO_REPORT as error:
            raise ToolError(f"its output cannot be read: {error}") from error
        finally:
            order.forget()
        return Parsed(
            looked_at=answered,
            due=frozenset(each.name for each in target.operations),
            rules=rules(found),
            results=results(found, target),
            canary=frozenset(),
            notes=[f"image: {self.image}"],
        )


@contextmanager
def _relayed(job: Job, order: Order, target: Target) -> Iterator[Path]:
    """The relay beside the service, ready; its log says what went through. Raises ToolError."""
    log = order.folder / "relay.log"
    processes = job.context.toolbox.processes
    command = order.relay(sys.executable, target)
    env = {"PATH": os.defpath}
    try:
        with processes.background(command, cwd=order.shared, env=env, log=log) as process:
            until = time.monotonic() + _READY_SECONDS
            while not log.read_bytes().startswith(b"ready\n"):
                if process.poll() is not None or time.monotonic() > until:
                    raise ToolError("the relay to the service did not start")
                time.sleep(0.02)
            yield log
    except StartError as error:
        raise ToolError(str(error)) from error


@contextmanager
def _removed(engine: Engine, container: str, work: Path) -> Iterator[None]:
    """Take the container away at the end."""
    try:
        yield
    finally:
        undo(engine.end(container), work)
