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
    tool = Pytest(command=policy.test.command, python=policy.test.python, timeout=policy.test.timeout)
    if not project.tests.files and not tool.command:
        return [Skip("pytest", "no tests (looked for configured testpaths, tests/, test/, test_*.py)")]
    return [Scan(tool, project.tests.files)]
