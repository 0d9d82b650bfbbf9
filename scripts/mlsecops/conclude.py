"""The end of a run: the stages' SARIF files -> one report, its verdict, and every file that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mlsecops.findings import Report, build_report
from mlsecops.findings.fields import mappings, own_properties, stage_of
from mlsecops.policy import Policy
from mlsecops.policy.proposal import Proposal
from mlsecops.report.comment import comment
from mlsecops.report.history import read_history
from mlsecops.report.machine import machine
from mlsecops.report.page import page
from mlsecops.report.parts import Links
from mlsecops.report.summary import summary
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.sarif.files import SarifError, read
from mlsecops.sarif.limits import EVERY_RUN
from mlsecops.sarif.merge import merge
from mlsecops.sarif.states import Known
from mlsecops.verdict import Verdict, judge
from mlsecops.whole_files import write_whole

MERGED = "report.sarif"
WRITTEN = (MERGED, "comment.md", "summary.md", "index.html", "report.json")


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """How a run ended, and the files that say so by their names."""

    report: Report
    verdict: Verdict
    files: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is to be concluded: which stages were due, against which policy and which baseline.

    `baseline_source` is what people are told the baseline is, else its file's name. `absent` says why a stage
    left nothing; each of `doubts` keeps the verdict from passing; `notices` are told with the report's own.
    `proposal` is what the judged change does to the policy. `history` are earlier `report.json` files, or
    folders of them, for the page.
    """

    policy: Policy
    expected: Sequence[str]
    generated: datetime
    project: str | None = None
    baseline: Path | None = None
    baseline_source: str | None = None
    partial: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)
    doubts: Sequence[str] = ()
    notices: Sequence[str] = ()
    proposal: Proposal | None = None
    history: Sequence[Path] = ()
    identifier: str = "default"
    links: Links = field(default_factory=Links)


def conclude(folder: Path, out: Path, question: Question) -> Conclusion:
    """Merge, judge and write all reports below `out`, from the `<stage>.sarif` files in `folder`.

    A stage that was due and left no readable file is incomplete. Raises SarifError when the baseline cannot
    be read, HistoryError when an earlier report cannot, OSError when the reports cannot be written.
    """
    earlier = read_history(question.history)  # may be the very file that is replaced here
    out.mkdir(parents=True, exist_ok=True)
    for name in WRITTEN:
        (out / name).unlink(missing_ok=True)
    baseline = read(question.baseline) if question.baseline else None
    paths, unreadable = _readable(folder, question.expected)
    report = build_report(
        joined([log for _, log in paths]),
        policy=question.policy,
        expected=question.expected,
        generated=question.generated,
        project=question.project,
        baseline=baseline,
        baseline_source=_source(question),
        partial=question.partial,
        absent={**question.absent, **unreadable},
        doubts=question.doubts,
        notices=question.notices,
        proposal=question.proposal,
    )
    known = _known(report) if baseline is not None else None
    merged = merge([path for path, _ in paths], out / MERGED, limits=EVERY_RUN, known=known)
    report = replace(report, notices=(*merged.notices, *report.notices))
    verdict = judge(report, question.policy)
    texts = {
        "comment.md": comment(report, verdict, question.links, question.identifier),
        "summary.md": summary(report, verdict, question.links),
        "index.html": page(report, verdict, question.links, earlier),
        "report.json": machine(report, verdict),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return Conclusion(report=report, verdict=verdict, files={name: out / name for name in WRITTEN})


def joined(logs: Sequence[Json]) -> Json:
    """Several logs as one, all their runs kept, nothing cut: what the verdict is made from."""
    left_out = [row for log in logs for row in mappings(own_properties(log).get("left-out"))]
    project = next((name for log in logs if (name := own_properties(log).get("project"))), None)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [run for log in logs for run in log["runs"]],
        "properties": {"mlsecops": {"project": project, "left-out": left_out}},
    }


def write_text(path: Path, text: str) -> None:
    """Write a text so that a reader sees the whole of it or nothing."""
    write_whole(path, text.encode("utf-8", errors="replace"))


def _known(report: Report) -> Known:
    """Which results of a run the baseline has too."""
    return lambda run: {name for stage, name in report.known_results if stage == stage_of(run)}


def _readable(folder: Path, stages: Sequence[str]) -> tuple[list[tuple[Path, Json]], dict[str, str]]:
    """The logs that the stages left, and why one that is there cannot be used."""
    found: list[tuple[Path, Json]] = []
    unreadable: dict[str, str] = {}
    for stage in stages:
        path = folder / f"{stage}.sarif"
        if not path.is_file():
            continue
        try:
            found.append((path, read(path)))
        except SarifError as error:
            unreadable[stage] = f"its result cannot be read: {str(error).replace(str(path), path.name)}"
    return found, unreadable


def _source(question: Question) -> str:
    if question.baseline_source is not None:
        return question.baseline_source
    return question.baseline.name if question.baseline else ""
