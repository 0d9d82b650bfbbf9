"""A pickle behind other bytes, such as a header of somebody's own or an image."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models.pickle import judge as ours
from mlsecops.models.pickle.findings import Findings, Judge
from mlsecops.models.pickle.search import find_dangerous
from mlsecops.models.source import Source
from mlsecops.models.walk import LastResort, UnreadableError, Walk

_SEARCHED = 1 << 20  # bytes, at either end
_WHERE = "Loaded from where a pickle begins in the file"


@dataclass(frozen=True, slots=True)
class PickleBehindReader(LastResort):
    """What has a harmful pickle in it that does not begin where it does."""

    judge: Judge = ours.judge
    format: str = "pickle behind other bytes"

    def finds(self, source: Source, walk: Walk) -> bool:
        """Whether there is a pickle that does harm, and say so; one that does none may be chance."""
        findings = Findings(walk.found, source.name, self.judge)
        starts = sorted({1, max(source.size - _SEARCHED, 1)})
        return any(
            find_dangerous(findings, source, start, _SEARCHED, where=_WHERE, walk=walk) for start in starts
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Raises UnreadableError where the bytes before it are of no known format."""
        del source
        if not walk.formats:
            raise UnreadableError("a pickle begins in it, what is before that is of no known format")
