"""Runs of one tool in one category become one run: rules, files, invocations and evidence united."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of, objects

# The worst first: what several runs say together is the worst that one of them says.
_STATUSES = ("incomplete", "findings", "passed", "skipped")
_CANARIES = ("not found", "found", "not needed")
_SUMS = ("expected", "scanned", "seconds", "suppressed")

Category = tuple[str, str]
Moved = dict[int, int]  # the old and the new number of rules


def category_of(run: Json) -> Category:
    """What must be unique in a file: the name of the tool and `automationDetails.id`."""
    driver = object_of(object_of(run, "tool"), "driver")
    return str(driver.get("name", "")), str(object_of(run, "automationDetails").get("id", ""))


def unite(base: Json, other: Json) -> tuple[Json, Moved]:
    """Two runs without their results as one; and where the rules of the other now are, for those that moved.

    Of a rule or a file that both have, the base's description stays.
    """
    driver = object_of(object_of(base, "tool"), "driver")
    rules, places = _joined(objects(driver.get("rules")), _rules(other), "id")
    artifacts, _ = _joined(objects(base.get("artifacts")), objects(other.get("artifacts")), "location")
    invocations = objects(base.get("invocations"))
    invocations += [each for each in objects(other.get("invocations")) if each not in invocations]
    united = {
        **other,
        **base,
        "tool": {**object_of(base, "tool"), "driver": {**driver, "rules": rules}},
        "artifacts": artifacts,
        "invocations": invocations,
    }
    properties = {**object_of(other, "properties"), **object_of(base, "properties")}
    evidence = _evidence(_own(base), _own(other))
    if evidence:
        properties["mlsecops"] = evidence
    if properties:
        united["properties"] = properties
    return united, {old: new for old, new in enumerate(places) if old != new}


def renumber(result: Json, moved: Moved) -> Json:
    """The result with the number that its rule has after a union."""
    number = result.get("ruleIndex")
    return {**result, "ruleIndex": moved[number]} if number in moved else result


def unite_properties(base: Json, other: Json) -> Json:
    """Two property bags as one: lists joined without repeats, objects united, else the base's value."""
    united = dict(base)
    for key, value in other.items():
        known = united.get(key)
        if isinstance(known, list) and isinstance(value, list):
            united[key] = known + [item for item in value if item not in known]
        elif isinstance(known, dict) and isinstance(value, dict):
            united[key] = unite_properties(known, value)
        else:
            united.setdefault(key, value)
    return united


def _evidence(base: Json, other: Json) -> Json:
    """What two runs say of how much they looked at."""
    if not base or not other:
        return base or other
    united = unite_properties(base, other)
    for key in _SUMS:
        numbers = [each[key] for each in (base, other) if isinstance(each.get(key), int | float)]
        if numbers:
            united[key] = sum(numbers)
    for key, order in (("status", _STATUSES), ("canary", _CANARIES)):
        said = [each[key] for each in (base, other) if key in each]
        if said:
            united[key] = _worst(said, order)
    reasons = dict.fromkeys(str(each["reason"]) for each in (base, other) if each.get("reason"))
    if reasons or "reason" in united:
        united["reason"] = "; ".join(reasons)
    sources = [each["data"] for each in (base, other) if isinstance(each.get("data"), dict)]
    if sources:  # the oldest data decides how fresh the whole is
        united["data"] = min(sources, key=lambda source: str(source.get("date", "")))
    return united


def _worst(words: Sequence[Any], order: Sequence[str]) -> Any:
    return min(words, key=lambda word: order.index(word) if word in order else -1)


def _joined(base: list[Json], other: list[Json], key: str) -> tuple[list[Json], list[int]]:
    """Two lists without repeats by one key, and where each item of the other is in it."""
    joined = list(base)
    numbers = {str(item.get(key)): number for number, item in reversed(list(enumerate(base)))}
    places = []
    for item in other:
        name = str(item.get(key))
        if name not in numbers:
            numbers[name] = len(joined)
            joined.append(item)
        places.append(numbers[name])
    return joined, places


def _rules(run: Json) -> list[Json]:
    return objects(object_of(object_of(run, "tool"), "driver").get("rules"))


def _own(run: Json) -> Json:
    return object_of(object_of(run, "properties"), "mlsecops")
