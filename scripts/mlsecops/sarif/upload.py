"""The copy of a merged log that goes to GitHub code scanning."""

from __future__ import annotations

import secrets
from pathlib import Path

from mlsecops.sarif.files import read, write
from mlsecops.sarif.limits import GITHUB, enforce
from mlsecops.sarif.merge import merge
from mlsecops.sarif.selection import Limits


def prepare(report: Path, output: Path, *, limits: Limits = GITHUB) -> list[str]:
    """Write the copy of a log that GitHub takes; return one sentence for everything that is left out of it.

    Suppressed results are not in it: GitHub ignores suppressions and would show them as open alerts. However
    large the log is, memory stays within a few times of what GitHub takes.

    Raises SarifError when the log cannot be read or made small enough, or the copy cannot be written.
    """
    scratch = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        summary = merge([report], scratch, limits=limits, suppressed=False)
        log, notices = enforce(read(scratch), limits)
    finally:
        scratch.unlink(missing_ok=True)
    write(output, log)
    return list(dict.fromkeys([*summary.notices, *notices]))
