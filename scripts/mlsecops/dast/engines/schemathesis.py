"""What schemathesis is told, and what its report of events says.

The document, the settings and who calls are files: nothing of that is ever on a command line.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlsecops.dast.attacks.messages import BROKEN, Reply, Request
from mlsecops.dast.attacks.rules import access
from mlsecops.dast.attacks.schemas import spelled
from mlsecops.dast.curl import BLANK
from mlsecops.dast.document.written import written
from mlsecops.dast.engines.exchanges import Exchange, Point, payloads
from mlsecops.dast.target import Identity, Operation, Target
from mlsecops.programs.schemathesis_hooks import texts
from mlsecops.sarif.build import Json, Rule

_HOOKS = Path(__file__).resolve().parents[2] / "programs" / "schemathesis_hooks.py"
_MOST_BYTES = 64 << 10
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
class Order:
    """The files of one run, in a folder of its own."""

    folder: Path

    @property
    def document(self) -> Path:
        """The OpenAPI document."""
        return self.folder / "openapi.json"

    @property
    def settings(self) -> Path:
        """The configuration."""
        return self.folder / "schemathesis.toml"

    @property
    def payloads(self) -> Path:
        """What the hooks are told."""
        return self.folder / "order.json"

    @property
    def callers(self) -> Path:
        """The callers by name, where there are two."""
        return self.folder / "callers.json"

    @property
    def events(self) -> Path:
        """The report."""
        return self.folder / "events.json"

    def write(self, target: Target, examples: int) -> None:
        """Write everything that schemathesis reads."""
        callers = target.auth.identities
        both = len(callers) > 1 and all(_headers_only(each) for each in callers[:2])
        alone = callers[0] if callers and not both else None
        document = written(target)
        self.document.write_text(json.dumps(document), encoding="utf-8")
        if both:
            self._secret(self.callers, {"auth": [_named(each) for each in callers[:2]]})
        names = sorted({name for each in callers for name in (*each.headers, *each.query, *each.cookies)})
        schemes = document["components"]["securitySchemes"].values()
        declared = {str(scheme.get("name", "Authorization")) for scheme in schemes}
        credentials = sorted({name.lower() for name in declared.union(names)})
        order = {"payloads": payloads(), "identity": _values(alone), "credentials": credentials}
        self._secret(self.payloads, order)
        peers = [each.name for each in callers[:2]] if both else []
        self.settings.write_text(self._settings(names, peers, examples), encoding="utf-8")

    def forget(self) -> None:
        """Take away what holds keys."""
        for file in (self.payloads, self.callers):
            file.unlink(missing_ok=True)

    def command(self, program: Path, target: Target) -> list[str]:
        """The command line, where the service can be reached."""
        return [
            *target.prefix,
            *(str(program), "--config-file", str(self.settings), "run", str(self.document)),
            *("--url", target.base_url, "--report", "ndjson", "--report-ndjson-path", str(self.events)),
            "--no-color",
        ]

    def _secret(self, file: Path, content: Any) -> None:
        file.touch(mode=0o600)
        file.write_text(json.dumps(content), encoding="utf-8")

    def _settings(self, names: list[str], peers: list[str], examples: int) -> str:
        """The configuration: strings, and lists of them, are the same in JSON and TOML."""
        lines = [
            "workers = 1",
            "request-timeout = 10",
            "request-retries = 1",
            "max-redirects = 0",
            "continue-on-failure = true",
            'rate-limit = "auto"',
            "warnings = false",
            f"hooks = {json.dumps(str(_HOOKS))}",
            "[cache]",
            "enabled = false",
            "[output.sanitization]",
            f"keys-to-sanitize = {json.dumps(names)}",
            "sensitive-markers = []",
            f"replacement = {json.dumps(BLANK)}",
            "[output.truncation]",
            f"max-recorded-payload-size = {_MOST_BYTES}",
            "[generation]",
            f"max-examples = {examples}",
            "deterministic = true",
            "no-shrink = true",
            'database = "none"',
            "[phases.examples]",
            "fill-missing = true",
            "[phases.coverage]",
            "unexpected-methods = []",
            "[phases.stateful]",
            f"enabled = {json.dumps(bool(peers))}",
            "[checks]",
            "enabled = false",
            *(line for check in _CHECKS for line in (f"[checks.{check}]", "enabled = true")),
        ]
        if peers:
            lines += [
                "[auth.wfc]",
                f"path = {json.dumps(str(self.callers))}",
                f"user = {json.dumps(peers[0])}",
                f"peers = {json.dumps(peers)}",
            ]
        return "\n".join([*lines, ""])


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


def _values(identity: Identity | None) -> dict[str, dict[str, str]]:
    if identity is None:
        return {}
    given = {"headers": identity.headers, "query": identity.query, "cookies": identity.cookies}
    return {where: values for where, values in given.items() if values}


def _headers_only(identity: Identity) -> bool:
    return bool(identity.headers) and not (identity.query or identity.cookies)


def _named(identity: Identity) -> Json:
    headers = [{"name": name, "value": value} for name, value in identity.headers.items()]
    return {"name": identity.name, "fixedHeaders": headers}
