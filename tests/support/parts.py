"""Bytes handed to readers of models, as a file would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlsecops.models.inspection import Inspection
from mlsecops.models.source import Source
from mlsecops.models.walk import Reader, Walk


def read_with(folder: Path, data: bytes, *readers: Reader, name: str = "part") -> Inspection:
    """What the readers that know the bytes say of them; none of them may raise."""
    path = folder / name
    path.write_bytes(data)
    found = Inspection()
    with path.open("rb", buffering=0) as stream:
        walk = Walk(readers=readers, found=found, scratch=folder)
        if not walk.read(Source.of(stream)):
            found.not_read("", "nobody knows it")
    return found


def rules(found: Inspection) -> list[str]:
    """The rules of all facts, in order."""
    return sorted({fact.rule for fact in found.facts.values()})


def subjects(found: Inspection, rule: str) -> list[str]:
    """What the facts of a rule are about."""
    return sorted(fact.subject for fact in found.facts.values() if fact.rule == rule)


def reasons(found: Inspection) -> list[str]:
    """Why parts were not read."""
    return [each.reason for each in found.unread]


Readers = Sequence[Reader]
