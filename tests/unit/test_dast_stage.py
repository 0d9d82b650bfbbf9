"""Which engines are due on a service."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import DastSettings, Policy
from mlsecops.project import discover
from mlsecops.stages import dast

ENGINES = ["service-probe", "service-attacks", "schemathesis", "wapiti"]
STARTED = DastSettings(start=("python", "app.py"))


def planned(root: Path, settings: DastSettings, *, no_exec: bool = False) -> list[Scan | Skip]:
    (root / "app.py").write_text("x = 1\n", encoding="utf-8")
    return dast.plan(discover(root), Policy(dast=settings), Options(no_exec=no_exec))


def names(plan: list[Scan | Skip]) -> list[str]:
    return [each.tool.name for each in plan if isinstance(each, Scan)]


def test_every_engine_is_due_and_zap_where_the_policy_names_it(tmp_path: Path) -> None:
    assert names(planned(tmp_path, STARTED)) == ENGINES
    with_zap = DastSettings(start=STARTED.start, zap="zap@sha256:0")
    assert names(planned(tmp_path, with_zap)) == [*ENGINES, "zap"]


@pytest.mark.parametrize(
    ("settings", "no_exec", "reason"),
    [(STARTED, True, "the service is not started (--no-exec)"), (DastSettings(), False, "no web service")],
)
def test_without_a_service_none_is(
    settings: DastSettings, no_exec: bool, reason: str, tmp_path: Path
) -> None:
    plan = planned(tmp_path, settings, no_exec=no_exec)
    assert [each.tool for each in plan if isinstance(each, Skip)] == ENGINES
    assert all(isinstance(each, Skip) and each.reason.startswith(reason) for each in plan)
