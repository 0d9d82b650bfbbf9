"""What is new, unchanged and fixed against a baseline. In doubt a finding is new, and never fixed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlsecops.findings.groups import Group, Key
from mlsecops.findings.model import ToolReport


@dataclass(frozen=True, slots=True)
class Side:
    """One of two scans: its groups, which of them are waived, and what its tools did."""

    groups: Sequence[Group]
    waived: Collection[int]
    tools: Sequence[ToolReport]

    def accepted(self, number: int) -> bool:
        """Whether a group is waived or suppressed."""
        return number in self.waived or self.groups[number].suppressed is not None

    def targets(self, stage: str) -> frozenset[str]:
        """Every file that the tools of a stage looked at."""
        return frozenset(uri for tool in self.tools if tool.stage == stage for uri in tool.targets)

    def incomplete_stages(self) -> frozenset[str]:
        """Stages of which a tool did not finish."""
        return frozenset(tool.stage for tool in self.tools if tool.status == "incomplete")

    def complete_tools(self) -> frozenset[tuple[str, str]]:
        """Stage and name of every tool that looked at everything, in stages that finished."""
        broken = self.incomplete_stages()
        return frozenset(
            (tool.stage, tool.name) for tool in self.tools if tool.complete and tool.stage not in broken
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Numbers of the present groups that the baseline has too, and of the baseline's groups now fixed."""

    unchanged: frozenset[int]
    fixed: frozenset[int]


def compare(now: Side, then: Side) -> Comparison:
    """Match two scans, first by fingerprint and advisory, then by renamed file."""
    known = {key: number for number, group in enumerate(then.groups) for key in group.keys}
    unchanged: set[int] = set()
    gone = set(range(len(then.groups)))
    unmatched = []
    for number, group in enumerate(now.groups):
        same = {known[key] for key in group.keys if key in known}
        gone -= same
        if not same:
            unmatched.append(number)
        elif _no_more_than(now, number, then, same):
            unchanged.add(number)
    for number, origin in _renamed(now, unmatched, then, gone):
        unchanged.add(number)
        gone.discard(origin)
    return Comparison(frozenset(unchanged), frozenset(_fixed(now, then, gone)))


def _no_more_than(now: Side, number: int, then: Side, same: Collection[int]) -> bool:
    """Whether a finding is no more than it was: at no more places, and not accepted then but open now.

    Without the first, one more file with a known weakness would pass as known; without the second, moving a
    waived finding out of its waiver's path would.
    """
    if not now.accepted(number):
        same = [each for each in same if not then.accepted(each)]
    return now.groups[number].places <= sum(then.groups[each].places for each in same)


def _renamed(
    now: Side, unmatched: Sequence[int], then: Side, gone: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Pairs of a finding and its origin in a file that went away while a new one has the same text.

    Of a file without lines all of its bytes have to be the same.
    """
    stages = {group.main.stage for group in (*now.groups, *then.groups)}
    files_now = {stage: now.targets(stage) for stage in stages}
    files_then = {stage: then.targets(stage) for stage in stages}
    origins: dict[Key, list[int]] = {}
    for origin in sorted(gone, reverse=True):
        main = then.groups[origin].main
        if main.place.uri not in files_now[main.stage]:
            for key in _moving_keys(then.groups[origin]):
                origins.setdefault(key, []).append(origin)
    taken: set[int] = set()
    for number in unmatched if origins else ():
        group = now.groups[number]
        if group.main.place.uri in files_then[group.main.stage]:
            continue
        free = _first_free(origins, _moving_keys(group), taken)
        if free is not None and _no_more_than(now, number, then, [free]):
            taken.add(free)
            yield number, free


def _first_free(origins: Mapping[Key, list[int]], keys: Iterable[Key], taken: Collection[int]) -> int | None:
    """The first origin of the first key that has one left; what is taken is not looked at again."""
    for key in keys:
        known = origins.get(key, [])
        while known and known[-1] in taken:
            known.pop()
        if known:
            return known[-1]
    return None


def _moving_keys(group: Group) -> Iterator[Key]:
    """The weakness and the whole file, and the weakness and the text around it, whatever it is called."""
    main = group.main
    weakness = (main.stage, group.cwes or main.rule.id)
    if main.content:
        yield (*weakness, "file", main.content)
    if main.context:
        yield (*weakness, "text", main.context)


def _fixed(now: Side, then: Side, gone: Collection[int]) -> Iterator[int]:
    """Those of the findings that went away for which every tool that saw them looked again, completely."""
    looked_now, looked_then = now.complete_tools(), then.complete_tools()
    still = {key for group in now.groups for key in _weak_lines(group)}
    for number in sorted(gone):
        group = then.groups[number]
        looked = group.tools <= looked_now and group.tools <= looked_then
        if looked and group.suppressed is None and still.isdisjoint(_weak_lines(group)):
            yield number


def _weak_lines(group: Group) -> Iterator[Key]:
    """What another tool's finding of the same weakness on the same text has in common with it."""
    for each in group.sightings:
        for cwe in each.rule.cwes if each.context else ():
            yield (each.stage, each.place.uri, each.context, cwe)


def stages_in_doubt(then: Side, stages: Sequence[str]) -> tuple[str, ...]:
    """Those of the present stages that did not finish in the baseline, or are not in it."""
    broken = then.incomplete_stages()
    present = {tool.stage for tool in then.tools}
    return tuple(stage for stage in stages if stage in broken or stage not in present)
