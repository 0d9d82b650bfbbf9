"""GitHub's interface for the attacks on the job that reports."""

from contract.conftest import github, guarded
from contract.test_steps import repository

__all__ = ["github", "guarded", "repository"]
