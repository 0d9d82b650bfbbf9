"""What people read of a scan: findings, tools, stages and the whole report, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from mlsecops.findings.model_changes import ModelChange
from mlsecops.policy import SEVERITIES, Severity, Waiver
from mlsecops.policy.proposal import Proposal
from mlsecops.sarif.build import Status

Canary = Literal["found", "not found", "not needed"]
State = Literal["new", "unchanged", "fixed"]
WORST_FIRST: tuple[Status, ...] = ("incomplete", "findings", "passed", "skipped")


def band(score: float) -> Severity:
    """Severity of a security-severity: critical from 9.0, high from 7.0, medium from 4.0, else low.

    GitHub's bands, except that GitHub calls only what is over 9.0 critical; here 9.0 itself is critical too.
    """
    if score >= 9.0:
        return "critical"
    if score >= 7.0:
        return "high"
    return "medium" if score >= 4.0 else "low"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file of the repository, from 1; 0 is the file as a whole."""

    uri: str
    line: int

    def __str__(self) -> str:
        """Such as "src/app.py:12" or "models/a.onnx"."""
        return f"{self.uri}:{self.line}" if self.line else self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One weakness at one place, whichever and however many tools found it.

    The texts of the finding with the highest severity stand for all. `stage` is the first of `stages`.
    `line` is 0 where it is about the file as a whole, `also_at` are further places of the same weakness.
    `cell` names the part of the file: a notebook's cell, a member of an archive. `rules` are all rules that
    found it, the one that stands for them first. `reproduce` is a command that shows it again, where there is
    a special one. `state` is None without a baseline. `waiver` is the unexpired waiver that covers it,
    `suppressed` the justification of a comment in the file; either way it does not count for the gate.
    `self_hiding`: there is such a comment, but it does not hold yet, because the judged change adds it.
    """

    id: str
    fingerprint: str
    stage: str
    stages: tuple[str, ...]
    rule_id: str
    title: str
    severity: Severity
    score: float
    message: str
    uri: str
    line: int
    end_line: int | None = None
    cell: str | None = None
    also_at: tuple[Place, ...] = ()
    tools: tuple[str, ...] = ()
    fix: str = ""
    help: str = ""
    help_uri: str = ""
    tags: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    reproduce: str = ""
    package: str | None = None
    installed: str | None = None
    fixed_in: str | None = None
    kev: bool = False
    state: State | None = None
    waiver: Waiver | None = None
    suppressed: str | None = None
    self_hiding: bool = False

    @property
    def open(self) -> bool:
        """Whether it is neither waived nor suppressed."""
        return self.waiver is None and self.suppressed is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """What one tool did: its status and the proof of its work. `targets` are the files it looked at."""

    name: str
    version: str
    stage: str
    status: Status
    reason: str = ""
    expected: int = 0
    scanned: int = 0
    canary: Canary = "not needed"
    started: datetime | None = None
    ended: datetime | None = None
    seconds: float = 0.0
    data_source: str | None = None
    data_date: date | None = None
    suppressed: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it looked at everything that was due."""
        return self.status in {"passed", "findings"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """A stage: the worst status of its tools, its wall time, and its open findings by severity."""

    name: str
    status: Status
    reason: str = ""
    tools: tuple[ToolReport, ...] = ()
    seconds: float = 0.0
    counts: Mapping[Severity, int] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(SEVERITIES, 0))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineInfo:
    """What the findings were compared with; its `incomplete` stages cannot prove a finding absent."""

    source: str
    date: datetime | None
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that no stage looked at: a folder or file, why, and how many files it stands for.

    `unreadable` ones are not left out on purpose: what is in them is not known.
    """

    path: str
    reason: str
    files: int = 1
    unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole scan for people. `findings` are the present ones, worst first; `fixed` those that went away.

    Each of `doubts` says why the scan cannot be relied on, and keeps it from passing. `waived_results` are
    stage and fingerprint of every result that belongs to a waived finding, `known_results` of every one that
    the baseline has too. `proposal` is what the judged
    change does to the policy. `model_changes` compare the model
    files with those of the baseline.
    """

    project: str
    generated: datetime
    version: str
    stages: tuple[StageReport, ...]
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    baseline: BaselineInfo | None = None
    policy_source: str = ""
    waivers_expired: tuple[Waiver, ...] = ()
    waivers_unused: tuple[Waiver, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    proposal: Proposal | None = None
    waived_results: frozenset[tuple[str, str]] = frozenset()
    known_results: frozenset[tuple[str, str]] = frozenset()
    model_changes: tuple[ModelChange, ...] = ()

    @property
    def suppressed(self) -> int:
        """How many findings a comment in the file suppresses."""
        return sum(1 for finding in self.findings if finding.suppressed is not None)

    @property
    def waived(self) -> int:
        """How many findings an unexpired waiver covers."""
        return sum(1 for finding in self.findings if finding.waiver is not None)

    def stage(self, name: str) -> StageReport | None:
        """The stage of that name, if it is part of the report."""
        return next((stage for stage in self.stages if stage.name == name), None)
