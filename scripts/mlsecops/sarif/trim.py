"""What of one run is more than GitHub keeps: long texts, many tags, places, steps, unused rules."""

from __future__ import annotations

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.selection import Limits
from mlsecops.sarif.text import shorten


def trim_run(run: Json, limits: Limits) -> tuple[Json, list[str]]:
    """The run with its rules and results within the limits, and a sentence for each kind of cut."""
    driver = object_of(object_of(run, "tool"), "driver")
    given = objects(driver.get("rules"))
    rules = [_trim_rule(rule, limits) for rule in given]
    tagged = sum(1 for rule in given if len(_tags(rule)) > limits.tags)
    placed = stepped = 0
    results = []
    for given_result in objects(run.get("results")):
        result = given_result
        if len(objects(result.get("locations"))) > limits.locations:
            placed += 1
            result = {**result, "locations": result["locations"][: limits.locations]}
        if _steps(result) > limits.flow_locations:
            stepped += 1
            result = {**result, "codeFlows": _first_steps(result, limits.flow_locations)}
        results.append(result)
    counts = (
        (tagged, f"rules have more than {limits.tags} tags"),
        (placed, f"results have more than {limits.locations:,} places"),
        (stepped, f"results have code flows of more than {limits.flow_locations:,} steps"),
    )
    notes = [
        f"{count:,} {what} in {driver.get('name')}: GitHub keeps the first, the rest is left out."
        for count, what in counts
        if count
    ]
    tool = {**object_of(run, "tool"), "driver": {**driver, "rules": rules}}
    return {**run, "tool": tool, "results": results}, notes


def drop_unused_rules(run: Json, limits: Limits) -> tuple[Json, list[str]]:
    """The run with no more rules than GitHub takes; rules that have no result go first."""
    tool = object_of(run, "tool")
    driver = object_of(tool, "driver")
    rules = objects(driver.get("rules"))
    if len(rules) <= limits.rules:
        return run, []
    used = {str(result.get("ruleId")) for result in objects(run.get("results"))}
    order = sorted(range(len(rules)), key=lambda number: str(rules[number].get("id")) not in used)
    kept = [rules[number] for number in sorted(order[: limits.rules])]
    numbers = {str(rule.get("id")): number for number, rule in enumerate(kept)}
    results = [
        {**result, "ruleIndex": numbers[str(result.get("ruleId"))]} for result in objects(run.get("results"))
    ]
    note = (
        f"{len(rules) - len(kept):,} of {len(rules):,} rules of {driver.get('name')} are left out, "
        f"none of them has a result: GitHub takes {limits.rules:,} in one run."
    )
    tool = {**tool, "driver": {**driver, "rules": kept}}
    return {**run, "tool": tool, "results": results}, [note]


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
