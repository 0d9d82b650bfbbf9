"""Which versions an advisory means: OSV's evaluation rules with PEP 440 order.

The rules are those of https://ossf.github.io/osv-schema/#evaluation. Where a record breaks them (no
`introduced`, a bound that is no version) doubt counts as affected: shown in vain is better than lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from packaging.version import InvalidVersion, Version

Event = tuple[str, str]
"""Kind (introduced, fixed, last_affected, limit) and version."""


class IncomparableVersionError(Exception):
    """A version that is not PEP 440 meets an advisory of ranges: nobody can say on which side it is."""


@lru_cache(maxsize=1 << 16)
def parse_version(text: str) -> Version | None:
    """The PEP 440 version, or None when it is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from `low` (None: the very first) up to `high` (None: for ever; included when `closed`)."""

    low: Version | None
    high: Version | None = None
    closed: bool = False

    def __contains__(self, version: Version) -> bool:
        if self.low is not None and _against(version, self.low) < self.low:
            return False
        if self.high is None:
            return True
        own = _against(version, self.high)
        return own <= self.high if self.closed else own < self.high


@dataclass(frozen=True, slots=True)
class Range:
    """One OSV range, ready to compare: affected intervals, cut off at the limits (none: no limit)."""

    intervals: tuple[Interval, ...]
    limits: tuple[Version, ...] = ()

    def __contains__(self, version: Version) -> bool:
        if self.limits and not any(_against(version, limit) < limit for limit in self.limits):
            return False
        return any(version in interval for interval in self.intervals)


@lru_cache(maxsize=1 << 14)
def compile_range(events: tuple[Event, ...]) -> Range:
    """Events of one range in any order -> Range.

    Where one range ends and the next begins at the same version there is no gap; a range that is fixed in
    the version that introduced it is empty.
    """
    intervals: list[Interval] = []
    low: Version | None = None
    is_open = _from_the_start(events)
    points = sorted(_points(events), key=lambda point: point[0])
    for at, group in groupby(points, key=lambda point: point[0]):
        kinds = {kind for _, kind in group}
        closing = kinds & {"fixed", "last_affected"}
        if "introduced" in kinds and closing:
            if not is_open and "last_affected" in closing:
                intervals.append(Interval(at, at, closed=True))
        elif "introduced" in kinds and not is_open:
            low, is_open = at, True
        elif closing and is_open:
            intervals.append(Interval(low, at, closed="last_affected" in closing))
            low, is_open = None, False
    if is_open:
        intervals.append(Interval(low))
    return Range(tuple(intervals), _limits(events))


def affects(ranges: Sequence[tuple[Event, ...]], versions: Sequence[str], version: str) -> bool:
    """Whether a package's version is affected by the ranges or the enumerated versions of an advisory.

    A local part (`2.0.0+cpu`) counts only against a bound that has one, as in PEP 440's specifiers.
    Raises IncomparableVersionError for a version that is not PEP 440, unless it is enumerated.
    """
    wanted = version.strip()
    parsed = parse_version(wanted)
    if parsed is None:
        if wanted in versions:
            return True
        if ranges:
            raise IncomparableVersionError(f"version {wanted[:60]!r} is not PEP 440 and cannot be compared")
        return False
    return any(parsed in compile_range(events) for events in ranges) or _listed(parsed, versions)


def fixed_versions(ranges: Iterable[tuple[Event, ...]]) -> tuple[Version, ...]:
    """All versions that are said to hold a fix, in order."""
    return tuple(sorted(set(_versions(v for events in ranges for kind, v in events if kind == "fixed"))))


def _listed(version: Version, versions: Iterable[str]) -> bool:
    for text in versions:
        listed = parse_version(text)
        if listed is not None and _against(version, listed) == listed:
            return True
    return False


def _against(version: Version, bound: Version) -> Version:
    if version.local is None or bound.local is not None:
        return version
    return parse_version(version.public) or version


def _points(events: Iterable[Event]) -> list[tuple[Version, str]]:
    points: list[tuple[Version, str]] = []
    for kind, text in events:
        at = parse_version(text)
        if kind != "limit" and at is not None and (kind, text) != ("introduced", "0"):
            points.append((at, kind))
    return points


def _from_the_start(events: Iterable[Event]) -> bool:
    """ "0" sorts before every version; a beginning that is missing or no version is taken for it."""
    starts = [text for kind, text in events if kind == "introduced"]
    return not starts or any(text == "0" or parse_version(text) is None for text in starts)


def _limits(events: Iterable[Event]) -> tuple[Version, ...]:
    """The upper ends of a range; `*`, and what is no version, is no end."""
    limits = [parse_version(text) for kind, text in events if kind == "limit"]
    return () if None in limits else tuple(limit for limit in limits if limit is not None)


def _versions(texts: Iterable[str]) -> tuple[Version, ...]:
    return tuple(version for version in map(parse_version, texts) if version is not None)
