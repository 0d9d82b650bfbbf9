"""picklescan: imports in pickles that are on its list of dangerous ones."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.job import Job, Parsed
from mlsecops.model_scanning.files import laid_out
from mlsecops.model_scanning.scanners import Scanner, ask
from mlsecops.models.rules.pickle import UNSAFE

_SCANNER = Scanner(program="picklescan", small=1000)


@dataclass(frozen=True)
class Picklescan:
    """Asks picklescan about pickles, joblib files and PyTorch archives."""

    name: str = "picklescan"
    environment: str | None = "picklescan"
    information_uri: str = "https://github.com/mmaitre314/picklescan"
    canary_rules: frozenset[str] = frozenset({UNSAFE.id})
    weight: float = 0.5
    timeout: float = 1800.0

    def run(self, job: Job) -> Parsed:
        """Ask about each target by itself, so that none can end the others' scan."""
        models = laid_out(job)
        return ask(job, _SCANNER, models.paths, models.problems)
