"""modelaudit: what it calls critical in model files of every format; only where the policy asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from mlsecops.job import Job, Parsed
from mlsecops.model_scanning.scanners import Scanner, ask
from mlsecops.models.rules.pickle import UNSAFE

_QUIET = MappingProxyType({"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "CI": "true"})
_SCANNER = Scanner(program="modelaudit", seconds=120.0, small=10, env=_QUIET)


@dataclass(frozen=True)
class Modelaudit:
    """Asks modelaudit about model files where they lie, for some formats have more files than one."""

    name: str = "modelaudit"
    environment: str | None = "modelaudit"
    information_uri: str = "https://github.com/promptfoo/modelaudit"
    canary_rules: frozenset[str] = frozenset({UNSAFE.id})
    weight: float = 30.0
    timeout: float = 3600.0

    def run(self, job: Job) -> Parsed:
        """Ask about each target by itself."""
        return ask(job, _SCANNER, {str(job.project.file(uri).path): uri for uri in job.targets})
