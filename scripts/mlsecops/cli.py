"""The `mlsecops` command: parses, calls, prints; decides nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from mlsecops import __version__, policy
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.explain.cli import OUT, explain, waive
from mlsecops.export.cli import export
from mlsecops.failing import INCOMPLETE, clear_errors
from mlsecops.github.cli import github
from mlsecops.job import Options
from mlsecops.local import Run, run_locally
from mlsecops.models.cli import models
from mlsecops.policy import STAGES
from mlsecops.project import ProjectError
from mlsecops.report.terminal import verdict_view
from mlsecops.scanning import Settings, scan_stages
from mlsecops.toolbox import Toolbox

folder = click.Path(path_type=Path)
existing_file = click.Path(path_type=Path, exists=True, dir_okay=False)
stage_option = click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(STAGES),
    help="Only this stage; may be repeated.",
)
policy_option = click.option(
    "--policy", "policy_file", type=existing_file, help=f"Policy file instead of {policy.DEFAULT_FILE}."
)
id_option = click.option(
    "--id", "identifier", help="Name of this project among several of one repository.", metavar="NAME"
)
baseline_option = click.option(
    "--baseline", type=existing_file, help="report.sarif of an earlier run: only what is new counts."
)

history_option = click.option(
    "--history",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="report.json of an earlier run, or a folder of them, for the page; may be repeated.",
)


def scan_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options of every scanning command, handed on as one `settings`."""

    @policy_option
    @click.option("--no-exec", is_flag=True, help="Leave out whatever would run the project's own code.")
    @click.option(
        "--advisories", type=existing_file, help="Snapshot of advisories for when OSV cannot be reached."
    )
    @click.option(
        "--jobs", type=click.IntRange(1), help="How many tools run at once. [default: one for each core]"
    )
    @id_option
    @wraps(function)
    def with_settings(
        policy_file: Path | None,
        no_exec: bool,
        advisories: Path | None,
        jobs: int | None,
        identifier: str | None,
        **rest: object,
    ) -> None:
        options = Options(no_exec=no_exec, advisories=advisories)
        function(
            settings=Settings(policy_file=policy_file, options=options, jobs=jobs, identifier=identifier),
            **rest,
        )

    return with_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mlsecops")
def command() -> None:
    """Scans a machine-learning project and says passed, blocked or incomplete.

    Exit codes: 0 passed, 1 blocked, 3 incomplete, 2 wrong usage or unreadable policy.
    """


command.add_command(explain)
command.add_command(export)
command.add_command(github)
command.add_command(models)
command.add_command(waive)


@command.command()
@click.argument("project", type=folder, default=Path())
@stage_option
@click.option("--out", type=folder, default=Path(OUT), help="Folder for the reports.", show_default=True)
@click.option(
    "--base",
    metavar="COMMIT",
    help="Judge as a pull request to this commit or branch: its policy counts, and only what it has not. "
    "It is scanned first, unless --baseline has its report.",
)
@baseline_option
@history_option
@scan_options
def run(
    project: Path,
    stages: tuple[str, ...],
    out: Path,
    base: str | None,
    baseline: Path | None,
    history: tuple[Path, ...],
    settings: Settings,
) -> None:
    """Scan PROJECT with all stages side by side and write the reports."""
    console = Console()
    asked = Run(
        stages=stages or STAGES,
        out=out,
        settings=settings,
        base=base,
        baseline=baseline,
        history=history,
        partial=bool(stages),
    )
    with clear_errors():
        conclusion = run_locally(project, asked, console)
    finish(conclusion, console)


@command.command()
@click.argument("name", type=click.Choice(STAGES))
@click.option("--project", type=folder, default=Path(), help="Folder of the project.", show_default=True)
@click.option("--out", type=folder, default=Path(OUT), help="Folder for NAME.sarif.", show_default=True)
@scan_options
def stage(name: str, project: Path, out: Path, settings: Settings) -> None:
    """Run one stage and write NAME.sarif; `report` judges it later. Ends 0 whatever it finds."""
    with clear_errors():
        scan_stages(project, (name,), settings, results=out, keep=out, console=Console())


@command.command()
@click.argument("results", type=folder)
@stage_option
@click.option("--out", type=folder, help="Folder for the reports. [default: the folder of the results]")
@baseline_option
@history_option
@policy_option
@id_option
def report(
    results: Path,
    stages: tuple[str, ...],
    out: Path | None,
    baseline: Path | None,
    history: tuple[Path, ...],
    policy_file: Path | None,
    identifier: str | None,
) -> None:
    """Merge the stages' SARIF files in RESULTS, judge them and write the reports.

    A stage that left no file is incomplete; name the stages that were due with --stage.
    """
    console = Console()
    with clear_errors():
        if not results.is_dir():
            raise ProjectError(f"{results} is not a folder of stage results")
        conclusion = conclude(
            results,
            out or results,
            Question(
                policy=policy.load(policy_file),
                expected=stages or STAGES,
                generated=datetime.now(UTC),
                baseline=baseline,
                partial=bool(stages),
                history=history,
                identifier=identifier or "default",
            ),
        )
    finish(conclusion, console)


@command.command()
def doctor() -> None:
    """Say which tools are here, in which versions, what is missing and how to get it."""
    from mlsecops.doctor import examine

    sound = examine(Toolbox.default(), Console())
    raise SystemExit(0 if sound else INCOMPLETE)


@command.command()
@click.argument("path", type=folder, default=Path())
@click.option("--projects", metavar="A,B", help="Several projects: their folders, each known by its name.")
@click.option(
    "--compact", is_flag=True, help="One job for everything: cheaper where started minutes are paid."
)
@click.option("--fork-comment", is_flag=True, help="Also comment on pull requests from forks.")
@click.option("--rescan", is_flag=True, help="Also scan every week, and keep one issue open until it passes.")
@click.option("--export", is_flag=True, help="Also send each run to DefectDojo and Dependency-Track.")
@click.option("--branch", help="The default branch. [default: what origin or HEAD says]")
@click.option("--source", metavar="OWNER/NAME", help="Where mlsecops lives. [default: this clone's origin]")
@click.option("--ref", metavar="COMMIT", help="Commit to call. [default: of this clone's newest release]")
@click.option("--version-name", metavar="v1.2.3", help="The release that --ref is.")
@click.option("--force", is_flag=True, help="Replace workflows that differ; a policy is never replaced.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def init(path: Path, **wish: Any) -> None:
    """Write what the repository in PATH needs to be scanned on GitHub: workflows and a policy."""
    from mlsecops.init.command import Wish, initialise

    def ask(question: str) -> bool:
        try:
            return click.confirm(question, default=False)
        except click.Abort:
            return False

    with clear_errors():
        initialise(path, Wish(**wish), say=click.echo, ask=ask if sys.stdin.isatty() else None)


@command.group()
def advisories() -> None:
    """Snapshots of vulnerability data, for machines that cannot reach OSV."""


@advisories.command()
@click.option(
    "--from",
    "sources",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    required=True,
    help="OSV dump (zip), folder of OSV JSON or PyPA YAML, or another snapshot; may be repeated.",
)
@click.option("--kev", type=existing_file, help="CISA's Known Exploited Vulnerabilities as JSON.")
@click.option("--out", type=folder, required=True, help="Snapshot to write (.json.gz).")
def build(sources: Sequence[Path], kev: Path | None, out: Path) -> None:
    """Build a snapshot from dumps of advisory databases."""
    from mlsecops.advisories.build import build as build_snapshot
    from mlsecops.advisories.snapshot import summary

    with clear_errors():
        snapshot = build_snapshot(sources, kev=kev, built=_today())
        snapshot.save(out)
    print_rows([*summary(snapshot, _today()), ("written to", str(out))])


@advisories.command(name="show")
@click.argument("snapshot", type=existing_file)
def show_snapshot(snapshot: Path) -> None:
    """Say what a snapshot holds and how old it is."""
    from mlsecops.advisories.snapshot import load, summary

    with clear_errors():
        rows = summary(load(snapshot), _today())
    print_rows(rows)


def finish(conclusion: Conclusion, console: Console) -> None:
    """Show the verdict and end with its exit code."""
    console.print(verdict_view(conclusion.report, conclusion.verdict, conclusion.files))
    raise SystemExit(conclusion.verdict.exit_code)


def print_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print a small table of names and values."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


def _today() -> date:
    return datetime.now(UTC).date()
