"""`mlsecops github …`: what the composite actions call; their inputs come as variables `MLSECOPS_*`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.console import Console

from mlsecops.github import fork_comments, publishing, reporting, rescan, scanning
from mlsecops.github.archive import ArtifactError
from mlsecops.github.client import GitHubError
from mlsecops.github.commands import Runner
from mlsecops.github.event import EventError
from mlsecops.github.inputs import InputError
from mlsecops.github.needs import NeedsError
from mlsecops.github.step import Step
from mlsecops.job import InterruptedRunError
from mlsecops.policy import STAGES, PolicyError
from mlsecops.project import ProjectError
from mlsecops.sarif.files import SarifError

_USAGE, _INCOMPLETE, _INTERRUPTED = 2, 3, 130
_TITLE = "mlsecops"


@click.group()
def github() -> None:
    """Steps of a workflow on GitHub Actions; not meant to be called by hand."""


@github.command()
def policy() -> None:
    """Fetch the policy of the base commit."""
    with _step() as step:
        scanning.fetch_policy(step)


@github.command()
def scan() -> None:
    """Run stages over the checkout."""
    with _step() as step:
        scanning.scan(step, Console(), _now())


@github.command()
def needs() -> None:
    """Say which artifacts the stages left."""
    with _step() as step:
        reporting.look_up(step)


@github.command()
def report() -> None:
    """Judge what the stages left and write the reports."""
    with _step() as step:
        reporting.report(step, _now())


@github.command()
def publish() -> None:
    """Keep the comment on the pull request."""
    with _step() as step:
        publishing.publish(step)


@github.command()
def comment() -> None:
    """Comment on a fork's pull request, in a workflow_run workflow."""
    with _step() as step:
        fork_comments.comment(step, _now())


@github.command(name="tracking-issue")
def tracking_issue() -> None:
    """Keep one issue open while a scheduled scan does not pass."""
    with _step() as step:
        rescan.track(step)


@contextmanager
def _step() -> Iterator[Step]:
    """The step; what a user can mend becomes one annotation and the right exit code."""
    try:
        yield Step.read(os.environ, sys.stdout, STAGES)
    except (InputError, EventError, NeedsError, PolicyError, ProjectError) as error:
        _fail(str(error), _USAGE)
    except (GitHubError, ArtifactError, SarifError) as error:
        _fail(str(error), _INCOMPLETE)
    except (InterruptedRunError, KeyboardInterrupt) as error:
        _fail(str(error) or "interrupted", _INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", _INCOMPLETE)


def _fail(sentence: str, code: int) -> None:
    Runner(os.environ, sys.stdout).error(sentence, title=_TITLE)
    raise SystemExit(code)


def _now() -> datetime:
    return datetime.now(UTC)
