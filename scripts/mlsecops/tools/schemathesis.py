"""schemathesis: requests made of the service's OpenAPI document, with our payloads in their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from mlsecops.dast.attacks.messages import Found
from mlsecops.dast.attacks.rules import access, injection, inputs, leaks
from mlsecops.dast.curl import blanked
from mlsecops.dast.engines.canary import canary
from mlsecops.dast.engines.exchanges import judged
from mlsecops.dast.engines.results import results, rules, secrets
from mlsecops.dast.engines.schemathesis import Order, Report, read
from mlsecops.dast.serving import Attacked, attacking
from mlsecops.dast.target import Handler, Target
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
_NO_LINE = (LookupError, TypeError, ValueError, AttributeError)
_LONGEST = 300


@dataclass(frozen=True)
class Schemathesis:
    """Attacks the service, and before it a service of ours with known flaws, by the same command."""

    name: str = "schemathesis"
    environment: str | None = "schemathesis"
    information_uri: str = "https://schemathesis.readthedocs.io"
    canary_rules: frozenset[str] = frozenset(rule.id for rule in _CANARY.values())
    weight: float = 25.0
    timeout: float = 600.0
    examples: int = 10
    serve: Callable[[Job], AbstractContextManager[Attacked]] = attacking

    def run(self, job: Job) -> Parsed:
        """Attack the canary in a namespace of its own, then the service."""
        known, notes = self._known(job)
        found: list[Parsed] = []
        try:
            with self.serve(job) as served:
                due = tuple(each for each in served.target.operations if each.name not in served.absent)
                target = replace(served.target, operations=due)
                found.append(parse(self._attack(job, target), target, known, notes))
        except ToolError as error:
            # What was found stays found when the service does not live through it.
            if not found:
                raise
            return replace(found[0], problems=[*found[0].problems, Problem(job.targets[0], str(error))])
        return found[0]

    def _known(self, job: Job) -> tuple[list[Found], list[str]]:
        """What it finds on the canary, or why it cannot: if it finds nothing anywhere, the service tells."""
        with canary(job, _CANARY.keys()) as target:
            try:
                return judged(self._attack(job, target).exchanges), []
            except ToolError as error:
                return [], [f"on the canary, {error}"]

    def _attack(self, job: Job, target: Target) -> Report:
        order = Order(fresh_folder(job.work / "attack"))
        order.write(target, self.examples)
        try:
            job.execute(
                order.command(job.environment() / "bin" / "schemathesis", target),
                exit_codes=(0, 1),
                output=order.events,
                cwd=order.folder,
                env={"MLSECOPS_ORDER": str(order.payloads)},
            )
        finally:
            order.forget()
        try:
            return read(order.events.read_text(encoding="utf-8").splitlines(), target)
        except _NO_LINE as error:
            raise ToolError(f"its output cannot be read: {type(error).__name__}: {error}") from error


def parse(report: Report, target: Target, known: Iterable[Found], notes: Iterable[str] = ()) -> Parsed:
    """What was found; an operation counts when it gave at least one answer."""
    found = judged(report.exchanges)
    return Parsed(
        looked_at=frozenset(each.operation.name for each in report.exchanges),
        due=frozenset(each.name for each in target.operations),
        rules=rules(found),
        results=results(found, target),
        canary=frozenset(each.rule.id for each in known),
        problems=[*_problems(report, target)],
        notes=[f"{len(report.exchanges)} requests in {report.seconds:.0f} s", *notes],
    )


def _problems(report: Report, target: Target) -> Iterable[Problem]:
    handlers = {each.name: each.handler for each in target.operations}
    for name, trouble in report.troubles:
        place: Handler = handlers.get(name, target.application)
        text = printable(blanked(f"{name}: {trouble}" if name else trouble, secrets(target)))
        yield Problem(place.uri, text[:_LONGEST], place.line)
    if report.limited:
        place = target.application
        refused = f"the service refused {report.limited} requests of the attack with 429"
        yield Problem(place.uri, f"{refused}: raise its limit for the scan (dast.env)", place.line)
