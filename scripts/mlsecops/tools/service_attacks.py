"""Our own attacks on the running service, and in the same run on a service of ours that has every flaw."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from mlsecops.dast import attack
from mlsecops.dast.attacks.rules import RULES
from mlsecops.dast.canary_service import described
from mlsecops.dast.engines.results import result
from mlsecops.dast.serving import Attacked, attacking
from mlsecops.dast.target import Handler, Target
from mlsecops.job import Job, Parsed, Problem, ToolError, printable
from mlsecops.sarif.build import Json

NAME = "service-attacks"
_SCRIPTS = Path(__file__).resolve().parents[2]
# Starting, and the end of a request that has begun.
_AROUND = 15.0
_LONGEST_LINE = 1000
_NO_LINE = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class ServiceAttacks:
    """Runs the attack program where the service can be reached; each operation is a unit of its work."""

    name: str = NAME
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset(rule.id for rule in RULES)
    weight: float = 40.0
    timeout: float = 86_400.0  # the policy's time is over before
    python: str = sys.executable
    serve: Callable[[Job], AbstractContextManager[Attacked]] = attacking

    def run(self, job: Job) -> Parsed:
        """Attack the service, and the canary before it through the same code.

        What was found stays found when the service does not live through it.
        """
        found: list[Parsed] = []
        try:
            with self.serve(job) as served:
                due = _due(served)
                found.append(replace(parse(self._attack(job, served.target), served.target), due=due))
        except ToolError as error:
            if not found:
                raise
            problem = Problem(job.targets[0], str(error), kind="unfinished")
            notes = [*found[0].notes, *error.properties.get("notes", ())]
            return replace(found[0], problems=[*found[0].problems, problem], notes=notes)
        return found[0]

    def _attack(self, job: Job, target: Target) -> list[Json]:
        folder = job.work / "attack"
        folder.mkdir()
        order, canary, output = (folder / name for name in ("order.json", "canary.json", "lines.json"))
        canary.write_text(json.dumps(described().to_json()), encoding="utf-8")
        left = min(job.bounds.left(), job.policy.dast.timeout, self.timeout)
        seconds = max(left - _AROUND, left / 2)
        order.write_text(json.dumps({"target": target.to_json(), "seconds": seconds}), encoding="utf-8")
        order.chmod(0o600)
        argv = [*target.prefix, self.python, "-I", "-c", attack.START, str(_SCRIPTS)]
        try:
            arguments = [*argv, str(order), str(canary), str(output)]
            job.execute(arguments, exit_codes=(0,), output=output, timeout=left)
        finally:
            order.unlink(missing_ok=True)  # it holds the callers' keys
        return _lines(output)


def _due(served: Attacked) -> frozenset[str]:
    """The operations that answer. Raises ToolError when none does."""
    names = frozenset(each.name for each in served.target.operations)
    if names <= served.absent.keys():
        raise ToolError("{} {}".format(*next(iter(served.absent.items()))))
    return names - served.absent.keys()


def parse(lines: Iterable[Json], target: Target) -> Parsed:
    """The program's lines -> what it found. Raises ToolError when it did not get to its end."""
    by_type: dict[str, list[Json]] = {}
    for line in lines:
        by_type.setdefault(str(line["type"]), []).append(line)
    if "end" not in by_type:
        raise ToolError("its output cannot be read: it did not end its report")
    rules = {rule.id: rule for rule in RULES}
    found = [_result(line) for line in by_type.get("finding", ())]
    answered = frozenset(str(line["operation"]) for line in by_type.get("answered", ()))
    known = frozenset(each.name for each in target.operations)
    return Parsed(
        looked_at=answered & known,
        rules=[rules[rule_id].to_sarif() for rule_id in sorted({each["ruleId"] for each in found})],
        results=found,
        canary=frozenset(str(line["rule"]) for line in by_type.get("canary", ())),
        problems=list(_problems(by_type, target)),
        notes=[
            _effort(by_type["end"][0]),
            *(printable(str(line["text"])) for line in by_type.get("note", ())),
        ],
    )


def _effort(end: Json) -> str:
    """What the attack cost, in wall time and in processor time on both sides."""
    spent = f"{float(end['cpu']):.1f} s of processor time here"
    service = "" if end["service"] is None else f", {float(end['service']):.1f} s in the service"
    return f"{int(end['requests'])} requests in {float(end['seconds']):.1f} s ({spent}{service})"


def _problems(by_type: Mapping[str, list[Json]], target: Target) -> Iterable[Problem]:
    """What kept the attack from its end; it stands where the service is made."""
    sentences = []
    for line in by_type.get("died", ()):
        last = printable(str(line["curl"]))[:_LONGEST_LINE]
        sentences.append(f"the service did not live through the attack; the last request was {last}")
    for line in by_type.get("limited", ()):
        refused = f"the service refused {int(line['requests'])} requests of the attack with 429"
        sentences.append(f"{refused}: raise its limit for the scan (dast.env)")
    for line in by_type.get("unfinished", ()):
        check = printable(str(line["check"])) or "the first request"
        sentences.append(f"the stage's time (dast.timeout) was over before {check}")
    place = target.application
    return [Problem(place.uri, sentence, place.line, kind="unfinished") for sentence in sentences]


def _result(line: Json) -> Json:
    return result(
        str(line["rule"]),
        str(line["message"]),
        Handler(str(line["uri"]), int(line["line"])),
        str(line["operation"]),
        str(line["about"]),
        str(line["curl"]),
    )


def _lines(output: Path) -> list[Json]:
    try:
        lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        return [{**line, "type": str(line["type"])} for line in lines]
    except _NO_LINE as error:
        raise ToolError(f"its output cannot be read ({type(error).__name__})") from error
