"""What schemathesis's report of events says: what it sent and got, and what kept it from its end."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from mlsecops.dast.attacks.messages import BROKEN, Reply, Request
from mlsecops.dast.attacks.rules import access
from mlsecops.dast.attacks.schemas import spelled
from mlsecops.dast.engines.exchanges import Exchange, Point
from mlsecops.dast.target import Operation, Target
from mlsecops.programs.schemathesis_hooks import texts
from mlsecops.sarif.build import Json, Rule

_CLOSED = re.compile(r"Connection aborted|RemoteDisconnected|Connection reset|Broken pipe|Connection broken")
_WHERE = {"path_parameters": "path", "query": "query", "headers": "header", "cookies": "cookie"}
_CHECKS: Mapping[str, Rule] = {
    "ignored_auth": access.AUTH_IGNORED,
    "object_level_authorization": access.OBJECTS,
}
_MESSAGES: Mapping[str, str] = {
    access.AUTH_IGNORED.id: "answers without the credential that the document asks for",
    access.WRONG_KEY.id: "answers to a credential that nobody has issued",
    access.OBJECTS.id: "the second caller gets what belongs to the first",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was sent and got, in order; `troubles` are operations, or "", and what kept it from its end."""

    exchanges: tuple[Exchange, ...]
    troubles: tuple[tuple[str, str], ...]
    limited: int
    seconds: float


def read(lines: Iterable[str], target: Target) -> Report:
    """The report of events. Raises LookupError, TypeError or ValueError when it is none, or not whole."""
    operations = {each.name: each for each in target.operations}
    exchanges: list[Exchange] = []
    troubles: list[tuple[str, str]] = []
    end: Json | None = None
    for line in lines:
        ((kind, event),) = json.loads(line).items()
        if kind == "ScenarioFinished":
            recorded = _exchanges(event["recorder"], operations, target.base_url)
            exchanges += (replace(each, reply=each.reply.without(target.hidden)) for each in recorded)
        elif kind in ("NonFatalError", "FatalError"):
            error = event.get("value") or event.get("exception") or {}
            troubles.append((str(event.get("label", "")), f"{error.get('type')}: {error.get('message')}"))
        elif kind == "EngineFinished":
            end = event
    if end is None:
        raise ValueError("it has no end")
    exchanges, troubles = _told_apart(exchanges, troubles)
    if end["stop_reason"] != "completed":
        troubles.append(("", f"it stopped before its end ({end['stop_reason']})"))
    limited = sum(each.reply.status == 429 for each in exchanges)
    return Report(tuple(exchanges), tuple(troubles), limited, float(end["running_time"]))


def _told_apart(
    exchanges: list[Exchange], troubles: list[tuple[str, str]]
) -> tuple[list[Exchange], list[tuple[str, str]]]:
    """A connection that ends twice without an answer is one, while the service lives; the rest is trouble."""
    unanswered = {each.operation.name for each in exchanges if not each.reply.status}
    closed = {name for name, why in troubles if name in unanswered and _CLOSED.search(why)}
    left = [(name, why) for name, why in troubles if name not in closed or not _CLOSED.search(why)]
    closed -= {name for name, _ in left}
    return [each for each in exchanges if each.reply.status or each.operation.name in closed], left


def _exchanges(recorder: Json, operations: Mapping[str, Operation], base_url: str) -> Iterator[Exchange]:
    failed = {
        str(failure.get("case_id") or case): (check["name"], failure)
        for case, checks in recorder.get("checks", {}).items()
        for check in checks
        if (failure := (check.get("failure_info") or {}).get("failure")) and check["name"] in _CHECKS
    }
    for case, interaction in recorder.get("interactions", {}).items():
        value = recorder["cases"].get(case, {}).get("value", {})
        operation = operations.get(f"{value.get('method')} {value.get('path')}")
        if operation is None:
            continue
        answer = interaction.get("response")
        rule = _rule(*failed[case]) if case in failed else None
        yield Exchange(
            operation=operation,
            request=_request(interaction["request"], base_url),
            reply=_reply(answer) if answer else Reply(status=0, failure=BROKEN),
            points=tuple(_points(value)),
            failed={rule: _MESSAGES[rule.id]} if rule else {},
        )


def _rule(check: str, failure: Json) -> Rule:
    wrong = check == "ignored_auth" and "invalid" in str(failure.get("title"))
    return access.WRONG_KEY if wrong else _CHECKS[check]


def _points(value: Json) -> Iterator[Point]:
    for where, ours in _WHERE.items():
        for name, text in (value.get(where) or {}).items():
            plain = text if isinstance(text, str) else json.dumps(text)
            # What goes into a path may have been quoted for it.
            yield Point(ours, name, unquote(plain) if ours == "path" else plain)
    for place, text in texts(value.get("body")):
        yield Point("body", spelled(place), text)


def _request(sent: Json, base_url: str) -> Request:
    parts = urlsplit(str(sent["uri"]))
    prefix = urlsplit(base_url).path.rstrip("/")
    target = parts.path.removeprefix(prefix) or "/"
    headers = tuple((name, str(value)) for name, values in sent["headers"].items() for value in values)
    return Request(
        method=str(sent["method"]),
        target=f"{target}?{parts.query}" if parts.query else target,
        headers=headers,
        body=_bytes(sent["body"]) if "body" in sent else None,
    )


def _reply(got: Json) -> Reply:
    headers = tuple((name.lower(), str(value)) for name, values in got["headers"].items() for value in values)
    return Reply(status=int(got["status_code"]), headers=headers, body=_bytes(got.get("content", "")))


def _bytes(value: Any) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["$base64"])
    return str(value).encode()
