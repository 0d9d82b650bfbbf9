"""How a command fails: one line on standard error that says what to do, and the right exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from mlsecops.export.errors import ExportError
from mlsecops.job import InterruptedRunError
from mlsecops.policy import PolicyError
from mlsecops.project import ProjectError
from mlsecops.report.escape import terminal
from mlsecops.report.history import HistoryError
from mlsecops.sarif.files import SarifError

USAGE, INCOMPLETE, INTERRUPTED = 2, 3, 130


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and the right exit code."""
    from mlsecops.advisories.record import AdvisoryError

    try:
        yield
    except (PolicyError, ProjectError, SarifError, AdvisoryError, HistoryError) as error:
        fail(str(error), USAGE)
    except ExportError as error:
        fail(str(error), error.exit_code)
    except (InterruptedRunError, KeyboardInterrupt) as error:
        fail(str(error) or "interrupted", INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}", INCOMPLETE)


def fail(sentence: str, code: int) -> None:
    """Say one line on standard error and end with an exit code."""
    click.echo(f"mlsecops: {terminal(sentence)}", err=True)
    raise SystemExit(code)
