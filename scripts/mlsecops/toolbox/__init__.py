"""External tools: their locked environments and their processes. Nothing else starts a process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import uv

from mlsecops.toolbox.environments import Environments, ToolboxError
from mlsecops.toolbox.processes import Finished, Limits, Processes, StartError, usable_cores

__all__ = [
    "Environments",
    "Finished",
    "Limits",
    "Processes",
    "StartError",
    "Toolbox",
    "ToolboxError",
    "cache_folder",
    "usable_cores",
]

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def cache_folder() -> Path:
    """The folder for tool environments and scratch work: `MLSECOPS_CACHE`, else the user's cache folder."""
    given = os.environ.get("MLSECOPS_CACHE")
    return Path(given).resolve() if given else platformdirs.user_cache_path("mlsecops")


@dataclass(frozen=True)
class Toolbox:
    """The environments tools live in and the processes they run as."""

    environments: Environments
    cache: Path
    processes: Processes = field(default_factory=Processes)

    @classmethod
    def default(cls) -> Toolbox:
        """The toolbox of this installation: locks from `scripts/requirements`, environments in the cache."""
        cache = cache_folder()
        return cls(Environments(REQUIREMENTS, cache / "tools", Path(uv.find_uv_bin())), cache)

    def environment(self, name: str) -> Path:
        """Folder of a tool's environment, made on first use. Raises ToolboxError with one sentence."""
        return self.environments.ensure(name)
