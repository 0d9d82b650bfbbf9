"""Results as our contract wants them: a clean message, an explicit level, places in the repository."""

from __future__ import annotations

import re
from typing import Any

from mlsecops.sarif.build import Json, level_of
from mlsecops.sarif.json_types import natural, object_of, objects
from mlsecops.sarif.places import Places, artifact_location
from mlsecops.sarif.rules import LEVELS, parse_severity
from mlsecops.sarif.text import MESSAGE_LENGTH, clean, scrub, shorten

_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}")
_REGION_KEYS = ("startLine", "startColumn", "endLine", "endColumn", "charOffset", "charLength")
_KINDS = ("pass", "open", "informational", "notApplicable", "review", "fail")
_STEP_KEYS = ("importance", "nestingLevel", "executionOrder", "kinds")
_BASELINE_STATES = ("new", "unchanged", "updated", "absent")


def normalise_result(result: Json, rule_id: str, rule: Json, places: Places) -> Json:
    """A result in the form of the contract, without fingerprints; `rule` is as the tool described it."""
    elsewhere: list[str] = []
    normal: Json = {
        "ruleId": rule_id,
        "level": _level(result, rule),
        "message": {},
        "locations": _locations(result, places, elsewhere),
    }
    normal["message"] = _message(result, rule, rule_id, elsewhere)
    if result.get("kind") in _KINDS:
        normal["kind"] = result["kind"]
    for key, value in (
        ("relatedLocations", [_placed(each, places) for each in objects(result.get("relatedLocations"))]),
        (
            "codeFlows",
            [flow for each in objects(result.get("codeFlows")) if (flow := _code_flow(each, places))],
        ),
        ("fixes", [fix for each in objects(result.get("fixes")) if (fix := _fix(each, places))]),
        ("suppressions", [_suppression(each) for each in objects(result.get("suppressions"))]),
        ("properties", scrub(object_of(result, "properties"))),
    ):
        if value:
            normal[key] = value
    if result.get("baselineState") in _BASELINE_STATES:
        normal["baselineState"] = result["baselineState"]
    return normal


def _level(result: Json, rule: Json) -> str:
    """The stated level, else the rule's, else SARIF's default; "none" for what is not a failure."""
    if result.get("kind", "fail") != "fail":
        return "none"
    if result.get("level") in LEVELS:
        return str(result["level"])
    stated = object_of(rule, "defaultConfiguration").get("level")
    if stated in LEVELS:
        return str(stated)
    severity = parse_severity(object_of(rule, "properties").get("security-severity"))
    return "warning" if severity is None else level_of(severity)


def _message(result: Json, rule: Json, rule_id: str, elsewhere: list[str]) -> Json:
    """The message in plain text, with the places that could not be kept."""
    given = object_of(result, "message")
    template = object_of(object_of(rule, "messageStrings"), str(given.get("id", "")))
    text = (
        clean(given.get("text"))
        or clean(_filled(template.get("text"), given.get("arguments")))
        or clean(given.get("markdown"))
        or clean(object_of(rule, "shortDescription").get("text"))
        or rule_id
    )
    suffix = f" (reported at {', '.join(elsewhere)})" if elsewhere else ""
    message = {"text": shorten(text, MESSAGE_LENGTH - len(suffix)) + suffix}
    if markdown := clean(given.get("markdown")):
        message["markdown"] = shorten(markdown, MESSAGE_LENGTH - len(suffix)) + suffix
    return message


def _filled(template: Any, arguments: Any) -> str:
    """A message string of a rule with its arguments put in."""
    if not isinstance(template, str):
        return ""
    values = arguments if isinstance(arguments, list) else []
    return _PLACEHOLDER.sub(
        lambda place: str(values[int(place[1])]) if int(place[1]) < len(values) else place[0], template
    )


def _locations(result: Json, places: Places, elsewhere: list[str]) -> list[Json]:
    """The places in the repository; the anchor alone, and what it stands for, when there is none."""
    inside = []
    for each in objects(result.get("locations")):
        location, named = places.location(each)
        if named is None:
            inside.append(location)
        elif named:
            elsewhere.append(named)
    if inside:
        return inside
    first = next(iter(objects(result.get("locations"))), {})
    return [places.location(first)[0]]


def _placed(location: Json, places: Places) -> Json:
    """A related place; what lies outside of the repository is named in its message."""
    normal, elsewhere = places.location(location)
    text = str(normal.get("message", {}).get("text", ""))
    if elsewhere:
        text = f"{text} (at {elsewhere})" if text else f"at {elsewhere}"
    if text:
        normal["message"] = {"text": text}
    return normal


def _code_flow(flow: Json, places: Places) -> Json:
    """A code flow with its steps; nothing when it has none."""
    threads = []
    for thread in objects(flow.get("threadFlows")):
        steps = [
            {
                **{key: step[key] for key in _STEP_KEYS if key in step},
                "location": _placed(object_of(step, "location"), places),
            }
            for step in objects(thread.get("locations"))
            if object_of(step, "location")
        ]
        if steps:
            threads.append({"locations": steps})
    if not threads:
        return {}
    text = clean(object_of(flow, "message").get("text"))
    return {"threadFlows": threads, **({"message": {"text": text}} if text else {})}


def _fix(fix: Json, places: Places) -> Json:
    """A fix; nothing when a part of it is not about the repository, for half a fix is none."""
    changes = []
    for change in objects(fix.get("artifactChanges")):
        path = places.path(object_of(change, "artifactLocation"))
        replacements = [_replacement(each) for each in objects(change.get("replacements"))]
        if path is None or not replacements or not all(replacements):
            return {}
        changes.append({"artifactLocation": artifact_location(path), "replacements": replacements})
    if not changes:
        return {}
    text = clean(object_of(fix, "description").get("text"))
    return {"artifactChanges": changes, **({"description": {"text": text}} if text else {})}


def _replacement(replacement: Json) -> Json:
    deleted = object_of(replacement, "deletedRegion")
    region = {key: deleted[key] for key in _REGION_KEYS if natural(deleted.get(key)) is not None}
    if not region.get("startLine"):
        return {}
    inserted = object_of(replacement, "insertedContent").get("text")
    if not isinstance(inserted, str):
        return {"deletedRegion": region}
    # Code, not prose: it must stay as it is, so only what no text may hold is taken out.
    text = inserted.encode("utf-8", "replace").decode("utf-8")
    return {"deletedRegion": region, "insertedContent": {"text": text}}


def _suppression(suppression: Json) -> Json:
    kind = suppression.get("kind")
    normal: Json = {"kind": kind if kind in ("inSource", "external") else "inSource"}
    if suppression.get("status") in ("accepted", "underReview", "rejected"):
        normal["status"] = suppression["status"]
    if justification := clean(suppression.get("justification")):
        normal["justification"] = justification
    return normal
