"""What was learnt of one version of one library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows (module, name, kind, reach) of its classes and functions; (module, name, kind) of pickles."""

    library: str
    version: str
    listed: list[tuple[Any, ...]]
    seen: list[tuple[Any, ...]]
