"""Rules and results of a tool -> SARIF objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, unquote

Json = dict[str, Any]
Status = Literal["passed", "findings", "skipped", "incomplete"]
Level = Literal["error", "warning", "note"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def level_of(severity: float) -> Level:
    """SARIF level of a security-severity: high and critical are errors, medium a warning, the rest notes."""
    if severity >= 7.0:
        return "error"
    return "warning" if severity >= 4.0 else "note"


def encode_uri(path: str) -> str:
    """Repository-relative path (bytes that are not UTF-8 as surrogates) -> percent-encoded SARIF URI."""
    return quote(path, safe="/-._~!$&'()*+,;=@", errors="surrogateescape")


def decode_uri(uri: str) -> str:
    """The reverse of `encode_uri`."""
    return unquote(uri, errors="surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a tool looks for; `severity` is GitHub's security-severity, 0.1 to 10.0."""

    id: str
    name: str
    summary: str
    help: str
    fix: str
    severity: float
    help_uri: str = ""
    tags: tuple[str, ...] = ()
    precision: Literal["very-high", "high", "medium", "low"] = "high"

    def to_sarif(self) -> Json:
        """The rule as a SARIF `reportingDescriptor`."""
        descriptor: Json = {
            "id": self.id,
            "name": self.name,
            "shortDescription": {"text": self.summary},
            "fullDescription": {"text": self.summary},
            "help": {
                "text": f"{self.help}\n\nFix: {self.fix}",
                "markdown": f"{self.help}\n\n**Fix:** {self.fix}",
            },
            "defaultConfiguration": {"level": level_of(self.severity)},
            "properties": {
                "precision": self.precision,
                "security-severity": f"{self.severity:.1f}",
                "tags": ["security", *self.tags],
                "mlsecops": {"fix": self.fix},
            },
        }
        if self.help_uri:
            descriptor["helpUri"] = self.help_uri
        return descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a file of the repository; `uri` is the plain relative path, lines and columns from 1.

    Without a line it is the file as a whole, which SARIF can only say as its first line.
    """

    uri: str
    start_line: int = 0
    start_column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    snippet: str | None = None
    logical: str | None = None

    def to_sarif(self) -> Json:
        """The place as a SARIF `location`."""
        region: Json = {"startLine": max(self.start_line, 1)}
        for key, value in (
            ("startColumn", self.start_column),
            ("endLine", self.end_line),
            ("endColumn", self.end_column),
        ):
            if value is not None and value > 0:
                region[key] = value
        if self.snippet is not None:
            region["snippet"] = {"text": self.snippet}
        location: Json = {
            "physicalLocation": {
                "artifactLocation": {"uri": encode_uri(self.uri), "uriBaseId": "%SRCROOT%"},
                "region": region,
            }
        }
        if self.logical is not None:
            location["logicalLocations"] = [{"fullyQualifiedName": self.logical}]
        return location


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One finding of one tool.

    `identity` is what makes it the same finding whoever reports it, for instance
    ("advisory", "CVE-2023-30861", "flask"); without it the weakness and the text of the line decide.
    `suppression` is the justification of a suppression comment in the scanned file.
    """

    rule_id: str
    message: str
    location: Location
    related: tuple[tuple[str, Location], ...] = ()
    severity: float | None = None
    identity: tuple[str, ...] = ()
    properties: Json = field(default_factory=dict)
    suppression: str | None = None

    def to_sarif(self) -> Json:
        """The finding as a SARIF `result`."""
        result: Json = {
            "ruleId": self.rule_id,
            "message": {"text": self.message},
            "locations": [self.location.to_sarif()],
        }
        own: Json = dict(self.properties)
        if self.location.start_line < 1:
            own["whole-file"] = True
        if self.identity:
            own["identity"] = list(self.identity)
        if self.severity is not None:
            result["level"] = level_of(self.severity)
            own["severity"] = self.severity
        if own:
            result["properties"] = {"mlsecops": own}
        if self.related:
            result["relatedLocations"] = [
                {**place.to_sarif(), "id": number, "message": {"text": text}}
                for number, (text, place) in enumerate(self.related, start=1)
            ]
        if self.suppression is not None:
            result["suppressions"] = [{"kind": "inSource", "justification": self.suppression}]
        return result
