"""A run as a tool, or our own code, wrote it -> the run that the contract of a stage asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mlsecops.sarif.build import Json
from mlsecops.sarif.catalogue import complete, described, rule_id_of
from mlsecops.sarif.fingerprint import ReadLines
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.places import BASE, Places, artifact_location
from mlsecops.sarif.results import normalise_result
from mlsecops.sarif.text import clean, scrub

DEFAULT_ANCHOR = ".github/mlsecops.yml"
_COLUMN_KINDS = ("unicodeCodePoints", "utf16CodeUnits")
_DRIVER_TEXTS = ("fullName", "organization", "version", "semanticVersion")
_DRIVER_URIS = ("informationUri", "downloadUri")
_WEB = re.compile(r"https?://[!-~]+")
_SEMANTIC_VERSION = re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_NOTIFICATIONS = ("toolExecutionNotifications", "toolConfigurationNotifications")
_ARTIFACT_KEYS = ("hashes", "length", "mimeType", "roles", "sourceLanguage")


def normalise_run(
    run: Json,
    *,
    stage: str,
    tool: str,
    read_lines: ReadLines,
    roots: Mapping[str, str] | None = None,
    anchor: str | None = None,
    raw_uris: bool = False,
    rules: Mapping[str, Json] | None = None,
    rename_rule: Callable[[str], str] = str,
) -> Json:
    """The run with complete rules, anchored results and nothing in it that tells of this machine.

    Levels, help, code flows, fixes, related places and suppressions stay; fingerprints are not made here.

    `stage` and `tool` give `automationDetails.id` unless the run has one of ours. `read_lines` gives the
    lines of a repository file by its plain path, or None. `roots` maps path prefixes that the tool saw to
    repository folders ("" is the root). `anchor` is the repository file for results whose place is not in
    the repository; without it the first artifact, else the policy file. `raw_uris`: the tool writes plain
    paths as URIs (semgrep, hadolint and zizmor do). `rules` are better rules than the tool's own, by rule
    id after `rename_rule`.
    """
    places = Places(
        read_lines=_remembered(read_lines),
        anchor=DEFAULT_ANCHOR,
        roots=roots or {},
        raw=raw_uris,
        bases={
            key: base for key, base in object_of(run, "originalUriBaseIds").items() if isinstance(base, dict)
        },
        artifacts=objects(run.get("artifacts")),
    )
    looked_at = _artifacts(places)
    places = replace(places, anchor=anchor or next(iter(looked_at), DEFAULT_ANCHOR))
    known = described(run, rules or {}, rename_rule)
    results = []
    for result in objects(run.get("results")):
        identifier = rename_rule(rule_id_of(result, run)) or tool
        results.append(normalise_result(result, identifier, known.get(identifier, {}), places))
    complete_rules, results = complete(known, results)
    normal: Json = {
        "tool": {"driver": {**_driver(run, tool), "rules": complete_rules}},
        "automationDetails": {"id": _category(run, stage, tool)},
        "originalUriBaseIds": {BASE: {"description": {"text": "The root of the repository."}}},
        "columnKind": run["columnKind"] if run.get("columnKind") in _COLUMN_KINDS else "unicodeCodePoints",
        "invocations": [_invocation(each, places) for each in objects(run.get("invocations"))],
        "artifacts": list(looked_at.values()),
        "results": results,
    }
    own = object_of(object_of(run, "properties"), "mlsecops")
    return {**normal, "properties": {"mlsecops": scrub(own)}} if own else normal


def _remembered(read_lines: ReadLines) -> ReadLines:
    """The same, asking once for each file."""
    known: dict[str, Sequence[str] | None] = {}

    def lines(path: str) -> Sequence[str] | None:
        if path not in known:
            known[path] = read_lines(path)
        return known[path]

    return lines


def _artifacts(places: Places) -> dict[str, Json]:
    """The files of the repository that were looked at, by plain path."""
    found: dict[str, Json] = {}
    for artifact in places.artifacts:
        path = places.path(object_of(artifact, "location"))
        if path is not None:
            kept = {key: scrub(artifact[key]) for key in _ARTIFACT_KEYS if key in artifact}
            found.setdefault(path, {"location": artifact_location(path), **kept})
    return found


def _driver(run: Json, tool: str) -> Json:
    given = object_of(object_of(run, "tool"), "driver")
    driver: Json = {"name": clean(given.get("name"), 255) or tool}
    driver |= {key: text for key in _DRIVER_TEXTS if (text := clean(given.get(key), 255))}
    version = driver.get("version", "")
    if "semanticVersion" not in driver and _SEMANTIC_VERSION.fullmatch(version):
        driver["semanticVersion"] = version
    return driver | {key: uri for key in _DRIVER_URIS if _WEB.fullmatch(uri := clean(given.get(key)))}


def _category(run: Json, stage: str, tool: str) -> str:
    """`automationDetails.id`: the run's own when it is one of ours, else made of stage and tool."""
    given = clean(object_of(run, "automationDetails").get("id"), 255)
    return given if given.startswith("mlsecops/") and given.endswith("/") else f"mlsecops/{stage}/{tool}/"


def _invocation(invocation: Json, places: Places) -> Json:
    """How the tool ended and what it could not do; neither its command line nor its folders."""
    normal: Json = {"executionSuccessful": invocation.get("executionSuccessful") is True}
    if isinstance(invocation.get("exitCode"), int):
        normal["exitCode"] = invocation["exitCode"]
    for key in ("startTimeUtc", "endTimeUtc"):
        if _TIME.fullmatch(str(invocation.get(key))):
            normal[key] = invocation[key]
    for key in _NOTIFICATIONS:
        if key in invocation:
            normal[key] = [_notification(each, places) for each in objects(invocation[key])]
    return normal


def _notification(notification: Json, places: Places) -> Json:
    """A notification with its message, its level and the places of it that are in the repository."""
    text = clean(object_of(notification, "message").get("text")) or "The tool gave no text for this."
    level = notification.get("level")
    normal: Json = {
        "level": level if level in ("error", "note", "none") else "warning",
        "message": {"text": text},
    }
    placed = [places.location(each) for each in objects(notification.get("locations"))]
    inside = [location for location, elsewhere in placed if elsewhere is None]
    if inside:
        normal["locations"] = inside
    for key in ("descriptor", "associatedRule"):
        if identifier := clean(object_of(notification, key).get("id"), 255):
            normal[key] = {"id": identifier}
    return normal
