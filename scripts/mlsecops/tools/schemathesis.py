"""schemathesis: requests made of the service's OpenAPI document, with our payloads in their places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlsecops.dast.attacks.rules import access, injection, inputs, leaks
from mlsecops.dast.curl import blanked
from mlsecops.dast.engines.engine import Serve, attacked
from mlsecops.dast.engines.exchanges import judged
from mlsecops.dast.engines.results import NO_REPORT, results, rules, secrets
from mlsecops.dast.engines.schemathesis_order import Order
from mlsecops.dast.engines.schemathesis_report import Report, read
from mlsecops.dast.serving import attacking
from mlsecops.dast.target import Target
from mlsecops.job import Job, Parsed, Problem, ToolError, fresh_folder, printable

_CANARY = {
    "/sql": injection.SQL,
    "/command": injection.COMMAND,
    "/template": injection.TEMPLATE,
    "/file": injection.PATH,
    "/redirect": injection.REDIRECT,
    "/page": injection.XSS,
    "/broken": leaks.TRACEBACK,
    "/unhandled": inputs.UNHANDLED,
    "/protected": access.AUTH_IGNORED,
    "/any-key": access.WRONG_KEY,
}
_LONGEST = 300


@dataclass(frozen=True)
class Schemathesis:
    """Attacks the service, and before it a service of ours with known flaws, by the same command."""

    name: str = "schemathesis"
    environment: str | None = "schemathesis"
    information_uri: str = "https://schemathesis.readthedocs.io"
    canary_rules: frozenset[str] = frozenset(rule.id for rule in _CANARY.values())
    weight: float = 45.0
    timeout: float = 600.0
    examples: int = 10
    serve: Serve = attacking

    def run(self, job: Job) -> Parsed:
        """Attack the canary, then the service."""
        return attacked(job, self.serve, _CANARY.keys(), self._attack)

    def _attack(self, job: Job, target: Target) -> Parsed:
        order = Order(fresh_folder(job.work / "attack"))
        order.write(target, self.examples)
        try:
            job.execute(
                order.command(job.environment() / "bin" / "schemathesis", target),
                exit_codes=(0, 1),
                output=order.events,
                timeout=min(self.timeout, job.policy.dast.timeout),
                cwd=order.folder,
                env={"MLSECOPS_ORDER": str(order.payloads)},
            )
        finally:
            order.forget()
        try:
            return parse(read(order.events.read_text(encoding="utf-8").splitlines(), target), target)
        except NO_REPORT as error:
            raise ToolError(f"its output cannot be read: {type(error).__name__}: {error}") from error


def parse(report: Report, target: Target) -> Parsed:
    """What was found; an operation counts when it gave at least one answer."""
    found = judged(report.exchanges)
    return Parsed(
        looked_at=frozenset(each.operation.name for each in report.exchanges if each.reply.status),
        due=frozenset(each.name for each in target.operations),
        rules=rules(found),
        results=results(found, target),
        canary=frozenset(),
        problems=[*_problems(report, target)],
        notes=[f"{len(report.exchanges)} requests in {report.seconds:.0f} s"],
    )


def _problems(report: Report, target: Target) -> Iterable[Problem]:
    handlers = {each.name: each.handler for each in target.operations}
    for name, trouble in report.troubles:
        place = handlers.get(name, target.application)
        text = printable(blanked(f"{name}: {trouble}" if name else trouble, secrets(target)))
        yield Problem(place.uri, text[:_LONGEST], place.line)
    if report.limited:
        place = target.application
        refused = f"the service refused {report.limited} requests of the attack with 429"
        yield Problem(place.uri, f"{refused}: raise its limit for the scan (dast.env)", place.line)
