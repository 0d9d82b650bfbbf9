"""What of one run is more than GitHub keeps: long texts, many tags, places, steps, unused rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.selection import Limits
from mlsecops.sarif.text import plural, shorten
from mlsecops.sarif.union import Moved


def trim_run(run: Json, limits: Limits) -> tuple[Json, list[str]]:
    """The run with its rules and results within the limits, and a sentence for each kind of cut."""
    trimmed, notes = trim_rules(run, limits)
    cuts = Cuts()
    results = [trim_result(result, limits, cuts) for result in objects(run.get("results"))]
    return {**trimmed, "results": results}, notes + cuts.notes(run, limits)


@dataclass(slots=True)
class Cuts:
    """How many results lost places or steps."""

    places: int = 0
    steps: int = 0

    def notes(self, run: Json, limits: Limits) -> list[str]:
        """A sentence for each kind of cut in the results of a run."""
        return _notes(
            run,
            (self.places, "result", f"{limits.locations:,} places"),
            (self.steps, "result", f"{limits.flow_locations:,} steps of the code flows"),
        )


def trim_rules(run: Json, limits: Limits) -> tuple[Json, list[str]]:
    """The run with texts and tags of its rules within the limits, and a sentence for tags that are cut."""
    tool = object_of(run, "tool")
    driver = object_of(tool, "driver")
    rules = objects(driver.get("rules"))
    tagged = sum(1 for rule in rules if len(_tags(rule)) > limits.tags)
    trimmed = {**driver, "rules": [_trim_rule(rule, limits) for rule in rules]}
    notes = _notes(run, (tagged, "rule", f"{limits.tags} tags"))
    return {**run, "tool": {**tool, "driver": trimmed}}, notes


def trim_result(result: Json, limits: Limits, cuts: Cuts) -> Json:
    """The result with its places and steps within the limits, counted in `cuts`."""
    if len(objects(result.get("locations"))) > limits.locations:
        cuts.places += 1
        result = {**result, "locations": objects(result["locations"])[: limits.locations]}
    if _steps(result) > limits.flow_locations:
        cuts.steps += 1
        result = {**result, "codeFlows": _first_steps(result, limits.flow_locations)}
    return result


def drop_unused_rules(run: Json, used: Collection[str], limits: Limits) -> tuple[Json, Moved, list[str]]:
    """The run with as many rules as GitHub takes, their new numbers, and a sentence about the others.

    `used` are the ids of the rules that have a result: the others go first.
    """
    tool = object_of(run, "tool")
    driver = object_of(tool, "driver")
    rules = objects(driver.get("rules"))
    if len(rules) <= limits.rules:
        return run, {}, []
    order = sorted(range(len(rules)), key=lambda number: str(rules[number].get("id")) not in used)
    kept = sorted(order[: limits.rules])
    note = (
        f"Left out of {driver.get('name')}: {len(rules) - len(kept):,} of {plural(len(rules), 'rule')}, "
        f"those without a result, for GitHub takes {limits.rules:,} in one run."
    )
    smaller = {**run, "tool": {**tool, "driver": {**driver, "rules": [rules[number] for number in kept]}}}
    return smaller, {old: new for new, old in enumerate(kept)}, [note]


def _notes(run: Json, *cuts: tuple[int, str, str]) -> list[str]:
    """A sentence for each of some cuts that was made: how often, in what, and what is kept."""
    name = object_of(object_of(run, "tool"), "driver").get("name")
    return [
        f"Only the first {kept} of {plural(count, noun)} of {name} are kept, as on GitHub."
        for count, noun, kept in cuts
        if count
    ]


def _trim_rule(rule: Json, limits: Limits) -> Json:
    trimmed = dict(rule)
    if isinstance(rule.get("name"), str):
        trimmed["name"] = shorten(rule["name"], limits.name_length)
    for key in ("shortDescription", "fullDescription"):
        text = object_of(rule, key).get("text")
        if isinstance(text, str):
            trimmed[key] = {**rule[key], "text": shorten(text, limits.description_length)}
    if len(_tags(rule)) > limits.tags:
        trimmed["properties"] = {**rule["properties"], "tags": _tags(rule)[: limits.tags]}
    return trimmed


def _tags(rule: Json) -> list[str]:
    tags = object_of(rule, "properties").get("tags")
    return tags if isinstance(tags, list) else []


def _steps(result: Json) -> int:
    """How many steps all code flows of a result have together."""
    return sum(
        len(objects(thread.get("locations")))
        for flow in objects(result.get("codeFlows"))
        for thread in objects(flow.get("threadFlows"))
    )


def _first_steps(result: Json, limit: int) -> list[Json]:
    """The code flows with their first steps, as many as the limit; what has no step left goes."""
    left = limit
    flows = []
    for flow in objects(result.get("codeFlows")):
        threads = []
        for thread in objects(flow.get("threadFlows")):
            steps = objects(thread.get("locations"))[:left]
            left -= len(steps)
            if steps:
                threads.append({**thread, "locations": steps})
        if threads:
            flows.append({**flow, "threadFlows": threads})
    return flows
