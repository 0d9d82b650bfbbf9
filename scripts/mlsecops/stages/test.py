"""The test stage: the project's own tests."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.tools.pytest import Pytest


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """pytest over the project's test files."""
    if options.no_exec:
        return [Skip("pytest", "the project's own code is not run (--no-exec)")]
    asked = policy.test
    tool = Pytest(command=asked.command, paths=asked.paths, python=asked.python, timeout=asked.timeout)
    if not (project.tests.files or tool.command or tool.paths):
        return [Skip("pytest", "no tests (looked for configured testpaths, tests/, test/, test_*.py)")]
    return [Scan(tool, project.tests.files)]
