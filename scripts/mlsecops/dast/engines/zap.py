"""What ZAP is told, and what its report says.

It runs in a container without a network: all that it can reach is the service, through a socket in the one
folder that it shares with us (see `programs/relay.py`). What went through it is what ZAP looked at.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlsecops.dast.attacks.messages import Found, Request
from mlsecops.dast.attacks.rules import access, injection, leaks
from mlsecops.dast.document.written import written
from mlsecops.dast.target import Identity, Operation, Target
from mlsecops.sarif.build import Json, Rule

_PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
_SHARED = "/zap/wrk"
_SOCKET = "service.sock"
_MEMORY = "4g"
# Its names for what has a rule here.
_RULES: Mapping[str, Rule] = {
    "6": injection.PATH,
    "10021": access.SNIFFING,
    "10038": access.FRAMING,
    "20019": injection.REDIRECT,
    "40003": injection.HEADER,
    "40012": injection.XSS,
    "40018": injection.SQL,
    "40019": injection.SQL,
    "40020": injection.SQL,
    "40021": injection.SQL,
    "40022": injection.SQL,
    "40024": injection.SQL,
    "40027": injection.SQL,
    "40046": injection.REQUEST_FORGERY,
    "90019": injection.CODE,
    "90020": injection.COMMAND,
    "90023": injection.ENTITIES,
    "90035": injection.TEMPLATE,
    "90037": injection.COMMAND,
    "10036": leaks.VERSION,
    "10037": leaks.VERSION,
}
# Facts of the whole service, as our own attacks tell them.
_OF_ALL = frozenset({access.SNIFFING, leaks.VERSION})
# Of its scripts: that errors are answered, which is what attacks bring about.
_LEFT_OUT = frozenset({"100000", "100001"})
_SEVERITY: Mapping[str, float] = {"3": 8.0, "2": 5.5, "1": 3.1}
_FALSE_POSITIVE = "0"
_TAG = re.compile(r"<[^>]{0,200}>")


@dataclass(frozen=True, slots=True)
class Order:
    """The folder that ZAP shares with us, and its command line."""

    folder: Path

    @property
    def report(self) -> Path:
        """The report."""
        return self.shared / "report.json"

    @property
    def shared(self) -> Path:
        """What the container sees."""
        return self.folder / "shared"

    @property
    def variables(self) -> Path:
        """The variables of the container."""
        return self.folder / "variables"

    def write(self, target: Target) -> None:
        """Write everything that ZAP reads. Raises ValueError when it has no way to be who the caller is."""
        name, value = _header(next(iter(target.auth.identities), None))
        self.shared.mkdir()
        # Its user is another one than ours.
        self.shared.chmod(0o777)
        shutil.copy(_PROGRAMS / "relay.py", self.shared)
        (self.shared / "openapi.json").write_text(json.dumps(written(target)), encoding="utf-8")
        self.variables.touch(mode=0o600)
        lines = [f"ZAP_AUTH_HEADER={name}\n", f"ZAP_AUTH_HEADER_VALUE={value}\n"] if value else []
        self.variables.write_text("".join(lines), encoding="utf-8")

    def forget(self) -> None:
        """Take away what holds keys."""
        self.variables.unlink(missing_ok=True)

    def relay(self, python: str, target: Target) -> list[str]:
        """The end of the relay beside the service; to be started in the shared folder."""
        at = urlsplit(target.base_url)
        program = str(_PROGRAMS / "relay.py")
        return [
            *(*target.prefix, python, "-I", program, "out", _SOCKET),
            *(at.hostname or "127.0.0.1", str(at.port or 80)),
        ]

    def command(self, engine: str, image: str, container: str, target: Target) -> list[str]:
        """The command line; the relay's other end listens where the service does."""
        port = urlsplit(target.base_url).port or 80
        return [
            *(engine, "run", "--rm", "--name", container, "--network", "none", "--memory", _MEMORY),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--env-file", str(self.variables)),
            *("--volume", f"{self.shared}:{_SHARED}", "--entrypoint", "python3", image),
            *(f"{_SHARED}/relay.py", "in", f"{_SHARED}/{_SOCKET}", str(port)),
            # Nothing is updated during a scan; what it finds is judged here.
            *("zap-api-scan.py", "-t", "openapi.json", "-f", "openapi", "-J", self.report.name, "-I"),
            *("-z", "-silent"),
        ]


def looked_at(lines: Iterable[str], operations: Iterable[Operation]) -> frozenset[str]:
    """The operations that answered, by what went through the relay."""
    shapes = _shapes(operations)
    answered = [json.loads(line) for line in lines if line.startswith("{")]
    found = (_operation(each["method"], each["target"], shapes) for each in answered)
    return frozenset(each.name for each in found if each)


def read(report: Any, target: Target) -> list[Found]:
    """The report's alerts. Raises LookupError, TypeError or ValueError for anything else."""
    shapes = _shapes(target.operations)
    caller = next(iter(target.auth.identities), None)
    return [
        found
        for site in report["site"]
        for alert in site["alerts"]
        if alert["pluginid"] not in _LEFT_OUT and alert["confidence"] != _FALSE_POSITIVE
        if alert["riskcode"] in _SEVERITY
        for found in _found(alert, shapes, caller)
    ]


def _found(
    alert: Json, shapes: list[tuple[re.Pattern[str], Operation]], caller: Identity | None
) -> Iterator[Found]:
    rule = _RULES.get(alert["pluginid"]) or _rule(alert)
    for each in alert["instances"]:
        target = _target(each["uri"])
        operation = None if rule in _OF_ALL else _operation(each["method"], target, shapes)
        name = f"{operation.name}: " if operation else ""
        place = f"parameter {each['param']}: " if each["param"] else ""
        about = each["param"] if rule in injection.RULES or rule.id not in _known() else ""
        yield Found(
            rule=rule,
            message=f"{name}{place}ZAP says `{alert['alert']}`",
            request=Request(method=each["method"], target=target, identity=caller),
            operation=operation,
            about=about,
        )


def _known() -> frozenset[str]:
    return frozenset(rule.id for rule in _RULES.values())


def _rule(alert: Json) -> Rule:
    """A rule of its own, for what has none here."""
    weakness = (f"external/cwe/cwe-{alert['cweid']}",) if str(alert.get("cweid", "-1")).isdigit() else ()
    return Rule(
        id=f"zap-{int(alert['pluginid'])}",
        name=f"Zap{int(alert['pluginid'])}",
        summary=f"{_plain(alert['alert'])}.",
        help=_plain(alert["desc"]),
        fix=_plain(alert["solution"]),
        severity=_SEVERITY[alert["riskcode"]],
        tags=weakness,
        precision="low" if alert["confidence"] == "1" else "medium",
    )


def _plain(text: str) -> str:
    """Its texts are pages."""
    return " ".join(_TAG.sub(" ", text).split())


def _target(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _shapes(operations: Iterable[Operation]) -> list[tuple[re.Pattern[str], Operation]]:
    """What the addresses of each operation look like; those without parameters in the path come first."""
    ordered = sorted(operations, key=lambda each: each.path.count("{"))
    return [(re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(each.path))), each) for each in ordered]


def _operation(method: str, target: str, shapes: list[tuple[re.Pattern[str], Operation]]) -> Operation | None:
    path = urlsplit(target).path
    for pattern, operation in shapes:
        if operation.method.upper() == method and (
            pattern.fullmatch(path) or pattern.fullmatch(unquote(path))
        ):
            return operation
    return None


def _header(caller: Identity | None) -> tuple[str, str]:
    """The one header that ZAP can add to its requests."""
    if caller is None:
        return "", ""
    if caller.query or caller.cookies or len(caller.headers) != 1:
        raise ValueError("ZAP can call with one header only, and the policy's dast.auth is another way")
    return next(iter(caller.headers.items()))
