"""What started a run on GitHub, as plain values, and what follows from it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from mlsecops.report.escape import path_url
from mlsecops.report.parts import Links

DEPENDABOT = "dependabot[bot]"
HEADS = "refs/heads/"
QUEUE = "refs/heads/gh-readonly-queue/"
_SHORT = 12  # digits of a commit
_ALL_COUNT = frozenset({"push", "schedule", "workflow_dispatch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as it stood at the event; whoever opened it chose `head_ref`."""

    number: int
    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str
    fork: bool
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """The run that a `workflow_run` event is about; `repository` has its commit and is "" when deleted."""

    id: int
    event: str
    conclusion: str
    head_sha: str
    head_branch: str
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What started this run.

    `merge_base` is the commit below a merge group, `base_branch` the branch that a merge queue leads to,
    else "". `default_branch` is "" and `private` None where GitHub does not say. `deleted`: a push that
    deleted its branch, for which GitHub starts the run on the default branch.
    """

    name: str
    repository: str
    sha: str
    ref: str
    default_branch: str
    server: str
    run_id: int
    run_attempt: int
    actor: str
    private: bool | None = None
    pull: PullRequest | None = None
    workflow_run: WorkflowRun | None = None
    merge_base: str | None = None
    base_branch: str = ""
    deleted: bool = False

    @property
    def branch(self) -> str | None:
        """The branch that this run is for; None for tags and pull requests."""
        return self.ref.removeprefix(HEADS) if self.ref.startswith(HEADS) else None

    @property
    def queued(self) -> bool:
        """Whether this run is for a commit of a merge queue."""
        return self.name == "merge_group" or self.ref.startswith(QUEUE)

    @property
    def dependabot(self) -> bool:
        """Whether Dependabot started this run."""
        return self.actor == DEPENDABOT

    @property
    def read_only(self) -> bool:
        """Whether GitHub gives the token of this run no right to write, whatever the workflow grants."""
        return self.dependabot or (self.pull is not None and self.pull.fork)

    @property
    def policy_commit(self) -> str:
        """Where the policy counts: a commit, or for a push to a merge queue the branch it leads to."""
        if self.pull is not None:
            return self.pull.base_sha
        return self.merge_base or self.base_branch or self.sha

    @property
    def baseline_branch(self) -> str | None:
        """The branch whose newest report is the baseline, if it is known."""
        if self.pull is not None:
            return self.pull.base_ref
        return self.base_branch or self.default_branch or None

    @property
    def counts_all(self) -> bool:
        """Whether all open findings count, and not only new ones: the default branch looks at itself.

        Holds for every push while nobody says which branch is the default.
        """
        if self.name not in _ALL_COUNT or self.queued:
            return False
        return not self.default_branch or self.branch == self.default_branch

    @property
    def head(self) -> str:
        """The commit that people mean: the head of the pull request and not its merge commit."""
        return self.pull.head_sha if self.pull is not None else self.sha

    @property
    def uploads(self) -> bool:
        """Whether code scanning takes results: not from a merge queue, not from a push of Dependabot."""
        return not self.queued and not self.deleted and not (self.dependabot and self.name == "push")

    def links(self, project: str, stages: Sequence[str] = ()) -> Links:
        """Where the reports of a project (a folder of the repository, "." for all of it) point to.

        `stages` are named where they were not all of them.
        """
        home = f"{self.server}/{self.repository}"
        run = f"{home}/actions/runs/{self.run_id}"
        folder = "" if project == "." else f"/{path_url(project)}"
        target = f"./{project}" if project.startswith("-") else project
        return Links(
            run=run,
            page=f"{run}#artifacts",
            security=f"{home}/security/code-scanning?query={self._query()}" if self.uploads else "",
            blob=f"{home}/blob/{self.head}{folder}",
            head=self.head[:7],
            base=self._base(),
            rerun=self._rerun(target, stages),
        )

    def _rerun(self, target: str, stages: Sequence[str]) -> str:
        """The command that judges the same commit by the same base in a clone."""
        base = self.pull.base_sha if self.pull is not None else self.merge_base
        options = [word for stage in stages for word in ("--stage", stage)]
        if base is None:
            return shlex.join(["mlsecops", "run", target, *options])
        run = shlex.join(["mlsecops", "run", target, "--base", base[:_SHORT], *options])
        return f"git fetch origin {self.sha} && git checkout FETCH_HEAD && {run}"

    def _query(self) -> str:
        words = "is:open"
        if self.pull is not None:
            words = f"pr:{self.pull.number} {words}"
        elif self.branch:
            words = f"{words} branch:{self.branch}"
        return quote_plus(words, errors="replace")

    def _base(self) -> str:
        if self.pull is not None:
            return f"{self.pull.base_ref}@{self.pull.base_sha[:7]}"
        return f"{self.base_branch}@{self.merge_base[:7]}" if self.merge_base else ""
