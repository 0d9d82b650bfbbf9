"""One scan as a person or a runner asks for it: policy, project, tools and scratch folder put together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp

from rich.console import Console

from mlsecops import policy
from mlsecops.job import Options, printable
from mlsecops.policy import Policy
from mlsecops.project import ProjectError, discover
from mlsecops.project.tracked import tracked_folders
from mlsecops.report.progress import Progress
from mlsecops.toolbox import Toolbox, usable_cores


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every scan can be asked for; without a policy that of `policy_file` counts, else the project's."""

    policy: Policy | None = None
    policy_file: Path | None = None
    options: Options = field(default_factory=Options)
    jobs: int | None = None
    identifier: str | None = None


def scan_stages(
    root: Path, stages: Sequence[str], settings: Settings, *, results: Path, keep: Path, console: Console
) -> Policy:
    """Discover the project and run stages over it, the scratch folder gone afterwards; return the policy.

    Raises PolicyError, ProjectError, InterruptedRunError, and OSError when nothing can be written.
    """
    from mlsecops.chain import Chain  # brings every tool

    rules = settings.policy or _policy(root, settings.policy_file)
    for folder in (results, keep):
        _refuse_link(root, folder)
    project = discover(root, excludes=(*rules.exclude, *_own_output(root, keep)))
    toolbox = Toolbox.default()
    with scratch_folder(toolbox.cache) as work, Progress(console, stages) as progress:
        chain = Chain(
            project=project,
            policy=rules,
            options=settings.options,
            toolbox=toolbox,
            work=work,
            keep=keep,
            cores=settings.jobs or usable_cores(),
            identifier=settings.identifier,
        )
        chain.run(stages, results, progress)
    return rules


@contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A private folder below the cache, removed at the end."""
    parent = cache / "work"
    parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(dir=parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _policy(root: Path, file: Path | None) -> Policy:
    rules = policy.load(file or policy.find(root))
    if file is None and rules.source != policy.DEFAULTS:
        return replace(rules, source=policy.DEFAULT_FILE)
    return rules


def _own_output(project: Path, out: Path) -> tuple[str, ...]:
    """Reports of an earlier run that lie within the project are no part of it, unless they were committed."""
    with suppress(ValueError):
        inside = out.resolve().relative_to(project.resolve()).as_posix()
        own = inside != "." and inside not in tracked_folders(project.resolve())
        return (f"{inside}/**",) if own else ()
    return ()


def _refuse_link(project: Path, out: Path) -> None:
    """Raise ProjectError where a link in the project would lead the reports out of it."""
    top = project.resolve()
    named = Path(os.path.normpath(out.absolute()))
    for root in {top, Path(os.path.normpath(project.absolute()))}:
        if named.is_relative_to(root) and not named.resolve().is_relative_to(top):
            raise ProjectError(f"{printable(str(out))} leads out of the project by a link; name it by --out")
