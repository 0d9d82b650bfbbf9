"""Reports and verdicts to render, built from what is usual and what a test says otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from mlsecops.findings import (
    BaselineInfo,
    Finding,
    LeftOut,
    Model,
    ModelChange,
    Place,
    Report,
    StageReport,
    ToolReport,
)
from mlsecops.policy import SEVERITIES, Severity, Waiver
from mlsecops.policy.changes import PolicyChange
from mlsecops.policy.proposal import Proposal
from mlsecops.report.history import Past
from mlsecops.sarif.build import Status
from mlsecops.verdict import Condition, Verdict

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_SCORES: dict[Severity, float] = {"critical": 9.8, "high": 8.1, "medium": 5.5, "low": 2.0}


def finding(number: int = 1, **changes: Any) -> Finding:
    """A high finding of the source scan, with a fingerprint made from its number."""
    severity: Severity = changes.get("severity", "high")
    fingerprint = f"{number:064x}"[::-1]
    stage = changes.get("stage", "sast")
    usual: dict[str, Any] = {
        "id": fingerprint[:12],
        "fingerprint": fingerprint,
        "stage": stage,
        "stages": (stage,),
        "rule_id": "mlsecops.python.unsafe-load",
        "title": "Loading a pickle runs code",
        "severity": severity,
        "score": _SCORES[severity],
        "message": "`pickle.load` runs what the file says; the file comes from a request.",
        "uri": "src/service/app.py",
        "line": 10 + number,
        "tools": ("bandit", "semgrep"),
        "fix": "load with `skops.io.load` and a list of trusted types",
        "help": "A pickle is a program. Who writes the file owns the process.\n\nUse a format without code.",
        "help_uri": "https://docs.example/unsafe-load",
        "tags": ("owasp-ml/ML06", "mitre-atlas/AML.T0010"),
        "cwes": ("CWE-502",),
        "state": "new",
    }
    return Finding(**{**usual, **changes})


def package_finding(number: int = 1, **changes: Any) -> Finding:
    """A critical, exploited vulnerability of a dependency."""
    usual: dict[str, Any] = {
        "stage": "sca",
        "rule_id": "CVE-2023-30861",
        "title": "flask 2.0.1: session cookie may be sent to other clients",
        "severity": "critical",
        "message": "flask 2.0.1 has CVE-2023-30861.",
        "uri": "requirements.txt",
        "line": 3,
        "tools": ("pip-audit",),
        "fix": "",
        "aliases": ("GHSA-M2QF-HXJV-5GPQ", "PYSEC-2023-62"),
        "package": "flask",
        "installed": "2.0.1",
        "fixed_in": "2.2.5, 2.3.2",
        "kev": True,
    }
    return finding(number, **{**usual, **changes})


def waiver(**changes: Any) -> Waiver:
    """A waiver with 26 days left."""
    usual: dict[str, Any] = {
        "rule": "mlsecops.python.unsafe-load",
        "path": "src/legacy/**",
        "reason": "Replaced with the next release, see the migration plan.",
        "expires": date(2026, 12, 16),
    }
    return Waiver(**{**usual, **changes})


def model(**changes: Any) -> Model:
    """A pickled classifier, read to its end."""
    usual: dict[str, Any] = {
        "uri": "models/a.pkl",
        "format": "pickle",
        "size": 2_000,
        "sha256": "a" * 64,
        "producer": "sklearn",
        "imports": frozenset(),
        "operators": frozenset(),
        "whole": True,
    }
    return Model(**{**usual, **changes})


def tool(name: str, stage: str, **changes: Any) -> ToolReport:
    """A tool that looked at everything and found its canary."""
    status: Status = changes.get("status", "passed")
    skipped = status == "skipped"
    usual: dict[str, Any] = {
        "version": "" if skipped else "1.2.3",
        "status": status,
        "reason": "there is nothing of that kind in the repository" if skipped else "",
        "expected": 0 if skipped else 12,
        "scanned": 0 if skipped else 12,
        "canary": "not needed" if skipped else "found",
        "started": NOW - timedelta(seconds=20),
        "ended": NOW - timedelta(seconds=20 - changes.get("seconds", 3.2)),
        "seconds": 0.0 if skipped else 3.2,
        "targets": () if skipped else tuple(f"src/module_{number}.py" for number in range(12)),
    }
    return ToolReport(name=name, stage=stage, **{**usual, **changes})


def stage(name: str, *tools: ToolReport, findings: Sequence[Finding] = ()) -> StageReport:
    """A stage with the worst status of its tools."""
    order: tuple[Status, ...] = ("incomplete", "findings", "passed", "skipped")
    statuses = [each.status for each in tools]
    status = next(each for each in order if each in statuses)
    counted = Counter(each.severity for each in findings if each.open and each.stage == name)
    return StageReport(
        name=name,
        status=status,
        reason=next((each.reason for each in tools if each.status == status), ""),
        tools=tools,
        seconds=max((each.seconds for each in tools), default=0.0),
        counts=MappingProxyType({severity: counted[severity] for severity in SEVERITIES}),
    )


def stages(findings: Sequence[Finding] = (), *, incomplete: bool = False) -> tuple[StageReport, ...]:
    """All stages, as they are for a project without a Dockerfile."""

    def status(name: str) -> Status:
        return "findings" if any(each.stage == name and each.open for each in findings) else "passed"

    broken: dict[str, Any] = {
        "status": "incomplete",
        "reason": "modelscan: looked at 2 of 3, not at models/forecast.onnx",
        "expected": 3,
        "scanned": 2,
        "problems": ("models/forecast.onnx: this is a Git LFS pointer, not the file",),
    }
    whole: dict[str, Any] = {"status": status("model"), "expected": 3, "scanned": 3}
    begin = NOW - timedelta(seconds=20)
    return (
        stage(
            "test",
            tool(
                "pytest",
                "test",
                expected=34,
                scanned=34,
                seconds=12.4,
                notes=("coverage: 93 %",),
                canary="not needed",
                ended=begin + timedelta(seconds=12.4),
            ),
            findings=findings,
        ),
        stage(
            "sca",
            tool(
                "pip-audit",
                "sca",
                status=status("sca"),
                data_source="OSV",
                data_date=date(2026, 11, 20),
                expected=61,
                scanned=61,
                seconds=6.1,
            ),
            tool(
                "cyclonedx-bom",
                "sca",
                canary="not needed",
                expected=1,
                scanned=1,
                seconds=1.4,
                started=begin + timedelta(seconds=6),
                ended=begin + timedelta(seconds=7.4),
            ),
            findings=findings,
        ),
        stage(
            "sast",
            tool("semgrep", "sast", status=status("sast"), seconds=9.8),
            tool(
                "bandit",
                "sast",
                status=status("sast"),
                seconds=0.9,
                started=begin + timedelta(seconds=10),
                ended=begin + timedelta(seconds=10.9),
            ),
            tool("zizmor", "sast", status="skipped"),
            findings=findings,
        ),
        stage(
            "model",
            tool("modelscan", "model", **(broken if incomplete else whole), seconds=4.0),
            tool("picklescan", "model", status=status("model"), expected=3, scanned=3, seconds=0.4),
            findings=findings,
        ),
        stage(
            "container",
            tool("hadolint", "container", status="skipped", reason="no Dockerfile in the repository"),
            findings=findings,
        ),
    )


def report(findings: Sequence[Finding] = (), *, incomplete: bool = False, **changes: Any) -> Report:
    """A report with a baseline of the day before; findings come worst first, as they do from a log."""
    usual: dict[str, Any] = {
        "project": "forecast-api",
        "generated": NOW,
        "version": "0.1.0",
        "stages": stages(findings, incomplete=incomplete),
        "findings": tuple(sorted(findings, key=lambda each: SEVERITIES.index(each.severity))),
        "baseline": BaselineInfo(source="main@9d01e77", date=NOW - timedelta(days=1)),
        "policy_source": ".github/mlsecops.yml",
    }
    return Report(**{**usual, **changes})


def passed(reason: str = "every stage finished, with no new finding at or above high") -> Verdict:
    """The verdict of a report without anything against it."""
    return Verdict("passed", reason, (), 0)


def blocked(*findings: Finding) -> Verdict:
    """The verdict of a report with findings that block."""
    text = f"{len(findings)} new findings at or above high"
    by_stage = {each.stage: [other for other in findings if other.stage == each.stage] for each in findings}
    conditions = tuple(
        Condition(
            "findings",
            f"{name}: {len(group)} new findings at or above high",
            tuple(each.id for each in group),
        )
        for name, group in by_stage.items()
    )
    return Verdict("blocked", text, conditions, 1)


def incomplete(reason: str = "model: modelscan: looked at 2 of 3, not at models/forecast.onnx") -> Verdict:
    """The verdict of a report of which a stage did not finish."""
    return Verdict("incomplete", reason, (Condition("incomplete", reason),), 3)


def past(days: int, word: str = "passed", project: str = "forecast-api", **counts: int) -> Past:
    """A run some days ago."""
    moment = NOW - timedelta(days=days)
    return Past(project, moment, word, {each: counts.get(each, 0) for each in SEVERITIES})


def history() -> list[Past]:
    """Three runs before the usual report."""
    return [past(9, medium=4), past(6, "incomplete", high=3, low=2), past(2, "blocked", critical=1, high=2)]


def rich_report() -> tuple[Report, Verdict]:
    """A report with something of everything."""
    new = [
        finding(
            1,
            severity="critical",
            stage="model",
            rule_id="pickle-calls-system",
            uri="models/forecast.pkl",
            line=1,
            title="Code runs when the model is loaded",
            message="Loading calls `posix.system`.",
            tools=("modelscan", "picklescan"),
            cell="archive/data.pkl",
        ),
        package_finding(2),
        finding(
            3,
            also_at=(Place("src/train.py", 88), Place("src/eval.py", 12)),
            rules=("mlsecops.python.unsafe-load", "B301"),
            stages=("sast", "model"),
            reproduce="python -c 'import service.app'",
        ),
        finding(
            4,
            severity="medium",
            title="Debug mode is on",
            uri="notebooks/explore | data.ipynb",
            cell="cell 7",
        ),
        finding(5, severity="low", title="Temporary file with a known name", uri="src/日本語/häuser.py"),
    ]
    old = [finding(number, severity=SEVERITIES[number % 4], state="unchanged") for number in range(10, 27)]
    accepted = [
        finding(40, waiver=waiver(), state="unchanged"),
        finding(
            41, waiver=waiver(rule=None, advisory="CVE-2024-1", expires=date(2026, 11, 26)), state="unchanged"
        ),
        finding(42, suppressed="nosec", state="unchanged"),
        finding(43, suppressed="the file is ours", uri="src/b.py", state="unchanged"),
    ]
    every = [*new, *old, *accepted]
    whole = report(
        every,
        incomplete=True,
        fixed=(finding(60, state="fixed", title="Secret in source", uri="src/config.py"),),
        waivers_expired=(waiver(rule="DL3007", path="Dockerfile", expires=date(2026, 11, 1)),),
        waivers_unused=(waiver(rule="B101", path="src/**"),),
        left_out=(
            LeftOut("data/train.bin", "larger than 100 MB"),
            LeftOut("node_modules", "packages of others", 1700),
        ),
        notices=("comments in the files suppress 2 findings",),
        proposal=Proposal(
            kind="edited",
            path=".github/mlsecops.yml",
            changes=(
                PolicyChange("`fail-on` high → never", "weaker"),
                PolicyChange("waiver added: `B301` in `src/**`, until 2027-01-31: legacy", "weaker"),
                PolicyChange("`models.require-lock` false → true", "stricter"),
            ),
        ),
        model_changes=(
            ModelChange(
                kind="changed",
                before=model(uri="models/forecast.pkl"),
                after=model(
                    uri="models/forecast.pkl",
                    sha256="b" * 64,
                    imports=frozenset({"posix.system"}),
                    whole=False,
                ),
            ),
            ModelChange(kind="renamed", before=model(), after=model(uri="models/b.pkl")),
        ),
    )
    verdict = blocked(*new[:3])
    broken = Condition("incomplete", "model: modelscan: looked at 2 of 3, not at models/forecast.onnx")
    return whole, replace(verdict, conditions=(*verdict.conditions, broken))


@cache
def many(number: int) -> tuple[Report, Verdict]:
    """A report with that many findings, spread over stages, rules, files and states as real ones are."""
    rules = [(f"rule-{each:03}", f"Weakness number {each} of its kind") for each in range(120)]
    names = ("sca", "sast", "sast", "sast", "model", "container")
    found = []
    for each in range(number):
        rule, title = rules[each * 7 % len(rules)]
        name = names[each % len(names)]
        changes: dict[str, Any] = {
            "stage": name,
            "severity": SEVERITIES[(each * 13 // 5) % 4],
            "rule_id": rule,
            "title": title,
            "message": f"The call on this line takes the value `value_{each}` without a check.",
            "uri": f"src/package_{each % 40}/module_{each % 900}.py",
            "line": each % 1500 + 1,
            "state": "new" if each % 3 else "unchanged",
        }
        found.append(package_finding(each, **changes) if name == "sca" else finding(each, **changes))
    return report(found), blocked(
        *(each for each in found if each.state == "new" and each.severity in {"critical", "high"})
    )
