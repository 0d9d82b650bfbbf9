"""The container stage: what a Dockerfile would build, and the image that it does build."""

from __future__ import annotations

from mlsecops.containers.recipes import recipes
from mlsecops.job import Options, Scan, Skip, Tool
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json
from mlsecops.settling import let_stand_in
from mlsecops.tools.dockerfile_checks import DockerfileChecks
from mlsecops.tools.hadolint import Hadolint
from mlsecops.tools.image_checks import ImageChecks
from mlsecops.tools.security_updates import SecurityUpdates
from mlsecops.tools.trivy import Trivy


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """hadolint and our own checks over every Dockerfile, and scanners of the images that they build."""
    builds = tuple(recipes(project, policy.container))
    of_files: tuple[Tool, ...] = (Hadolint(), DockerfileChecks())
    of_images: tuple[Tool, ...] = (ImageChecks(builds), SecurityUpdates(builds), Trivy(builds))
    if not project.dockerfiles:
        reason = (
            "no Dockerfile (looked for Dockerfile, Containerfile, *.Dockerfile and the like in all folders)"
        )
        return [Skip(tool.name, reason, tool.information_uri) for tool in (*of_files, *of_images)]
    due: list[Scan | Skip] = [Scan(tool, project.dockerfiles) for tool in of_files]
    if options.no_exec:
        reason = "the project's own code is not run, so no image is built (--no-exec)"
        return [*due, *(Skip(tool.name, reason, tool.information_uri) for tool in of_images)]
    built = tuple(recipe.dockerfile for recipe in builds)
    return [*due, *(Scan(tool, built) for tool in of_images)]


def settle(runs: list[Json]) -> list[Json]:
    """A Dockerfile whose syntax hadolint does not know, and our own parser does, was looked at."""
    return let_stand_in(runs, {"hadolint": "dockerfile-checks"})
