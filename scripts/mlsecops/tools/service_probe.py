"""Our own first look at the running service: every operation is asked once, as its document shows it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mlsecops.dast import preflight
from mlsecops.dast.service.isolation import isolated
from mlsecops.dast.service.running import Start, running
from mlsecops.dast.serving import attacking
from mlsecops.dast.target import Handler, Operation
from mlsecops.job import Job, Parsed, Problem

NAME = "service-probe"
_CANARY = Path(__file__).with_name("service_probe_canary.py")
_UNANSWERED = "unanswered-operation"
_CANARY_OPERATIONS = tuple(
    Operation(method="GET", path=path, handler=Handler("canary.py")) for path in ("/answered", "/unanswered")
)


@dataclass(frozen=True)
class ServiceProbe:
    """Starts the service and proves that each operation of its document is there to be attacked."""

    name: str = NAME
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset({_UNANSWERED})
    weight: float = 30.0
    timeout: float = 600.0
    python: str = sys.executable

    def run(self, job: Job) -> Parsed:
        """Ask the service, and a canary that is known to leave one of two operations unanswered."""
        canary = self._canary(job)
        with attacking(job) as served:
            names = frozenset(operation.name for operation in served.target.operations)
            handlers = {operation.name: operation.handler for operation in served.target.operations}
            problems = [
                Problem(handlers[name].uri, f"{name} {why}", handlers[name].line, kind="unfinished")
                for name, why in served.absent.items()
            ]
            return Parsed(
                looked_at=names - served.absent.keys(),
                due=names - served.absent.keys() or names,
                rules=[],
                results=[],
                canary=canary,
                problems=problems,
                notes=[*served.notes, f"memory: at most {served.service.watch.peak >> 20} MiB"],
            )

    def _canary(self, job: Job) -> frozenset[str]:
        with isolated(job) as isolation:
            start = Start(
                argv=(self.python, "-I", str(_CANARY)),
                folder=job.work,
                env={},
                port=None,
                health="/answered",
                seconds=30.0,
                memory=2**30,
            )
            with running(job, isolation, start) as service:
                answers = service.ask(preflight.requests(_CANARY_OPERATIONS, {}, None))
        absent = preflight.judge(_CANARY_OPERATIONS, answers, known=False).absent
        return self.canary_rules if list(absent) == ["GET /unanswered"] else frozenset()
