"""The SARIF files for code scanning: what is open, from tools that looked, at paths of the repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from mlsecops.findings import Report
from mlsecops.findings.fields import driver_of, failures_of, stage_of, suppression_of, text_of
from mlsecops.report.escape import shorten, visible
from mlsecops.sarif.build import SCHEMA, Json, Status, encode_uri
from mlsecops.sarif.check import check
from mlsecops.sarif.files import read
from mlsecops.sarif.files import write as write_log
from mlsecops.sarif.fingerprint import OWN
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.limits import GITHUB
from mlsecops.sarif.merge import MergeSummary, merge
from mlsecops.sarif.selection import Limits
from mlsecops.sarif.trim import trim_run
from mlsecops.sarif.union import category_of

_UNLIMITED = 1 << 62
# The merge cuts what is too much; everything else that GitHub refuses has to be seen before.
_ANY_NUMBER = Limits(runs=_UNLIMITED, results=_UNLIMITED, rules=_UNLIMITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The files, none when there is nothing to upload, and how many results are in them.

    `left_out_runs` are the tools, as "bandit (sast)", of which code scanning keeps the alerts that it has.
    """

    files: tuple[Path, ...] = ()
    results: int = 0
    left_out_runs: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def write(
    stage_files: Sequence[Path], outputs: Sequence[Path], *, report: Report, project: str = "."
) -> Uploaded:
    """Write what code scanning is to show, out of the stages' SARIF files, within GitHub's limits.

    GitHub takes few runs in one file: what the first of `outputs` has no room for goes into the next.
    GitHub ignores `suppressions`, so suppressed and waived results are left out, and it closes the alerts of
    which a run says nothing, so a run is in the file only when its tool looked at everything: without results
    too, which closes alerts rightly. `report` says which that is and what is waived, `project` is the folder
    of the repository that the paths of the results begin in. Of a report in doubt nothing is uploaded: which
    findings are waived may not be known.

    Raises SarifError when a file cannot be read or written, or not be made small enough.
    """
    for output in outputs:
        output.unlink(missing_ok=True)
    if report.doubts:
        return Uploaded(notices=(f"nothing is uploaded in doubt: {report.doubts[0]}",))
    sieve = _Sieve.of(report, project)
    shares = [_Share(output) for output in outputs]
    with TemporaryDirectory(dir=outputs[0].parent, prefix=f".{outputs[0].name}.") as scratch:
        for number, path in enumerate(stage_files):
            runs = list(sieve.runs(read(path)))
            if runs:
                kept = Path(scratch, f"{number}.sarif")
                write_log(kept, _log(runs))
                # What fits nowhere is for the last one to cut, and to speak of.
                share = next((each for each in shares if each.has_room(runs)), shares[-1])
                share.add(kept, runs)
        # Of no run at all GitHub says that the file is wrong.
        made = [(share.output, share.write()) for share in shares if share.sources]
    return Uploaded(
        files=tuple(output for output, _ in made),
        results=sum(merged.results for _, merged in made),
        left_out_runs=tuple(sieve.left_out),
        notices=(*sieve.notices(), *(notice for _, merged in made for notice in merged.notices)),
    )


@dataclass(frozen=True, slots=True)
class _Share:
    """The stages that go into one file, all runs of a stage together."""

    output: Path
    sources: list[Path] = field(default_factory=list)
    categories: set[tuple[str, str]] = field(default_factory=set)

    def has_room(self, runs: Sequence[Json]) -> bool:
        """Whether GitHub takes the file with these runs too."""
        return len(self.categories.union(map(category_of, runs))) <= GITHUB.runs

    def add(self, source: Path, runs: Sequence[Json]) -> None:
        """Put the runs, which are in a file, into this one."""
        self.sources.append(source)
        self.categories.update(map(category_of, runs))

    def write(self) -> MergeSummary:
        """Write the file."""
        return merge(self.sources, self.output, limits=GITHUB)


@dataclass(frozen=True, slots=True)
class _Sieve:
    """What is let through: the tools that looked at everything, and no result that is waived.

    `left_out` collects the other tools, `in_doubt` why those were left out that people should know of.
    """

    complete: Collection[tuple[str, str]]
    skipped: Collection[tuple[str, str]]
    waived: Collection[tuple[str, str]]
    prefix: str
    left_out: list[str] = field(default_factory=list)
    in_doubt: dict[str, str] = field(default_factory=dict)
    cuts: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, report: Report, project: str) -> _Sieve:
        tools = [tool for stage in report.stages for tool in stage.tools]
        statuses: dict[tuple[str, str], set[Status]] = {}
        for tool in tools:
            statuses.setdefault((tool.stage, tool.name), set()).add(tool.status)
        folder = PurePosixPath(project).as_posix()
        return cls(
            complete={key for key, said in statuses.items() if said <= {"passed", "findings"}},
            skipped={key for key, said in statuses.items() if said == {"skipped"}},
            waived=report.waived_results,
            prefix="" if folder == "." else f"{encode_uri(folder)}/",
        )

    def runs(self, log: Json) -> Iterator[Json]:
        """The runs of a stage's log that code scanning is to have, with the results that it is to show."""
        for run in log["runs"]:
            stage, tool = stage_of(run), text_of(driver_of(run).get("name"))
            name = f"{tool} ({stage})"
            if (stage, tool) not in self.complete:
                self.left_out.append(name)
                if (stage, tool) not in self.skipped:
                    self.in_doubt[name] = "did not look at everything"
                continue
            results = [each for each in failures_of(run) if self._is_open(each, stage)]
            trimmed, cuts = trim_run({**run, "results": results}, GITHUB)
            defects = check(_log([trimmed]), _ANY_NUMBER)
            if defects:
                self.left_out.append(name)
                self.in_doubt[name] = f"wrote what GitHub does not take: {visible(shorten(defects[0], 200))}"
                continue
            self.cuts.extend(cuts)
            yield _below(self.prefix, trimmed) if self.prefix else trimmed

    def notices(self) -> Iterator[str]:
        """Which alerts stay as they are though somebody may expect otherwise; and what was cut."""
        for name, why in self.in_doubt.items():
            yield f"code scanning keeps the alerts that it has of {visible(name)}, which {why}"
        yield from self.cuts

    def _is_open(self, result: Json, stage: str) -> bool:
        fingerprint = text_of(object_of(result, "partialFingerprints").get(OWN))
        return suppression_of(result) is None and (stage, fingerprint) not in self.waived


def _below(prefix: str, run: Json) -> Json:
    """The run with its paths below a folder; changed in place, without a limit to its depth."""
    for artifact in objects(run.get("artifacts")):
        _move(object_of(artifact, "location"), prefix)
    due: list[Any] = [run]
    while due:
        value = due.pop()
        if isinstance(value, dict):
            _move(object_of(value, "artifactLocation"), prefix)
            due.extend(value.values())
        elif isinstance(value, list):
            due.extend(value)
    return run


def _move(location: Json, prefix: str) -> None:
    if isinstance(location.get("uri"), str):
        location["uri"] = prefix + location["uri"]


def _log(runs: Sequence[Json]) -> Json:
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": list(runs)}
