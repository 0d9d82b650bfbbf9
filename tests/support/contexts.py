"""Everything that a scan needs, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mlsecops.job import Context, Options
from mlsecops.policy import Policy
from mlsecops.project import discover
from mlsecops.toolbox import Toolbox

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def toolbox(cache: Path | None = None, overrides: Mapping[str, Path] | None = None) -> Toolbox:
    """The real toolbox; `overrides` puts other folders in the place of tool environments."""
    real = Toolbox.default()
    environments = replace(real.environments, overrides=overrides or {})
    return Toolbox(environments, cache or real.cache)


def context(
    stage: str,
    root: Path,
    work: Path,
    *,
    policy: Policy | None = None,
    options: Options | None = None,
    tools: Toolbox | None = None,
) -> Context:
    """A context over the project in `root`, its scratch folder in `work`."""
    return Context(
        stage=stage,
        project=discover(root),
        policy=policy or Policy(),
        toolbox=tools or toolbox(),
        work=work / "work",
        keep=work / "keep",
        options=options or Options(),
    )


def prepare_tools() -> None:
    """Make every tool environment now: a test may take the network or the index away afterwards."""
    environments = Toolbox.default().environments
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(environments.ensure, environments.names()))
