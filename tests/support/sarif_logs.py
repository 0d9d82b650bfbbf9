"""Merged SARIF logs as a scan leaves them, made from rules and results with real fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlsecops.sarif.build import Json, Location, Result, Rule, encode_uri
from mlsecops.sarif.fingerprint import add_fingerprints, split_lines


def rule(rule_id: str, *, severity: float = 7.5, cwe: int | None = 502, **changes: Any) -> Rule:
    """A rule with a weakness; high unless said otherwise."""
    usual: dict[str, Any] = {
        "name": rule_id.title(),
        "summary": f"About {rule_id}",
        "help": f"What {rule_id} means.",
        "fix": f"Do not {rule_id}.",
        "tags": (f"external/cwe/cwe-{cwe}", "owasp-ml/ML06") if cwe else (),
    }
    return Rule(id=rule_id, severity=severity, **{**usual, **changes})


def result(rule_id: str, uri: str = "app.py", line: int = 1, **changes: Any) -> Result:
    """A result of a rule on a line."""
    message = changes.pop("message", f"{rule_id} is here")
    logical = changes.pop("logical", None)
    return Result(
        rule_id=rule_id,
        message=message,
        location=Location(uri=uri, start_line=line, logical=logical),
        **changes,
    )


def advisory(
    name: str,
    package: str = "flask",
    uri: str = "requirements.txt",
    line: int = 1,
    *,
    aliases: Sequence[str] = (),
) -> Result:
    """A vulnerability of a package, as the SCA stage reports it."""
    properties = {"package": package, "installed": "2.0.1", "fixed-in": "2.2.5", "aliases": list(aliases)}
    return result(name, uri, line, identity=("advisory", name, package), properties=properties)


def run(
    stage: str,
    tool: str,
    results: Sequence[Result] = (),
    rules: Sequence[Rule] = (),
    *,
    files: Mapping[str, str] | None = None,
    **evidence: Any,
) -> Json:
    """One tool's run over `files`; `evidence` overrides what its property bag says."""
    contents = dict(files or {})
    for each in results:
        contents.setdefault(each.location.uri, "".join(f"line {number}\n" for number in range(1, 60)))
    known = {each.id for each in rules}
    every = [
        *rules,
        *(rule(name) for name in dict.fromkeys(each.rule_id for each in results) if name not in known),
    ]
    skipped = evidence.get("status") == "skipped"
    opened = any(each.suppression is None for each in results)
    log_run: Json = {
        "tool": {
            "driver": {"name": tool, "semanticVersion": "1.2.3", "rules": [each.to_sarif() for each in every]}
        },
        "automationDetails": {"id": f"mlsecops/{stage}/{tool}/"},
        "invocations": [
            {
                "startTimeUtc": "2026-11-20T09:00:00.000Z",
                "endTimeUtc": "2026-11-20T09:00:04.500Z",
                "executionSuccessful": evidence.get("status") != "incomplete",
                "toolExecutionNotifications": [],
            }
        ],
        "artifacts": [{"location": {"uri": encode_uri(uri)}} for uri in contents],
        "results": [each.to_sarif() for each in results],
        "properties": {
            "mlsecops": {
                "stage": stage,
                "status": "findings" if opened else "passed",
                "reason": "",
                "expected": 0 if skipped else max(len(contents), 1),
                "scanned": 0 if skipped else max(len(contents), 1),
                "canary": "not needed" if skipped else "found",
                "seconds": 4.5,
                "suppressed": sum(1 for each in results if each.suppression is not None),
                "notes": [],
                **evidence,
            }
        },
    }
    return add_fingerprints(log_run, lambda uri: split_lines(contents[uri]) if uri in contents else None)


def log(*runs: Json, project: str = "forecast-api", left_out: Sequence[Json] = ()) -> Json:
    """Runs as one log."""
    bag = {"project": project, "left-out": list(left_out)}
    return {"version": "2.1.0", "runs": list(runs), "properties": {"mlsecops": bag}}
