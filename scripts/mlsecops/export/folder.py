"""A report folder, taken for hostile: what each stage did and found, and what cannot be relied on."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mlsecops.export.document import GivenStage, GivenTool, read_document
from mlsecops.export.errors import ExportUsageError
from mlsecops.findings import Finding, build_report
from mlsecops.findings.fields import mappings, own_properties, stage_of, texts
from mlsecops.policy import Policy
from mlsecops.report.escape import plain, shorten
from mlsecops.sarif.build import SCHEMA, Json, Status
from mlsecops.sarif.files import read
from mlsecops.sarif.selection import tells_of_a_cut

REPORT, FINDINGS = "report.json", "report.sarif"
_WORDS, _NAME = 300, 100
_IMAGES = "trivy"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's run: whether it looked at everything, and when it began."""

    name: str
    version: str
    status: Status
    reason: str
    expected: int
    scanned: int
    started: datetime | None

    @property
    def complete(self) -> bool:
        """Whether it looked at everything that was due."""
        return self.status in {"passed", "findings"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and what it found; `doubt` says why a finding's absence from it proves nothing, or is empty."""

    name: str
    status: Status
    reason: str
    doubt: str
    tools: tuple[Tool, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def looked(self) -> bool:
        """Whether any tool of it ran at all."""
        return any(tool.status != "skipped" for tool in self.tools)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the chain, as its report folder tells it."""

    folder: Path
    project: str
    version: str
    generated: datetime
    stages: tuple[Stage, ...]

    def tool(self, stage: str, name: str) -> Tool | None:
        """The run of a tool in a stage, if there was one."""
        tools = (tool for each in self.stages if each.name == stage for tool in each.tools)
        return next((tool for tool in tools if tool.name == name), None)


def read_run(folder: Path) -> Run:
    """The run whose report is in a folder, without its findings. Raises ExportUsageError, OSError."""
    document = read_document(own_file(folder / REPORT))
    doubt = "the report as a whole is in doubt" if document.in_doubt else ""
    return Run(
        folder=folder,
        project=shorten(plain(document.project), _NAME) or "project",
        version=shorten(plain(document.mlsecops), _NAME),
        generated=document.generated.astimezone(UTC),
        stages=tuple(_stage(each, doubt) for each in document.stages),
    )


def with_findings(run: Run, policy: Policy) -> Run:
    """The run with what each stage found, and which waiver of the policy covers it.

    Raises ExportUsageError, and SarifError when the findings cannot be read.
    """
    logged = list(mappings(read(own_file(run.folder / FINDINGS)).get("runs")))
    stages = {each.name for each in run.stages}
    strange = next((name for each in logged if (name := stage_of(each)) not in stages), None)
    if strange is not None:
        told = f"{FINDINGS} has a stage {shorten(plain(strange), _NAME)} that {REPORT} does not have"
        raise ExportUsageError(f"{run.folder} holds the files of different runs: {told}")
    notes = (note for each in logged for note in texts(own_properties(each).get("notes")))
    cut = f"{FINDINGS} does not hold all that was found" if tells_of_a_cut(notes) else ""

    def found(stage: Stage) -> Stage:
        own = [each for each in logged if stage_of(each) == stage.name]
        return replace(stage, doubt=stage.doubt or cut, findings=_findings(own, policy, run.generated))

    return replace(run, stages=tuple(map(found, run.stages)))


def own_file(path: Path) -> Path:
    """The path of a regular file within the report folder, and not of something that a link leads to.

    Raises ExportUsageError.
    """
    try:
        found = os.lstat(path)
    except OSError as error:
        missing = f"{path.parent} holds no report of a run: {path.name} cannot be read ({error.strerror})"
        raise ExportUsageError(f"{missing}; name its folder with --report") from None
    if not stat.S_ISREG(found.st_mode):
        raise ExportUsageError(f"{path} is not a plain file, and so none that a run leaves")
    return path


def _stage(given: GivenStage, doubt: str) -> Stage:
    reason = shorten(plain(given.reason), _WORDS)
    tools = tuple(map(_tool, given.tools))
    own = f"it is incomplete: {reason}" if given.status == "incomplete" else _unseen(tools)
    return Stage(name=given.name, status=given.status, reason=reason, doubt=own or doubt, tools=tools)


def _unseen(tools: Sequence[Tool]) -> str:
    """Why a stage that is complete as it was asked for has not seen its images: no engine, or `--no-exec`.

    Every other tool that is skipped while its stage looks has nothing in the project to look at.
    """
    skipped = next((tool for tool in tools if tool.name == _IMAGES and tool.status == "skipped"), None)
    return f"its images were not looked at: {skipped.reason}" if skipped else ""


def _tool(given: GivenTool) -> Tool:
    return Tool(
        name=shorten(plain(given.name), _NAME),
        version=shorten(plain(given.version), _NAME),
        status=given.status,
        reason=shorten(plain(given.reason), _WORDS),
        expected=given.expected,
        scanned=given.scanned,
        started=given.started,
    )


def _findings(runs: Sequence[Json], policy: Policy, generated: datetime) -> tuple[Finding, ...]:
    """What a stage found by itself: a row of the whole report may stand for several stages."""
    log: Json = {"$schema": SCHEMA, "version": "2.1.0", "runs": list(runs)}
    return build_report(log, policy=policy, expected=(), generated=generated).findings
