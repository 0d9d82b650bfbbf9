"""What a check gets to see beside the Dockerfile, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from mlsecops.sarif.build import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the Dockerfile lies (`uri`), the files of its repository, how to read one, and what day it is."""

    uri: str
    files: frozenset[str]
    read: Callable[[str], str]
    today: date


@dataclass(frozen=True, slots=True)
class Found:
    """One weakness. `severity` overrides the rule's; `about` tells it from others of its rule in this file.

    Without `about` the weakness and the text of its line are its identity.
    """

    rule: Rule
    message: str
    line: int
    severity: float | None = None
    about: tuple[str, ...] | None = None


def identity(rule: Rule, uri: str, about: tuple[str, ...]) -> tuple[str, ...]:
    """What makes a finding the same one whoever reports it."""
    return ("dockerfile", rule.id, uri, *about)
