"""The container stage: what a Dockerfile would build."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json
from mlsecops.scan import let_stand_in
from mlsecops.tools.dockerfile_checks import DockerfileChecks
from mlsecops.tools.hadolint import Hadolint


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """hadolint and our own checks over every Dockerfile."""
    del policy, options
    tools = (Hadolint(), DockerfileChecks())
    if not project.dockerfiles:
        reason = (
            "no Dockerfile (looked for Dockerfile, Containerfile, *.Dockerfile and the like in all folders)"
        )
        return [Skip(tool.name, reason, tool.information_uri) for tool in tools]
    return [Scan(tool, project.dockerfiles) for tool in tools]


def settle(runs: list[Json]) -> list[Json]:
    """A Dockerfile whose syntax hadolint does not know, and our own parser does, was looked at."""
    return let_stand_in(runs, {"hadolint": "dockerfile-checks"})
