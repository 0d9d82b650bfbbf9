"""What schemathesis is told: the document, the settings and who calls are files, none on a command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsecops.dast.curl import BLANK
from mlsecops.dast.document.written import written
from mlsecops.dast.engines.exchanges import payloads
from mlsecops.dast.target import Identity, Target
from mlsecops.sarif.build import Json

_HOOKS = Path(__file__).resolve().parents[2] / "programs" / "schemathesis_hooks.py"
_MOST_BYTES = 64 << 10
# Its own checks; everything else is judged by the rules of our own attacks.
CHECKS = ("ignored_auth", "object_level_authorization")


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
            *(line for check in CHECKS for line in (f"[checks.{check}]", "enabled = true")),
        ]
        if peers:
            lines += [
                "[auth.wfc]",
                f"path = {json.dumps(str(self.callers))}",
                f"user = {json.dumps(peers[0])}",
                f"peers = {json.dumps(peers)}",
            ]
        return "\n".join([*lines, ""])


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
