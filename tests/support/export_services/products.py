"""What the two products make of what they are sent, as their sources and documentation have it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.export_services.form import Form
from support.export_services.server import KEY, document_of
from support.github_api.wire import Answer

# Keys of https://github.com/DefectDojo/django-DefectDojo, dojo/tools/generic/json_parser.py; one that is not
# among a release's own makes it refuse the whole file, so what only new ones know is not here.
FINDING_KEYS = frozenset(
    {"title", "severity", "description", "mitigation", "severity_justification", "steps_to_reproduce"}
    | {"references", "cwe", "vulnerability_ids", "file_path", "line", "component_name", "component_version"}
    | {"unique_id_from_tool", "vuln_id_from_tool", "active", "verified", "is_mitigated", "mitigated"}
    | {"static_finding", "dynamic_finding"}
)
# Widths of its columns: dojo/finding/models.py.
WIDTHS = {
    "title": 511,
    "file_path": 4000,
    "component_name": 500,
    "component_version": 100,
    "unique_id_from_tool": 500,
    "vuln_id_from_tool": 500,
}


@dataclass
class DefectDojo:
    """It reimports into the test of a title: dojo/importers/default_reimporter.py, matched by unique id."""

    described: Mapping[str, Any]
    key_header: str = "Authorization"
    key: str = f"Token {KEY}"
    tests: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)

    def take(self, form: Form) -> Answer:
        """Import a file."""
        document = document_of(form, "file")
        problems = [problem for each in document["findings"] for problem in wrong(each)]
        if problems:
            return Answer(400, {"message": problems[0]})
        given = form.fields
        name = (given["product_name"], given["engagement_name"], given["test_title"])
        first = name not in self.tests
        known = self.tests.setdefault(name, {})
        done = {"created": 0, "closed": 0, "reactivated": 0, "untouched": 0}
        now = {each["unique_id_from_tool"]: each for each in document["findings"]}
        for key, each in now.items():
            state = "mitigated" if each["is_mitigated"] else "active"
            before = known.get(key)
            action = "created" if before is None else "untouched"
            if before == "mitigated" and state == "active":
                action = "reactivated"
            elif before == "active" and state == "mitigated":
                action = "closed"
            done[action] += 1
            known[key] = state
        if given.get("close_old_findings", "true") == "true" and not first:
            for key in known.keys() - now.keys():
                done["closed"] += known[key] == "active"
                known[key] = "mitigated"
        assert done.keys() == set(self.described["delta"])
        delta = {action: {"total": {"total": number}} for action, number in done.items()}
        statistics = {} if first else {"delta": delta}
        return Answer(201, {"test": 7, "test_id": 7, "statistics": statistics})

    def tell(self, path: str) -> Answer:
        """It is asked nothing."""
        return Answer(404, {"detail": "Not found."})


@dataclass
class DependencyTrack:
    """Every upload is what its project consists of from then on."""

    described: Mapping[str, Any]
    key_header: str = "X-Api-Key"
    key: str = KEY
    projects: dict[str, Any] = field(default_factory=dict)
    polls: int = 0
    progress: list[Any] = field(default_factory=list)

    def take(self, form: Form) -> Answer:
        """Take a bill of materials."""
        given = form.fields
        known = given.get("project") or f"{given.get('projectName')} {given.get('projectVersion')}"
        self.projects[known] = document_of(form, "bom")
        return Answer(200, {"token": str(uuid.uuid4())})

    def tell(self, path: str) -> Answer:
        """Whether an upload is still worked in."""
        self.polls += 1
        uuid.UUID(path.rpartition("/")[2])
        return Answer(200, self.progress.pop(0) if self.progress else {"processing": False})


def wrong(finding: Mapping[str, Any]) -> list[str]:
    """What makes DefectDojo refuse a finding of its generic format."""
    problems = []
    if missing := {"title", "severity", "description"} - finding.keys():
        problems.append(f"Required fields are missing: {sorted(missing)}")
    if strange := finding.keys() - FINDING_KEYS:
        problems.append(f"Not allowed fields are present: {sorted(strange)}")
    if finding["severity"] not in {"Critical", "High", "Medium", "Low", "Info"}:
        problems.append(f"Finding severity {finding['severity']!r} is not supported.")
    problems += [f"{name} is too long" for name, most in WIDTHS.items() if len(finding.get(name, "")) > most]
    problems += [
        f"{name} holds what no database takes"
        for name, value in finding.items()
        if isinstance(value, str) and "\0" in value
    ]
    return problems
