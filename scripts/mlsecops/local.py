"""A run on one's own machine, judged as a pull request is: by a base that the change has no part in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mlsecops import policy
from mlsecops.conclude import MERGED, Conclusion, Question, conclude
from mlsecops.policy import DEFAULT_FILE, Policy, PolicyError
from mlsecops.policy.proposal import Proposal, doubt, proposal, unreadable
from mlsecops.report.escape import terminal
from mlsecops.report.parts import Links
from mlsecops.revision import Revision, resolve
from mlsecops.scanning import Settings, scan_stages, scratch_folder
from mlsecops.toolbox import Processes, cache_folder

BASE = "base"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is asked for; `base` names the commit to compare with, `baseline` a report to compare with."""

    stages: Sequence[str]
    out: Path
    settings: Settings
    base: str | None = None
    baseline: Path | None = None
    history: Sequence[Path] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy that counts, what the project's own would change in it, and what keeps it from passing."""

    policy: Policy
    proposal: Proposal | None = None
    doubts: tuple[str, ...] = ()


def run_locally(root: Path, run: Run, console: Console) -> Conclusion:
    """Scan a project, and first its base where that has to be known; write the reports.

    Raises what `scan_stages` and `conclude` raise, and ProjectError when there is no such base.
    """
    if run.base is None and run.settings.policy_file is None:
        return _scanned(root, run, run.out, console)
    with scratch_folder(cache_folder()) as scratch:
        base = resolve(root, run.base, scratch, Processes()) if run.base is not None else None
        rules = judged_by(root, run.settings.policy_file, base)
        judged = replace(run, settings=replace(run.settings, policy=rules.policy))
        source = base.label if base else None
        if base is not None and run.baseline is None:
            judged = replace(judged, baseline=_scan_base(root, base, scratch / BASE, judged, console))
        elif run.baseline is not None:
            source = None
        return _scanned(root, judged, run.out, console, rules, source)


def judged_by(root: Path, file: Path | None, base: Revision | None) -> Rules:
    """The policy of a file, else that of the base; and what merging the project's own would make of it.

    Raises PolicyError when the one that counts cannot be read.
    """
    counts = policy.load(file) if file or base is None else base.policy()
    try:
        own = policy.find(root)
        if own is None and file is not None:
            return Rules(counts)
        return Rules(counts, proposal(counts, policy.load(own, name=DEFAULT_FILE if own else None)))
    except PolicyError as error:
        return Rules(counts, unreadable(counts, error), (doubt(error),))


def _scan_base(root: Path, base: Revision, scratch: Path, run: Run, console: Console) -> Path:
    """The report of the base, scanned with the same stages by the same policy."""
    console.print(Text(terminal(f"the base {base.label}, to tell what is new:"), style="bold"))
    copy = scratch / (root.resolve().name or "project")
    base.export(copy)
    conclusion = _scanned(copy, replace(run, history=()), run.out / BASE, console)
    console.print(Text(terminal(f"{base.label} {conclusion.verdict.word}; now the project:"), style="bold"))
    return conclusion.files[MERGED]


def _scanned(
    root: Path,
    run: Run,
    out: Path,
    console: Console,
    rules: Rules | None = None,
    baseline_source: str | None = None,
) -> Conclusion:
    results = out / "stages"
    counts = scan_stages(root, run.stages, run.settings, results=results, keep=out, console=console)
    question = Question(
        policy=counts,
        expected=run.stages,
        generated=datetime.now(UTC),
        baseline=run.baseline,
        baseline_source=baseline_source,
        partial=run.partial,
        proposal=rules.proposal if rules else None,
        doubts=rules.doubts if rules else (),
        history=run.history,
        identifier=run.settings.identifier or "default",
        links=Links(rerun=_rerun(root, run)),
    )
    return conclude(results, out, question)


def _rerun(root: Path, run: Run) -> str:
    """The command that judges the same way again."""
    words = ["mlsecops", "run", str(root)]
    for option, value in (("--base", run.base), ("--policy", run.settings.policy_file)):
        words += [option, str(value)] if value is not None else []
    words += [word for stage in run.stages if run.partial for word in ("--stage", stage)]
    return shlex.join(words)
