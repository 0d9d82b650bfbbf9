"""Why something was not exported: one sentence, and what the command ends with."""

from __future__ import annotations


class ExportError(Exception):
    """Nothing, or not everything, was sent."""

    exit_code = 3


class ExportUsageError(ExportError):
    """It was asked for in a way that cannot work: no key, no address, no report."""

    exit_code = 2
