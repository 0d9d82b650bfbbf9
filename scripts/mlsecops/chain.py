"""The chain: plan the stages, run their tools side by side, write one SARIF file per stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Protocol

import orjson

from mlsecops.job import Context, InterruptedRunError, Options, Scan, Skip, printable
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import SCHEMA, Json, Status
from mlsecops.scan import DEFECTS, broken, scan, skipped
from mlsecops.shared import Shared
from mlsecops.stages import container, dast, model, sast, sca, test
from mlsecops.toolbox import Toolbox, ToolboxError
from mlsecops.whole_files import write_whole

_PREPARE_AT_ONCE = 8


class Plan(Protocol):
    """What is in the project -> which tools are due on which targets."""

    def __call__(self, project: Project, policy: Policy, options: Options) -> list[Scan | Skip]: ...


def _as_they_are(runs: list[Json]) -> list[Json]:
    return runs


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage module offers: its plan, and what is to be settled between its tools' runs at the end.

    The tools of one that is `in_turn` would wait for each other: they take one core, one after the other.
    """

    plan: Plan
    settle: Callable[[list[Json]], list[Json]] = _as_they_are
    in_turn: bool = False


STAGES: Mapping[str, Stage] = {
    "test": Stage(test.plan),
    "sca": Stage(sca.plan),
    "sast": Stage(sast.plan, sast.settle),
    "model": Stage(model.plan, model.settle),
    "container": Stage(container.plan, container.settle),
    "dast": Stage(dast.plan, in_turn=True),
}


class Progress(Protocol):
    """Whoever watches a run."""

    def started(self, stage: str, tool: str) -> None: ...
    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One run over one project; `cores` bounds how many tools run at once, `keep` gets files for people."""

    project: Project
    policy: Policy
    options: Options
    toolbox: Toolbox
    work: Path
    keep: Path
    cores: int
    identifier: str | None = None

    def run(self, stages: Sequence[str], out: Path, progress: Progress) -> list[Path]:
        """Run stages and write `out/<stage>.sarif` for each; return the files in the order of the stages.

        Files of an earlier run are removed first. A stage that breaks still leaves its file, as incomplete.
        Raises InterruptedRunError when interrupted, after every child process has ended.
        """
        out.mkdir(parents=True, exist_ok=True)
        files = {stage: out / f"{stage}.sarif" for stage in stages}
        for file in files.values():
            file.unlink(missing_ok=True)
        plans = {stage: self._plan(stage) for stage in stages}
        runs: dict[str, list[Json]] = {stage: [] for stage in stages}
        with Shared() as shared:
            for stage, tool, run in self._runs(plans, shared, progress):
                runs[stage].append(run)
                if not _may_settle(run):
                    progress.finished(stage, tool, *_outcome(run))
                if len(runs[stage]) == len(plans[stage]):
                    held = [_name(each) for each in runs[stage] if _may_settle(each)]
                    settled = STAGES[stage].settle(runs[stage])
                    write_atomically(files[stage], self._log(settled))
                    for each in (each for each in settled if _name(each) in held):
                        progress.finished(stage, _name(each), *_outcome(each))
        return list(files.values())

    def _plan(self, stage: str) -> list[Scan | Skip]:
        if not self.policy.enabled(stage):
            return [Skip(stage, f"the policy switches the stage {stage} off")]
        return STAGES[stage].plan(self.project, self.policy, self.options)

    def _runs(
        self, plans: Mapping[str, list[Scan | Skip]], shared: Shared, progress: Progress
    ) -> Iterator[tuple[str, str, Json]]:
        due = [(stage, each) for stage, plan in plans.items() for each in plan if isinstance(each, Scan)]
        for stage, plan in plans.items():
            for each in plan:
                if isinstance(each, Skip):
                    yield stage, each.tool, skipped(each, self._context(stage, shared))

        cores = BoundedSemaphore(max(1, self.cores))
        with (
            ThreadPoolExecutor(_PREPARE_AT_ONCE) as preparing,
            ThreadPoolExecutor(1) as in_turn,
            ThreadPoolExecutor(max(1, self.cores)) as side_by_side,
        ):
            for name in {each.tool.environment for _, each in due if each.tool.environment}:
                preparing.submit(self._prepare, name)
            # The longest first: a long tool that starts last would keep all other cores waiting.
            due.sort(key=lambda item: -item[1].tool.weight)
            futures: dict[Future[Json], tuple[str, str]] = {}
            for stage, each in due:
                executor = in_turn if STAGES[stage].in_turn else side_by_side
                future = executor.submit(self._one, each, self._context(stage, shared), cores, progress)
                futures[future] = stage, each.tool.name
            try:
                for future in as_completed(futures):
                    yield *futures[future], future.result()
            except BaseException as error:
                ended = self.toolbox.processes.stop()
                for executor in (in_turn, side_by_side):
                    executor.shutdown(wait=True, cancel_futures=True)
                if isinstance(error, KeyboardInterrupt):
                    raise InterruptedRunError(ended) from None
                raise

    def _one(self, due: Scan, context: Context, cores: BoundedSemaphore, progress: Progress) -> Json:
        with cores:
            progress.started(context.stage, due.tool.name)
            try:
                return scan(due.tool, due.targets, context)
            except DEFECTS as defect:
                return broken(due.tool.name, defect, context)

    def _prepare(self, environment: str) -> None:
        with suppress(ToolboxError):  # the scan that needs it says so
            self.toolbox.environment(environment)

    def _context(self, stage: str, shared: Shared) -> Context:
        return Context(
            stage=stage,
            project=self.project,
            policy=self.policy,
            toolbox=self.toolbox,
            work=self.work,
            keep=self.keep,
            options=self.options,
            identifier=self.identifier,
            shared=shared,
        )

    def _log(self, runs: list[Json]) -> Json:
        left_out = [
            {
                "path": printable(each.path),
                "reason": printable(each.reason),
                "files": each.files,
                "kind": each.kind,
            }
            for each in self.project.left_out
        ]
        ordered = sorted(runs, key=lambda run: str(run["automationDetails"]["id"]))
        return {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": ordered,
            "properties": {"mlsecops": {"project": printable(self.project.name), "left-out": left_out}},
        }


def write_atomically(path: Path, log: Json) -> None:
    """Write a SARIF log so that a reader sees the whole of it or nothing."""
    write_whole(path, orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _may_settle(run: Json) -> bool:
    """Whether all that is wrong are files that another tool of the stage may have read."""
    return bool(run["properties"]["mlsecops"].get("doubts") == ["unparsed"])


def _name(run: Json) -> str:
    return str(run["tool"]["driver"]["name"])


def _outcome(run: Json) -> tuple[Status, str, float]:
    own = run["properties"]["mlsecops"]
    return own["status"], own["reason"], own["seconds"]
