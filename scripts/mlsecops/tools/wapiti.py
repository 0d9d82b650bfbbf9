"""wapiti: its own payloads in the parameters of addresses, beside ours.

It ends with 0 whatever happened, so only its report counts, and what it prints of requests it could not send.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from mlsecops.dast.attacks.rules import injection
from mlsecops.dast.engines.engine import Serve, attacked, there
from mlsecops.dast.engines.results import NO_REPORT, results, rules
from mlsecops.dast.engines.wapiti import Order, Report, attackable, read
from mlsecops.dast.serving import attacking
from mlsecops.dast.target import Target
from mlsecops.job import Job, NotDueError, Parsed, Problem, ToolError, fresh_folder

_CANARY = {
    "/sql": injection.SQL,
    "/command": injection.COMMAND,
    "/file": injection.PATH,
    "/page": injection.XSS,
    "/header": injection.HEADER,
    "/redirect": injection.REDIRECT,
}


@dataclass(frozen=True)
class Wapiti:
    """Attacks operations with query parameters, and before them a service of ours with known flaws."""

    name: str = "wapiti"
    environment: str | None = "wapiti"
    information_uri: str = "https://wapiti-scanner.github.io"
    canary_rules: frozenset[str] = frozenset(rule.id for rule in _CANARY.values())
    weight: float = 20.0
    timeout: float = 600.0
    serve: Serve = attacking

    def run(self, job: Job) -> Parsed:
        """Attack the canary, then the service. Raises NotDueError where no address has parameters."""
        with self.serve(job) as served:
            if not attackable(there(served)):
                raise NotDueError("no operation that answers has a query parameter")
        return attacked(job, self.serve, _CANARY.keys(), self._attack)

    def _attack(self, job: Job, target: Target) -> Parsed:
        target = replace(target, operations=attackable(target.operations))
        order = Order(fresh_folder(job.work / "attack"))
        order.write(target)
        try:
            completed = job.execute(
                order.command(job.environment() / "bin" / "wapiti", target),
                exit_codes=(0,),
                output=order.report,
                timeout=min(self.timeout, job.policy.dast.timeout),
                cwd=order.folder,
                env=order.env(),
            )
            said = completed.stdout.read_text(encoding="utf-8", errors="replace")
            return parse(read(orjson.loads(order.report.read_bytes()), said, target), target)
        except NO_REPORT as error:
            raise ToolError(f"its output cannot be read: {type(error).__name__}: {error}") from error
        finally:
            order.forget()
            # It prints requests as it sent them.
            for printed in job.work.glob("runs*/stdout"):
                printed.unlink()


def parse(report: Report, target: Target) -> Parsed:
    """What was found; an operation counts when its page came."""
    place = target.application
    return Parsed(
        looked_at=report.looked_at,
        due=frozenset(each.name for each in target.operations),
        rules=rules(report.found),
        results=results(report.found, target),
        canary=frozenset(),
        problems=[Problem(place.uri, trouble, place.line) for trouble in report.troubles],
        notes=list(report.notes),
        version=report.version,
    )
