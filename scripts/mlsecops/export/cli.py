"""`mlsecops export`: parse, call, print."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import click

from mlsecops import policy
from mlsecops.explain.cli import OUT
from mlsecops.export import defectdojo, dependency_track
from mlsecops.export.errors import ExportError, ExportUsageError
from mlsecops.export.folder import read_run, with_findings
from mlsecops.export.generic_findings import Waived
from mlsecops.export.service import Patience, Product, Service
from mlsecops.failing import clear_errors
from mlsecops.policy import DEFAULT_FILE
from mlsecops.report.escape import terminal

_report = click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(OUT),
    help="Folder with the reports of a run.",
    show_default=True,
)
_insecure = click.option(
    "--insecure-http", "insecure", is_flag=True, help="Send the key over http, where others can read it."
)
_timeout = click.option(
    "--timeout",
    type=click.FloatRange(1.0, 3600.0),
    default=600.0,
    help="Seconds to wait for an answer.",
    show_default=True,
)


def _branch(function: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--branch",
        envvar="GITHUB_REF_NAME",
        default="",
        help="Branch that was scanned. [env: GITHUB_REF_NAME]",
    )(function)


@click.group()
def export() -> None:
    """Send a finished run to a system that manages vulnerabilities.

    Meant for runs of the default branch. Keys come from the environment only. Exit codes: 0 sent, 3 not
    everything was sent, 2 wrong usage.
    """


@export.command(name="defectdojo")
@click.option("--url", envvar="DEFECTDOJO_URL", help="Its address. [env: DEFECTDOJO_URL]")
@_report
@click.option("--product", help="Product. [default: the project's name]")
@click.option(
    "--product-type",
    default="Research and Development",
    help="Type of the product; it has to be that of a product that is there.",
    show_default=True,
)
@click.option("--engagement", help="Engagement; one for each branch. [default: mlsecops]")
@_branch
@click.option("--commit", envvar="GITHUB_SHA", default="", help="Commit that was scanned. [env: GITHUB_SHA]")
@click.option("--build", envvar="GITHUB_RUN_ID", default="", help="Run that scanned it. [env: GITHUB_RUN_ID]")
@click.option(
    "--waived",
    type=click.Choice(["open", "closed"]),
    default="open",
    help="What waived and suppressed findings are there; closed ones open again with the waiver's end.",
    show_default=True,
)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"Policy with the waivers. [default: {DEFAULT_FILE} of --project]",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder of the project.",
    show_default=True,
)
@_insecure
@_timeout
def to_defectdojo(
    url: str | None,
    folder: Path,
    product: str | None,
    product_type: str,
    engagement: str | None,
    branch: str,
    commit: str,
    build: str,
    waived: Waived,
    policy_file: Path | None,
    project: Path,
    insecure: bool,
    timeout: float,
) -> None:
    """Reimport the findings, one test for each stage.

    What is gone from a stage is closed there, but never by a stage that was incomplete. The key is in
    DEFECTDOJO_API_KEY.
    """
    with clear_errors():
        _not_of_a_pull_request(engagement, "--engagement")
        rules = policy.load(policy_file or policy.find(project))
        run = read_run(folder)
        target = defectdojo.Target(
            product=product or run.project,
            product_type=product_type,
            engagement=engagement or "mlsecops",
            branch=branch,
            commit=commit,
            build=build,
            waived=waived,
        )
        with _service(defectdojo.DEFECTDOJO, url, defectdojo.base_url, insecure, timeout) as service:
            defectdojo.export(service, with_findings(run, rules), target, click.echo)


@export.command(name="dependency-track")
@click.option("--url", envvar="DEPENDENCY_TRACK_URL", help="Its address. [env: DEPENDENCY_TRACK_URL]")
@_report
@click.option(
    "--name", help="Project; images are projects of their own beside it. [default: as in the report]"
)
@click.option("--project-version", help="Version of the project. [default: the branch]")
@_branch
@click.option("--project-uuid", default="", help="Project that is there, instead of its name and version.")
@click.option("--parent-name", default="", help="Parent of a project that is made.")
@click.option("--parent-version", default="", help="Version of the parent.")
@click.option("--latest", is_flag=True, help="Mark a project that is made as the latest version.")
@click.option("--bom", "only", multiple=True, help="Only this file of the folder; may be repeated.")
@click.option(
    "--wait",
    type=click.FloatRange(0.0, 3600.0),
    default=0.0,
    help="Seconds to wait for each upload to be worked in; 0 does not wait.",
    show_default=True,
)
@click.option("--even-if-incomplete", is_flag=True, help="Also send what may lack packages.")
@_insecure
@_timeout
def to_dependency_track(
    url: str | None,
    folder: Path,
    name: str | None,
    project_version: str | None,
    branch: str,
    project_uuid: str,
    parent_name: str,
    parent_version: str,
    latest: bool,
    only: tuple[str, ...],
    wait: float,
    even_if_incomplete: bool,
    insecure: bool,
    timeout: float,
) -> None:
    """Upload the bills of materials of packages and images.

    None that may lack packages is sent: Dependency-Track takes what is missing for gone. The key is in
    DEPENDENCY_TRACK_API_KEY.
    """
    with clear_errors():
        _not_of_a_pull_request(project_version or project_uuid, "--project-version or --project-uuid")
        run = read_run(folder)
        target = dependency_track.Target(
            uuid=project_uuid,
            name=name or run.project,
            version=project_version or branch,
            parent_name=parent_name,
            parent_version=parent_version,
            latest=latest,
        )
        found = dependency_track.bills(run, only)
        if project_uuid and len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise ExportUsageError(f"--project-uuid is one project, and there are {names}: choose with --bom")
        if not project_uuid and not target.version:
            raise ExportUsageError("say which version of the project it is: --project-version or --branch")
        doubts = [f"{each.name}: {each.doubt}" for each in found if each.doubt]
        if doubts and not even_if_incomplete:
            raise ExportError(f"nothing was sent, for packages may be missing: {terminal('; '.join(doubts))}")
        with _service(
            dependency_track.DEPENDENCY_TRACK, url, dependency_track.base_url, insecure, timeout
        ) as service:
            dependency_track.export(
                service, found, target, wait=wait, say=click.echo, sleep=time.sleep, now=time.monotonic
            )


def _service(
    product: Product, url: str | None, base: Callable[[str], str], insecure: bool, timeout: float
) -> AbstractContextManager[Service]:
    name = product.variable.removesuffix("_API_KEY")
    if not url:
        raise ExportUsageError(f"there is no address of {product.name}: give --url or set {name}_URL")
    key = os.environ.get(product.variable, "")
    return closing(Service(product, base(url), key, insecure=insecure, patience=Patience(read=timeout)))


def _not_of_a_pull_request(named: str | None, option: str) -> None:
    """What a pull request lacks, the default branch may still have."""
    if os.environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request") and not named:
        raise ExportUsageError(
            f"this is a pull request, and an export is for the default branch; {option} says where else to"
        )
