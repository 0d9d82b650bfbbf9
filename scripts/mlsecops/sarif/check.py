"""A lint of SARIF logs for what GitHub refuses or shows wrongly and Microsoft's multitool lets pass."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from mlsecops.sarif.build import Json, decode_uri
from mlsecops.sarif.fingerprint import GITHUB as LINE_HASH
from mlsecops.sarif.fingerprint import OWN
from mlsecops.sarif.json_types import natural, object_of, objects
from mlsecops.sarif.limits import GITHUB
from mlsecops.sarif.rules import LEVELS, MAX_SEVERITY
from mlsecops.sarif.selection import Limits
from mlsecops.sarif.union import category_of

# GitHub refuses more than these; it keeps ten tags of a rule and 100 locations of a result.
MAX_TAGS = 20
MAX_LOCATIONS = 1_000
_NUMBER = re.compile(r"\d+(\.\d+)?")
_URI = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=@/]|%[0-9A-Fa-f]{2})+")
_HASH = re.compile(r"[0-9a-f]{1,16}:[1-9]\d*")


def check(log: Json, limits: Limits = GITHUB) -> list[str]:
    """Every defect of a log, one sentence each; none for a log that GitHub takes as it is meant."""
    runs = objects(log.get("runs"))
    return [
        *_log(log, runs, limits),
        *(line for place, run in enumerate(runs) for line in _run(place, run, limits)),
    ]


def _log(log: Json, runs: Sequence[Json], limits: Limits) -> Iterator[str]:
    if log.get("version") != "2.1.0":
        yield "the version is not 2.1.0"
    if not isinstance(log.get("$schema"), str):
        yield "the $schema is missing"
    if len(runs) > limits.runs:
        yield f"there are {len(runs)} runs, GitHub takes {limits.runs}"
    for (tool, category), count in Counter(category_of(run) for run in runs).items():
        if count > 1:
            yield f"{count} runs are of the tool {tool!r} in the category {category!r}"


def _run(place: int, run: Json, limits: Limits) -> Iterator[str]:
    tool, category = category_of(run)
    where = f"runs[{place}] ({tool})"
    rules = objects(object_of(object_of(run, "tool"), "driver").get("rules"))
    results = objects(run.get("results"))
    if not tool:
        yield f"{where}: the tool has no name"
    if not category.endswith("/"):
        yield f"{where}: automationDetails.id {category!r} does not end in a slash"
    for name, count, limit in (
        ("results", len(results), limits.results),
        ("rules", len(rules), limits.rules),
    ):
        if count > limit:
            yield f"{where}: there are {count:,} {name}, GitHub takes {limit:,}"
    yield from (f"{where}: {defect}" for defect in _rules(rules))
    for number, result in enumerate(results):
        for defect in (*_result(result, rules), *_places(result)):
            yield f"{where}: results[{number}]: {defect}"
    for number, artifact in enumerate(objects(run.get("artifacts"))):
        for defect in _uri(object_of(artifact, "location")):
            yield f"{where}: artifacts[{number}]: {defect}"


def _rules(rules: Sequence[Json]) -> Iterator[str]:
    for identifier, count in Counter(str(rule.get("id")) for rule in rules).items():
        if count > 1:
            yield f"{count} rules have the id {identifier!r}"
    for rule in rules:
        yield from (f"rule {rule.get('id')!r}: {defect}" for defect in _rule(rule))


def _rule(rule: Json) -> Iterator[str]:
    properties = object_of(rule, "properties")
    severity = properties.get("security-severity")
    if not isinstance(severity, str) or not _NUMBER.fullmatch(severity):
        yield f"security-severity {severity!r} is not a number in text"
    elif not 0.0 < float(severity) <= MAX_SEVERITY:
        yield f"security-severity {severity} is not in 0.1 to 10.0"
    tags = properties.get("tags")
    if not isinstance(tags, list) or "security" not in tags:
        yield "the tag security is missing"
    elif len(tags) > MAX_TAGS:
        yield f"{len(tags)} tags, GitHub takes {MAX_TAGS}"
    for key in ("shortDescription", "fullDescription", "help"):
        if not object_of(rule, key).get("text"):
            yield f"{key}.text is missing"
    if object_of(rule, "defaultConfiguration").get("level") not in LEVELS:
        yield "defaultConfiguration.level is missing"


def _result(result: Json, rules: Sequence[Json]) -> Iterator[str]:
    index = natural(result.get("ruleIndex"))
    if index is None or index >= len(rules):
        yield f"ruleIndex {result.get('ruleIndex')!r} is not that of a rule"
    elif rules[index].get("id") != result.get("ruleId"):
        yield f"ruleIndex {index} is rule {rules[index].get('id')!r}, not {result.get('ruleId')!r}"
    if not str(object_of(result, "message").get("text", "")).strip():
        yield "message.text is empty"
    if result.get("level") not in LEVELS:
        yield "the level is missing"
    if len(objects(result.get("locations"))) > MAX_LOCATIONS:
        yield f"more than {MAX_LOCATIONS:,} locations"
    prints = object_of(result, "partialFingerprints")
    if not _HASH.fullmatch(str(prints.get(LINE_HASH))):
        yield f"partialFingerprints.{LINE_HASH} is missing or has a wrong form"
    if not prints.get(OWN):
        yield f"partialFingerprints.{OWN} is missing"


def _places(result: Json) -> Iterator[str]:
    locations = objects(result.get("locations"))
    if not locations:
        yield "there is no location"
    related = objects(result.get("relatedLocations"))
    steps = [
        object_of(step, "location")
        for flow in objects(result.get("codeFlows"))
        for thread in objects(flow.get("threadFlows"))
        for step in objects(thread.get("locations"))
    ]
    for location in (*locations, *related, *steps):
        physical = object_of(location, "physicalLocation")
        yield from _uri(object_of(physical, "artifactLocation"))
        if not natural(object_of(physical, "region").get("startLine")):
            yield "a location has no startLine"


def _uri(location: Json) -> Iterator[str]:
    """What is wrong with a URI that should be that of a file of the repository."""
    uri = location.get("uri")
    if not isinstance(uri, str) or not uri:
        yield "a location has no URI"
    elif not _URI.fullmatch(uri):
        yield f"the URI {uri!r} has a scheme or is not percent-encoded"
    elif uri.startswith("/"):
        yield f"the URI {uri!r} is absolute"
    elif posixpath.normpath(decode_uri(uri)) != decode_uri(uri) or uri.split("/", 1)[0] == "..":
        yield f"the URI {uri!r} is not the plain path of a file in the repository"
