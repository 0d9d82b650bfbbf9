"""The SAST stage: Python code and notebooks, secrets in any text, the repository's own workflows."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json
from mlsecops.settling import let_stand_in
from mlsecops.tools.bandit import Bandit
from mlsecops.tools.detect_secrets import DetectSecrets
from mlsecops.tools.secret_patterns import SecretPatterns
from mlsecops.tools.semgrep import Semgrep
from mlsecops.tools.zizmor import Zizmor


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """Python scanners for Python, secret scanners for text, zizmor for workflows; what is absent is said."""
    del policy, options
    python = (*project.python, *project.notebooks)
    due: list[Scan | Skip] = []
    for tool in (Semgrep(), Bandit()):
        none = Skip(tool.name, "no Python (looked for *.py, scripts that start python, *.ipynb)")
        due += [Scan(tool, python) if python else none]
    texts = project.text_files
    for searcher in (DetectSecrets(), SecretPatterns()):
        due += [Scan(searcher, texts) if texts else Skip(searcher.name, "no text files")]
    workflows = "no workflows (looked in .github/workflows, for action.yml and dependabot.yml)"
    due += [Scan(Zizmor(), project.workflows) if project.workflows else Skip("zizmor", workflows)]
    return due


def settle(runs: list[Json]) -> list[Json]:
    """A file that one parser could not parse and the other could was looked at."""
    return let_stand_in(runs, {"bandit": "semgrep", "semgrep": "bandit"})
