"""The rules that are our own, which can be explained without any report."""

from __future__ import annotations

from collections.abc import Iterator

from mlsecops.containers.image_rules import RULES as IMAGE_RULES
from mlsecops.dast.attacks.rules import RULES as DAST_RULES
from mlsecops.dockerfiles.rules import RULES as DOCKERFILE_RULES
from mlsecops.findings.sightings import RuleText, rule_text
from mlsecops.models.rules import RULES as MODEL_RULES
from mlsecops.sarif.build import Rule
from mlsecops.tools import pip_audit, pytest_results, secret_patterns, semgrep


def own_rules() -> Iterator[RuleText]:
    """Every rule of ours, in the words that a report has for it."""
    for rule in _rules():
        yield rule_text(rule.to_sarif())


def _rules() -> Iterator[Rule]:
    yield from pytest_results.RULES
    yield from (pip_audit.UNAUDITED, pip_audit.FOREIGN_INDEX)
    yield from map(semgrep.to_rule, semgrep.read_pack(semgrep.RULES))
    yield from map(secret_patterns.to_rule, secret_patterns.PATTERNS)
    yield from MODEL_RULES.values()
    yield from DOCKERFILE_RULES
    yield from IMAGE_RULES
    yield from DAST_RULES
