"""How an engine is run: on the canary in a namespace of its own, then on the service, the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace

from mlsecops.dast.curl import blanked
from mlsecops.dast.engines.canary import canary
from mlsecops.dast.engines.results import secrets
from mlsecops.dast.serving import Attacked
from mlsecops.dast.target import Handler, Operation, Target
from mlsecops.job import Job, Parsed, Problem, ToolError

Serve = Callable[[Job], AbstractContextManager[Attacked]]
Attack = Callable[[Job, Target], Parsed]


def attacked(job: Job, serve: Serve, paths: Collection[str], attack: Attack) -> Parsed:
    """What an attack finds on the service; `paths` are the operations of the canary. Raises ToolError."""
    known, notes = _known(job, paths, attack)
    found: list[tuple[Parsed, Handler]] = []
    try:
        with serve(job) as served:
            target = replace(served.target, operations=there(served))
            found.append((_quiet(attack, job, target), target.application))
    except ToolError as error:
        # What was found stays found when the service does not live through it.
        if not found:
            raise
        parsed, place = found[0]
        parsed.problems.append(Problem(place.uri, str(error), place.line))
    parsed, _ = found[0]
    return replace(parsed, canary=known, notes=[*parsed.notes, *notes])


def there(served: Attacked) -> tuple[Operation, ...]:
    """The operations that are known to answer."""
    return tuple(each for each in served.target.operations if each.name not in served.absent)


def _known(job: Job, paths: Collection[str], attack: Attack) -> tuple[frozenset[str], list[str]]:
    """The rules that the canary sets off, or why it cannot be attacked."""
    with canary(job, paths) as target:
        try:
            results = _quiet(attack, job, target).results
        except ToolError as error:
            return frozenset(), [f"on the canary, {error}"]
    return frozenset(str(each["ruleId"]) for each in results), []


def _quiet(attack: Attack, job: Job, target: Target) -> Parsed:
    """Attack; what an engine says when it fails may hold keys."""
    try:
        return attack(job, target)
    except ToolError as error:
        raise ToolError(blanked(str(error), secrets(target)), error.properties) from None
