"""A file may say the same thing a million times; a hundred times is enough to judge it and to report it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlsecops.models.inspection import Fact


def enough(facts: Iterable[Fact], most: int = 100) -> Iterator[Fact]:
    """The facts, and of one rule with one severity no more than `most`; a graver one always comes through."""
    seen: Counter[tuple[str, float | None]] = Counter()
    for fact in facts:
        key = (fact.rule, fact.severity)
        seen[key] += 1
        if seen[key] <= most:
            yield fact
