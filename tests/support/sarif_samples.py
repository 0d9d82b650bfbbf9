"""What four tools write, in small: hand-written runs in the shape of each, and their repository."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.sarif.fingerprint import add_fingerprints, split_lines
from mlsecops.sarif.normalise import normalise_run

REPOSITORY = {
    "src/load model.py": "import pickle\n\n\ndef load(path):\n    return pickle.load(open(path))\n",
    "Dockerfile": "FROM python:latest\nRUN cd /srv && pip install flask\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4\n",
}


def read_lines(path: str) -> Sequence[str] | None:
    """The lines of a file of the sample repository."""
    text = REPOSITORY.get(path)
    return None if text is None else split_lines(text)


def place(uri: str, **region: Any) -> Json:
    """A SARIF location as tools write it."""
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def semgrep() -> Json:
    """Plain paths, CWE names as tags, the level on the rule only, a data flow, a suppressed result."""
    source = place("src/load model.py", startLine=4, startColumn=10, endLine=4, endColumn=14)
    sink = place(
        "src/load model.py",
        startLine=5,
        startColumn=12,
        endLine=5,
        endColumn=35,
        snippet={"text": "    return pickle.load(open(path))"},
    )
    steps = [
        {"location": {**each, "message": {"text": "step"}}, "nestingLevel": 0} for each in (source, sink)
    ]
    flow = {"message": {"text": "from argument to load"}, "threadFlows": [{"locations": steps}]}
    return {
        "tool": {
            "driver": {
                "name": "Semgrep OSS",
                "semanticVersion": "1.182.0",
                "rules": [
                    {
                        "id": "unsafe-load",
                        "name": "unsafe-load",
                        "shortDescription": {"text": "Semgrep Finding: unsafe-load"},
                        "fullDescription": {"text": "Loading runs code. Load a safe format."},
                        "help": {"text": "Loading runs code.", "markdown": "Loading **runs** code."},
                        "defaultConfiguration": {"level": "error"},
                        "properties": {
                            "precision": "very-high",
                            "tags": ["CWE-502: Deserialization", "LOW CONFIDENCE", "security"],
                        },
                    }
                ],
            }
        },
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": []}],
        "results": [
            {
                "ruleId": "unsafe-load",
                "message": {"text": "pickle.load(open(path)) runs code"},
                "fingerprints": {"matchBasedId/v1": "requires login"},
                "locations": [sink],
                "codeFlows": [flow],
                "fixes": [
                    {
                        "description": {"text": "Load a safe format"},
                        "artifactChanges": [
                            {
                                "artifactLocation": {"uri": "src/load model.py"},
                                "replacements": [
                                    {
                                        "deletedRegion": {"startLine": 5, "startColumn": 12, "endColumn": 23},
                                        "insertedContent": {"text": "safe_load"},
                                    }
                                ],
                            }
                        ],
                    }
                ],
                "properties": {},
            },
            {
                "ruleId": "unsafe-load",
                "message": {"text": "import of pickle"},
                "locations": [place("src/load model.py", startLine=1, startColumn=1)],
                "suppressions": [{"kind": "inSource"}],
                "properties": {},
            },
        ],
    }


def bandit() -> Json:
    """Percent-encoded URIs, rules without texts or level, the level on results, `warning` by default."""
    return {
        "tool": {
            "driver": {
                "name": "Bandit",
                "organization": "PyCQA",
                "version": "1.9.4",
                "semanticVersion": "1.9.4",
                "rules": [
                    {
                        "id": "B301",
                        "name": "blacklist",
                        "properties": {"tags": ["security", "external/cwe/cwe-502"], "precision": "high"},
                        "helpUri": "https://bandit.example/b301",
                    }
                ],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": "2026-11-20T11:50:00Z",
                "commandLine": "bandit -r /tmp/secret-folder",
                "workingDirectory": {"uri": "file:///tmp/secret-folder/"},
                "environmentVariables": {"HOME": "/home/me"},
            }
        ],
        "properties": {"metrics": {"./src/load model.py": {"loc": 4}}},
        "results": [
            {
                "ruleId": "B301",
                "ruleIndex": 0,
                "message": {"text": "Pickle can be unsafe. Do not load what you did not make."},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": "src/load%20model.py"},
                            "region": {"startLine": 5, "startColumn": 12, "endLine": 5, "endColumn": 35},
                            "contextRegion": {"startLine": 4, "endLine": 6, "snippet": {"text": "..."}},
                        }
                    }
                ],
                "properties": {"issue_confidence": "HIGH", "issue_severity": "MEDIUM"},
            }
        ],
    }


def hadolint() -> Json:
    """No rules at all, regions without width, `sourceLanguage`."""
    return {
        "defaultSourceLanguage": "dockerfile",
        "tool": {"driver": {"name": "Hadolint", "version": "2.15.1", "rules": []}},
        "results": [
            {
                "ruleId": rule,
                "level": level,
                "message": {"text": text},
                "locations": [
                    place(
                        "Dockerfile",
                        startLine=line,
                        startColumn=1,
                        endLine=line,
                        endColumn=1,
                        sourceLanguage="dockerfile",
                    )
                ],
            }
            for rule, level, text, line in (
                ("DL3007", "warning", "Using latest is prone to errors. Pin the version", 1),
                ("DL3003", "note", "Use WORKDIR to switch to a directory", 2),
                ("DL3003", "note", "Use WORKDIR to switch to a directory", 2),
            )
        ],
    }


def zizmor() -> Json:
    """Rules without descriptions, `kind`, logical locations that hold paths of the machine."""
    symbolic = {
        "properties": {"symbolic": {"key": {"Local": {"verbatim_path": "/tmp/secret-folder/ci.yml"}}}}
    }
    where = {
        **place(".github/workflows/ci.yml", startLine=5, startColumn=9, endLine=6, endColumn=1),
        "logicalLocations": [symbolic],
        "message": {"text": "does not set persist-credentials: false"},
    }
    return {
        "tool": {
            "driver": {
                "name": "zizmor",
                "semanticVersion": "1.32.0",
                "rules": [
                    {
                        "id": "zizmor/artipacked",
                        "name": "artipacked",
                        "help": {"text": "credentials persist", "markdown": "`artipacked`: they persist"},
                        "helpUri": "https://zizmor.example/#artipacked",
                        "properties": {"tags": ["security"]},
                    }
                ],
            }
        },
        "invocations": [{"executionSuccessful": True}],
        "results": [
            {
                "ruleId": "zizmor/artipacked",
                "kind": "fail",
                "level": "warning",
                "message": {"text": "credentials persist: does not set persist-credentials: false"},
                "locations": [where],
                "codeFlows": [
                    {"threadFlows": [{"locations": [{"importance": "essential", "location": where}]}]}
                ],
                "properties": {"zizmor/severity": "Medium"},
            }
        ],
    }


def normal(run: Json, tool: str = "tool", stage: str = "sast", **options: Any) -> Json:
    """A run of the sample repository as a stage would leave it."""
    return add_fingerprints(
        normalise_run(run, stage=stage, tool=tool, read_lines=read_lines, **options), read_lines
    )


def all_tools() -> Json:
    """One log with a normalised run of each tool."""
    runs = [
        normal(semgrep(), "semgrep", raw_uris=True),
        normal(bandit(), "bandit"),
        normal(hadolint(), "hadolint", "container", raw_uris=True),
        normal(zizmor(), "zizmor", raw_uris=True),
    ]
    return log(*runs)


def log(*runs: Json) -> Json:
    """A SARIF log of some runs."""
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": list(runs)}


def noise(seed: object, length: int) -> str:
    """Hexadecimal digits that no compression makes much smaller, the same for the same seed."""
    return hashlib.shake_256(repr(seed).encode()).hexdigest(length // 2)


def simple_run(name: str, category: str, severities: Sequence[float], **properties: Any) -> Json:
    """A whole run with one result per severity, each on a line of its own."""
    rules = [
        {
            "id": f"R{number}",
            "name": "Rule",
            "shortDescription": {"text": "A rule"},
            "fullDescription": {"text": "A rule of the tests"},
            "help": {"text": "Mend it"},
            "properties": {"security-severity": str(severity), "tags": ["external/cwe/cwe-502"]},
        }
        for number, severity in enumerate(dict.fromkeys(severities))
    ]
    numbers = {severity: number for number, severity in enumerate(dict.fromkeys(severities))}
    results = [
        {
            "ruleId": f"R{numbers[severity]}",
            "message": {"text": f"{name} finds number {line}"},
            "locations": [place("src/big.py", startLine=line)],
        }
        for line, severity in enumerate(severities, start=1)
    ]
    run: Json = {
        "tool": {"driver": {"name": name, "rules": rules}},
        "automationDetails": {"id": category},
        "invocations": [{"executionSuccessful": True}],
        "artifacts": [{"location": {"uri": "src/big.py"}, "hashes": {"sha-256": "0" * 64}}],
        "results": results,
    }
    if properties:
        run["properties"] = {"mlsecops": properties}
    return normal(run)
