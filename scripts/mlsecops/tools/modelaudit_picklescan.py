"""modelaudit-picklescan: dangerous calls in pickles, malformed names, tampering and extension codes."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.job import Job, Parsed
from mlsecops.model_scanning.files import laid_out
from mlsecops.model_scanning.scanners import Scanner, ask
from mlsecops.models.rules.pickle import UNSAFE

_SCANNER = Scanner(program="modelaudit_picklescan", small=100)


@dataclass(frozen=True)
class ModelauditPicklescan:
    """Asks modelaudit-picklescan about pickles, joblib files and PyTorch archives."""

    name: str = "modelaudit-picklescan"
    environment: str | None = "modelaudit-picklescan"
    information_uri: str = "https://github.com/promptfoo/modelaudit"
    canary_rules: frozenset[str] = frozenset({UNSAFE.id})
    weight: float = 2.0
    timeout: float = 1800.0

    def run(self, job: Job) -> Parsed:
        """Ask about each target by itself, so that none can end the others' scan."""
        models = laid_out(job)
        return ask(job, _SCANNER, models.paths, models.problems)
