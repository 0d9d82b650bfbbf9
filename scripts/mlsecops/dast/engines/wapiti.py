"""What wapiti is told, and what its report says.

It attacks the query parameters of the addresses that it is given; it follows no link and no redirect, and
the address that it would want to be called at is one that nobody answers.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from mlsecops.dast.attacks.building import build, values_of
from mlsecops.dast.attacks.messages import Found, Request
from mlsecops.dast.attacks.rules import injection, inputs
from mlsecops.dast.target import Identity, Operation, Target
from mlsecops.sarif.build import Json, Rule

_PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
_NAME = "wapiti"
_MODULES = "crlf,exec,file,redirect,sql,xss"
_NOBODY = "http://127.0.0.1:9/"
_NETWORK = re.compile(r"^\d+ requests were skipped due to network issues", re.MULTILINE)
_BROKEN = re.compile(
    r"^Traceback \(most recent call last\)|seems broken and will be skipped|^An exception occurred in module",
    re.MULTILINE,
)
_RULES: Mapping[str, Rule] = {
    "CRLF Injection": injection.HEADER,
    "Command execution": injection.COMMAND,
    "HTML Injection": injection.XSS,
    "Internal Server Error": inputs.UNHANDLED,
    "Open Redirect": injection.REDIRECT,
    "Path Traversal": injection.PATH,
    "Reflected Cross Site Scripting": injection.XSS,
    "SQL Injection": injection.SQL,
}
# A slow answer is measured by our own attacks, against what is usual.
_LEFT_OUT = frozenset({"Resource consumption"})


def attackable(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Operations with parameters in an address."""
    return tuple(
        each
        for each in operations
        if each.method.upper() == "GET" and any(one.where == "query" for one in each.parameters)
    )


@dataclass(frozen=True, slots=True)
class Order:
    """The files of one run, in a folder of its own."""

    folder: Path

    @property
    def addresses(self) -> Path:
        """One address in each line; a caller's key may be among its parameters."""
        return self.folder / "addresses.txt"

    @property
    def caller(self) -> Path:
        """The headers of each request."""
        return self.folder / "order.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.json"

    def write(self, target: Target) -> None:
        """Write everything that wapiti reads."""
        caller = next(iter(target.auth.identities), None)
        lines = [f"{target.base_url}{address(each, target)}\n" for each in target.operations]
        for file, content in ((self.addresses, "".join(lines)), (self.caller, json.dumps(_headers(caller)))):
            file.touch(mode=0o600)
            file.write_text(content, encoding="utf-8")

    def forget(self) -> None:
        """Take away what holds keys: its report, and what it keeps, show requests as they were sent."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def command(self, program: Path, target: Target) -> list[str]:
        """The command line, where the service can be reached."""
        caller = next(iter(target.auth.identities), None)
        first = urlsplit(address(target.operations[0], target)).path
        return [
            *(*target.prefix, str(program), "--url", f"{target.base_url}{first}"),
            *("--start", str(self.addresses), "--scope", "url", "--depth", "0", "--tasks", "1"),
            *("--module", _MODULES, "--endpoint", _NOBODY, "--dns-endpoint", "127.0.0.1", "--no-bugreport"),
            *("--form-script", str(_PROGRAMS / "wapiti_caller.py"), "--drop-set-cookie", "--timeout", "10"),
            *(word for name in (caller.query if caller else {}) for word in ("--skip", name)),
            *("--store-session", str(self.folder / "session"), "--store-config", str(self.folder / "config")),
            *("--format", "json", "--detailed-report", "2", "--output", str(self.report), "--verbose", "0"),
        ]

    def env(self) -> dict[str, str]:
        """The variables of its process: the packages that it imports and does not need are ours."""
        return {"MLSECOPS_ORDER": str(self.caller), "PYTHONPATH": str(_PROGRAMS / "absent")}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and at which operations it looked; `troubles` are what kept it from its end."""

    found: tuple[Found, ...]
    looked_at: frozenset[str]
    troubles: tuple[str, ...]
    notes: tuple[str, ...]
    version: str


def address(operation: Operation, target: Target) -> str:
    """An operation's path with a value for each parameter."""
    values = values_of(operation, target.document)
    names = {name for where, name in values if where == "query"}
    missing = [each for each in operation.parameters if each.where == "query" and each.name not in names]
    filled = {**values, **{("query", each.name): "mlsecops" for each in missing}}
    shown = build(operation, filled).target
    caller = next(iter(target.auth.identities), None)
    return f"{shown}&{urlencode(caller.query)}" if caller and caller.query else shown


def read(report: Any, said: str, target: Target) -> Report:
    """The report and what was printed. Raises LookupError, TypeError or ValueError for anything else."""
    by_path = {urlsplit(address(each, target)).path: each for each in target.operations}
    infos = report["infos"]
    pages = infos["crawled_pages"] if int(infos["crawled_pages_nbr"]) else []
    looked_at = {
        by_path[path].name
        for page in pages
        if (path := urlsplit(page["request"]["url"]).path) in by_path and page.get("response")
    }
    caller = next(iter(target.auth.identities), None)
    found = tuple(_findings(report, by_path, replace(caller, query={}) if caller else None))
    troubles, notes = _troubles(said, any(each.rule is injection.REDIRECT for each in found))
    return Report(found, frozenset(looked_at), troubles, notes, str(infos["version"]).removeprefix("Wapiti "))


def _findings(report: Json, by_path: Mapping[str, Operation], caller: Identity | None) -> Iterator[Found]:
    entries = [
        (_RULES[category], entry)
        for kind in ("vulnerabilities", "anomalies", "additionals")
        for category, found in report[kind].items()
        if category not in _LEFT_OUT
        for entry in found
    ]
    injected = {entry["path"] for rule, entry in entries if rule in injection.RULES}
    for rule, entry in entries:
        operation, name = by_path[entry["path"]], str(entry["parameter"])
        if rule is inputs.UNHANDLED and entry["path"] in injected:
            continue
        about = "" if rule is inputs.UNHANDLED else name
        yield Found(
            rule=rule,
            message=f"{operation.name}: query parameter {name}: {_NAME} says `{_first(entry['info'])}`",
            request=_request(entry["http_request"], caller),
            operation=operation,
            about=about,
        )


def _first(info: Any) -> str:
    """What it says, without the parameter, which is named already."""
    return str(info).partition(" via injection")[0].partition(" while attempting")[0]


def _request(shown: Any, caller: Identity | None) -> Request:
    """The request as it was sent: its address, with any key, and who called."""
    method, target, _ = str(shown).partition("\n")[0].split(" ", 2)
    return Request(method=method, target=target, identity=caller)


def _troubles(said: str, redirects: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was not asked to the end; where answers redirect anywhere, it is because those cannot be read."""
    troubles = ["requests were skipped due to network issues"] if _NETWORK.search(said) else []
    troubles += ["one of its modules broke"] if _BROKEN.search(said) else []
    if redirects:
        return (), tuple(f"{each}: redirects that cannot be read" for each in troubles)
    return tuple(troubles), ()


def _headers(caller: Identity | None) -> dict[str, str]:
    if caller is None:
        return {}
    cookies = "; ".join(f"{name}={value}" for name, value in caller.cookies.items())
    return {**caller.headers, **({"Cookie": cookies} if cookies else {})}
