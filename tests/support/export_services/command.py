"""The export commands, with the patience of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from click.testing import CliRunner, Result
from mlsecops.cli import command
from mlsecops.export.service import Patience
from mlsecops.web.asking import Tries
from support.export_services.server import KEY

Export = Callable[..., Result]
QUICK = Patience(connect=2.0, read=2.0, whole=2.0, tries=Tries(most=3, pause=0.01, waits=5.0))


def exporter(monkeypatch: pytest.MonkeyPatch, name: str, variable: str, arguments: Sequence[str]) -> Export:
    """What starts the command as from a shell that no workflow has set up; it never tells the key."""
    for given in ("GITHUB_EVENT_NAME", "GITHUB_REF_NAME", "GITHUB_SHA", "GITHUB_RUN_ID"):
        monkeypatch.delenv(given, raising=False)
    monkeypatch.setattr("mlsecops.export.cli.Patience", lambda read: QUICK)

    def start(*more: str, key: str = KEY) -> Result:
        finished = CliRunner().invoke(command, ["export", name, *arguments, *more], env={variable: key})
        assert finished.exception is None or isinstance(finished.exception, SystemExit)
        assert KEY not in finished.output
        assert "Traceback" not in finished.output
        return finished

    return start
