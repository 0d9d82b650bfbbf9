"""Which waiver covers which group of sightings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from mlsecops.findings.groups import Group
from mlsecops.findings.model import band
from mlsecops.findings.sightings import package_name
from mlsecops.policy import Waiver, matches


@dataclass(frozen=True, slots=True)
class Cover:
    """The waivers that match a group somewhere; `waiver` ends first of them, when they cover all of it."""

    waiver: Waiver | None = None
    matched: frozenset[Waiver] = frozenset()


@dataclass(frozen=True, slots=True)
class Waivers:
    """Unexpired waivers by the rule or advisory that they accept."""

    by_name: dict[str, list[Waiver]]

    @classmethod
    def valid(cls, waivers: Iterable[Waiver], today: date) -> Waivers:
        """Those of the waivers that hold today."""
        by_name: dict[str, list[Waiver]] = {}
        for waiver in waivers:
            if not waiver.expired(today):
                name = f"rule {waiver.rule}" if waiver.rule else f"advisory {waiver.what.upper()}"
                by_name.setdefault(name, []).append(waiver)
        return cls(by_name)

    def cover(self, group: Group) -> Cover:
        """The waivers of a group; it is waived only when every file in which it was seen is covered.

        A waiver by rule has to name a rule of the group's highest severity, so that accepting a note does not
        accept what a second tool thinks critical.
        """
        candidates = self._candidates(group) if self.by_name else ()
        if not candidates:
            return Cover()
        matched: set[Waiver] = set()
        covered = True
        for uri, stage in sorted({(each.place.uri, each.stage) for each in group.counting}):
            here = {
                waiver for waiver in candidates if waiver.stage in {None, stage} and matches(waiver.path, uri)
            }
            covered = covered and bool(here)
            matched |= here
        first = min(matched, key=lambda waiver: (waiver.expires, waiver.line), default=None)
        return Cover(first if covered else None, frozenset(matched))

    def _candidates(self, group: Group) -> Sequence[Waiver]:
        worst = group.severity
        names = {f"rule {each.rule.id}" for each in group.counting if band(each.score) == worst}
        names |= {f"advisory {name.upper()}" for each in group.sightings for name in each.advisories}
        package = group.main.package
        return [
            waiver
            for name in sorted(names)
            for waiver in self.by_name.get(name, ())
            if waiver.package is None or package_name(waiver.package) == package
        ]
