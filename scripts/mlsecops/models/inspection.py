"""What was learnt of a model file: facts, what could not be read, and who made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_MOST_OPERATORS, _LONGEST_OPERATOR = 1000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that loading the file would do, or that is wrong with it.

    `rule` is a key of `rules.RULES`; `subject` names what it is about, such as `posix.system`, and with the
    rule tells one fact from another; `message` is one sentence. `part` and `offset` say where in the file.
    `severity` is the rule's unless given.
    """

    rule: str
    subject: str
    message: str
    part: str = ""
    offset: int | None = None
    severity: float | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be looked at, or not to its end, with the reason as a person reads it."""

    part: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Inspection:
    """What readers found so far; they add to it.

    `formats` are those of the parts, outermost first; `imports` all global names that the file refers to;
    `operators` what its graph computes with, or the classes of its layers; `producer` the library that wrote
    it, where it says so; `streams` counts what was read to its end.
    """

    formats: list[str] = field(default_factory=list)
    facts: dict[tuple[str, str, str], Fact] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    producer: str = ""
    details: dict[str, str] = field(default_factory=dict)
    streams: int = 0

    def add(self, fact: Fact) -> None:
        """Keep a fact; the same one of the same part stays once, the first and gravest."""
        key = (fact.rule, fact.subject, fact.part)
        known = self.facts.get(key)
        if known is None or (fact.severity or 0) > (known.severity or 0):
            self.facts[key] = fact

    def has_operators(self, names: Iterable[str]) -> None:
        """Keep what a graph or its layers are made of, as long as that is no flood."""
        for name in names:
            if name and len(self.operators) < _MOST_OPERATORS:
                self.operators.add(name[:_LONGEST_OPERATOR])

    def not_read(self, part: str, reason: str) -> None:
        """Say that a part was not looked at: the file is then never clean."""
        self.unread.append(Unread(part, reason))


Details = Mapping[str, str]
