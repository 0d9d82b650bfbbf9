"""Sightings of one weakness become one group: same fingerprint, or same advisory of the same package."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from mlsecops.findings.model import band
from mlsecops.findings.sightings import Sighting
from mlsecops.policy import Severity

Key = tuple[Hashable, ...]
# These stages run the project's code, which can make them report anything.
_RUN_THE_PROJECT = frozenset({"test", "dast"})


@dataclass(frozen=True, slots=True)
class Group:
    """Sightings of one weakness, worst open one first; `keys` is everything it can be recognised by."""

    sightings: tuple[Sighting, ...]
    keys: frozenset[Key]
    cwes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the weaknesses."""
        every = {cwe for sighting in self.sightings for cwe in sighting.rule.cwes}
        object.__setattr__(self, "cwes", tuple(sorted(every)))

    @property
    def main(self) -> Sighting:
        """The sighting that speaks for all."""
        return self.sightings[0]

    @property
    def severity(self) -> Severity:
        """The severity of the worst open sighting."""
        return band(self.main.score)

    @property
    def suppressed(self) -> str | None:
        """Why comments in the files suppress it; None as long as one sighting is not suppressed."""
        return self.main.suppressed

    @property
    def counting(self) -> tuple[Sighting, ...]:
        """The sightings that are not suppressed; all of them when all are."""
        return tuple(each for each in self.sightings if each.suppressed is None) or self.sightings

    @property
    def tools(self) -> frozenset[tuple[str, str]]:
        """The stage and name of every tool that reported it."""
        return frozenset((each.stage, each.tool) for each in self.sightings)

    @property
    def places(self) -> int:
        """At how many places it is, by the tool that saw the most."""
        if len(self.sightings) == 1:
            return 1
        seen: dict[tuple[str, str], set[Hashable]] = {}
        for each in self.counting:
            seen.setdefault((each.stage, each.tool), set()).add(each.place)
        return max(map(len, seen.values()))


def group(sightings: Iterable[Sighting]) -> list[Group]:
    """Join sightings that share a fingerprint, or an advisory of the same package, in any number of steps.

    What a stage reports that runs the project's code joins nothing that another stage found: made-up results
    could bring a new finding together with a known or a waived one.
    """
    every = list(sightings)
    keys = [_keys(sighting) for sighting in every]
    parents: dict[Key, Key] = {}
    for own in keys:
        root = _root(parents, own[0])
        for key in own[1:]:
            parents[_root(parents, key)] = root
    members: dict[Key, list[int]] = {}
    for number, own in enumerate(keys):
        members.setdefault(_root(parents, own[0]), []).append(number)
    return [
        Group(
            tuple(sorted((every[number] for number in numbers), key=worst_first)),
            frozenset(key for number in numbers for key in keys[number]),
        )
        for numbers in members.values()
    ]


def worst_first(sighting: Sighting) -> tuple[Hashable, ...]:
    """Sort key: open before suppressed, then severity, then what makes the order the same every time.

    A severity that somebody knows comes before one that is assumed because it is not known.
    """
    place = sighting.place
    suppressed = sighting.suppressed is not None
    assumed = sighting.own.get("severity-basis") == "unknown"
    order = (sighting.tool, sighting.rule.id, place, sighting.fingerprint)
    return (suppressed, assumed, -sighting.score, *order)


def _keys(sighting: Sighting) -> Sequence[Key]:
    realm = sighting.stage if sighting.stage in _RUN_THE_PROJECT else ""
    fingerprint: Key = ("fingerprint", realm, sighting.fingerprint)
    if sighting.package is None:
        return (fingerprint,)
    names = sighting.advisories
    return (fingerprint, *(("advisory", realm, sighting.package, name.upper()) for name in names))


def _root(parents: dict[Key, Key], key: Key) -> Key:
    """The representative of a key, with the way to it shortened for the next time."""
    root = key
    while parents.get(root, root) != root:
        root = parents[root]
    while parents.get(key, key) != key:
        parents[key], key = root, parents[key]
    return root
