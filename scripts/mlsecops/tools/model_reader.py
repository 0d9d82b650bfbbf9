"""Our own readers over every model file, in processes of their own: what loading each of them would do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from mlsecops.job import Job, Parsed, Problem, printable
from mlsecops.model_scanning.findings import Loads, findings
from mlsecops.model_scanning.opinions import VIEW, view_of
from mlsecops.model_scanning.readings import CANARY_RULE, read_models
from mlsecops.models.inspect import UNKNOWN_FORMAT
from mlsecops.models.outcome import Inspected
from mlsecops.models.rules import RULES
from mlsecops.models.rules.policy import RULES as POLICY_RULES
from mlsecops.models.traits import TRAITS, traits
from mlsecops.project import ModelFile, Project
from mlsecops.project.model_configs import names_nothing
from mlsecops.project.pointers import absence
from mlsecops.reach import Reach, reach

NAME = "mlsecops-models"
_LONGEST_CONFIG = 16 << 20


@dataclass(frozen=True)
class ModelReader:
    """Reads every model file by its content; a format without a reader is named as not scanned."""

    name: str = NAME
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset({CANARY_RULE})
    weight: float = 3.0
    timeout: float = 1800.0
    python: str = sys.executable

    def run(self, job: Job) -> Parsed:
        """Read what no earlier run has read, and say what loading each of the files would do."""
        models = {model.uri: model for model in (*job.project.models, *job.project.model_configs)}
        due = {str(job.project.file(uri).path): uri for uri in job.targets if models[uri].pointer is None}
        reading = read_models(job, due, seconds=self.timeout, python=self.python)
        every = {due[path]: seen for path, seen in reading.seen.items()}
        for uri in [uri for uri, seen in every.items() if _is_silent(job, models[uri], seen)]:
            every[uri].found.unread.clear()
        loads = _lazily(job.project)
        found = {uri: findings(models[uri], seen, job.policy.models, loads) for uri, seen in every.items()}
        whole = frozenset(uri for uri, seen in every.items() if not seen.found.unread)
        return Parsed(
            looked_at=whole,
            rules=[rule.to_sarif() for rule in (*RULES.values(), *POLICY_RULES)],
            results=[result for each in found.values() for result in each.results],
            canary=self.canary_rules if reading.canary else frozenset(),
            problems=_problems(job, models, every, {due[path]: why for path, why in reading.lost.items()}),
            properties={VIEW: view_of(found, whole), TRAITS: traits(every)},
            hashes={uri: seen.sha256 for uri, seen in every.items() if seen.sha256},
        )


def _is_silent(job: Job, model: ModelFile, seen: Inspected) -> bool:
    """Whether no reader knows a configuration because nothing in it is about models."""
    return (
        model.format == "config"
        and seen.reason == UNKNOWN_FORMAT
        and model.size <= _LONGEST_CONFIG
        and names_nothing(job.project.read_bytes(model.uri, _LONGEST_CONFIG))
    )


def _lazily(project: Project) -> Loads:
    """Who loads a file; the project's sources are read when that is asked for the first time."""

    @cache
    def once() -> Reach:
        return reach(project)

    return lambda uri: once().loads(uri)


def _problems(
    job: Job, models: Mapping[str, ModelFile], every: Mapping[str, Inspected], lost: Mapping[str, str]
) -> list[Problem]:
    reasons = {uri: seen.reason for uri, seen in every.items() if seen.found.unread} | dict(lost)
    for uri in job.targets:
        if pointer := models[uri].pointer:
            reasons[uri] = absence(pointer)
    return [Problem(uri, f"not scanned: {printable(reasons[uri])[:300]}") for uri in sorted(reasons)]
