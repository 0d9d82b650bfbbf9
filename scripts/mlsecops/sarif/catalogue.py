"""The rules of a run: found for every result, completed, numbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import natural, object_of, objects
from mlsecops.sarif.rules import normalise_rule, parse_severity, severity_of, worst_level


def described(run: Json, better: Mapping[str, Json], rename: Callable[[str], str]) -> dict[str, Json]:
    """What is known of rules, by id: our own where there is one, else what the tool declares."""
    tool = object_of(run, "tool")
    known: dict[str, Json] = {}
    for component in (object_of(tool, "driver"), *objects(tool.get("extensions"))):
        for rule in objects(component.get("rules")):
            identifier = rename(str(rule.get("id", "")))
            if identifier:
                known.setdefault(identifier, {**rule, "id": identifier, **better.get(identifier, {})})
    return known | {identifier: {**rule, "id": identifier} for identifier, rule in better.items()}


def rule_id_of(result: Json, run: Json) -> str:
    """The id of a result's rule, as the tool calls it, also where only an index says it; "" for none."""
    reference = object_of(result, "rule")
    for identifier in (result.get("ruleId"), reference.get("id")):
        if isinstance(identifier, str) and identifier:
            return identifier
    tool = object_of(run, "tool")
    number = natural(object_of(reference, "toolComponent").get("index"))
    extensions = objects(tool.get("extensions"))
    if number is None:
        component = object_of(tool, "driver")
    else:
        component = extensions[number] if number < len(extensions) else {}
    rules = objects(component.get("rules"))
    index = natural(result.get("ruleIndex"))
    index = natural(reference.get("index")) if index is None else index
    return str(rules[index].get("id", "")) if index is not None and index < len(rules) else ""


def complete(known: Mapping[str, Json], results: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Rules in the form of the contract, one for every id in use, and the results with their rule's number.

    A result whose level is not its rule's gets a severity of its own, so that both say the same.
    """
    by_rule: defaultdict[str, list[Json]] = defaultdict(list)
    for result in results:
        by_rule[result["ruleId"]].append(result)
    rules = []
    for identifier in dict.fromkeys([*known, *by_rule]):
        own = by_rule.get(identifier, [])
        level = worst_level(result["level"] for result in own)
        message = own[0]["message"]["text"] if own else ""
        rules.append(normalise_rule(known.get(identifier, {"id": identifier}), level=level, message=message))
    numbers = {identifier: number for number, identifier in enumerate(dict.fromkeys([*known, *by_rule]))}
    return rules, [_numbered(result, numbers[result["ruleId"]], rules) for result in results]


def _numbered(result: Json, number: int, rules: Sequence[Json]) -> Json:
    normal = {**result, "ruleIndex": number}
    properties = object_of(result, "properties")
    own = object_of(properties, "mlsecops")
    if parse_severity(own.get("severity")) is None and result["level"] != _level(rules[number]):
        severity = severity_of({"level": result["level"]}, None)
        normal["properties"] = {**properties, "mlsecops": {**own, "severity": severity}}
    return normal


def _level(rule: Json) -> str:
    return str(rule["defaultConfiguration"]["level"])
