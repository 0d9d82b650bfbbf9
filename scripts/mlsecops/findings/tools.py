"""What each tool of a SARIF log did, and whether its own evidence proves that it looked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from mlsecops.findings.fields import (
    count,
    day,
    driver_of,
    failures_of,
    mapping,
    mappings,
    moment,
    own_properties,
    seconds,
    stage_of,
    suppression_of,
    text_of,
    texts,
)
from mlsecops.findings.model import Canary, ToolReport
from mlsecops.sarif.build import Json, Status, decode_uri

_STATUSES = frozenset({"passed", "findings", "skipped", "incomplete"})
_CANARIES = frozenset({"found", "not found", "not needed"})


def read_tools(log: Json) -> tuple[ToolReport, ...]:
    """What each tool of a merged log did, in the log's order."""
    return tuple(_tool(run) for run in mappings(log.get("runs")))


def _tool(run: Json) -> ToolReport:
    own = own_properties(run)
    driver = driver_of(run)
    invocation = next(mappings(run.get("invocations")), {})
    name = text_of(driver.get("name")) or "unnamed tool"
    canary = cast(Canary, text_of(own.get("canary")))
    if canary not in _CANARIES:
        canary = "not found"
    expected, scanned = count(own.get("expected")), count(own.get("scanned"))
    status, reason = _status(run, name, own, expected, scanned, canary)
    data = mapping(own.get("data"))
    started, ended = moment(invocation.get("startTimeUtc")), moment(invocation.get("endTimeUtc"))
    return ToolReport(
        name=name,
        version=text_of(driver.get("semanticVersion")) or text_of(driver.get("version")),
        stage=stage_of(run),
        status=status,
        reason=reason,
        expected=expected,
        scanned=scanned,
        canary=canary,
        started=started,
        ended=ended,
        seconds=seconds(own.get("seconds")),
        data_source=text_of(data.get("source")) or None,
        data_date=day(data.get("date")),
        suppressed=count(own.get("suppressed")),
        notes=texts(own.get("notes")),
        problems=_problems(invocation, reason),
        targets=tuple(sorted(_targets(run))),
    )


def _status(
    run: Json, name: str, own: Json, expected: int, scanned: int, canary: Canary
) -> tuple[Status, str]:
    """The status of a run, which counts as complete only when its own evidence says so too."""
    reason = text_of(own.get("reason"))
    status = cast(Status, text_of(own.get("status")))
    if status not in _STATUSES:
        return "incomplete", f"{name}: its run has no evidence that it looked"
    if status == "incomplete":
        return status, reason or f"{name}: it did not finish"
    found = any(suppression_of(result) is None for result in failures_of(run))
    if status == "skipped":
        doubt = "it says that it was skipped, yet it has results" if found else ""
        return ("incomplete", f"{name}: {doubt}") if doubt else (status, reason)
    if not 0 < expected == scanned:
        return "incomplete", f"{name}: its evidence does not add up: looked at {scanned} of {expected}"
    if canary == "not found":
        return "incomplete", f"{name}: did not find the known-bad canary, so it may be blind"
    if any(each.get("executionSuccessful") is False for each in mappings(run.get("invocations"))):
        return "incomplete", f"{name}: it did not end as it should"
    if status == "findings" and all(each.get("suppressions") for each in mappings(run.get("results"))):
        return "incomplete", f"{name}: it says that it found something, and nothing of that is here"
    return ("findings" if found else status), reason


def _problems(invocation: Json, reason: str) -> tuple[str, ...]:
    texts = (
        text_of(mapping(each.get("message")).get("text"))
        for each in mappings(invocation.get("toolExecutionNotifications"))
        if each.get("level") != "note"
    )
    return tuple(text for text in texts if text and text != reason)


def _targets(run: Json) -> Iterator[str]:
    for artifact in mappings(run.get("artifacts")):
        uri = text_of(mapping(artifact.get("location")).get("uri"))
        if uri:
            yield decode_uri(uri)
