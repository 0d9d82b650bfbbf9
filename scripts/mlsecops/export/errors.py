"""Why something was not exported: one sentence, and what the command ends with."""

from __future__ import annotations

from collections.abc import Sequence


class ExportError(Exception):
    """Nothing, or not everything, was sent."""

    exit_code = 3


class ExportUsageError(ExportError):
    """It was asked for in a way that cannot work: no key, no address, no report."""

    exit_code = 2


def partly(error: ExportError, sent: Sequence[str], missing: Sequence[str]) -> ExportError:
    """The same failure, with what had been sent before and what was not."""
    parts = [f"sent: {', '.join(sent)}" if sent else "nothing was sent"]
    parts += [f"not sent: {', '.join(missing)}"] if missing else []
    return type(error)(f"{error} ({'; '.join(parts)})")
