"""The rules of findings in model files, one module for each family."""

from __future__ import annotations

from collections.abc import Mapping

from mlsecops.sarif.build import Rule

_FAMILIES: tuple[tuple[Rule, ...], ...] = ()
RULES: Mapping[str, Rule] = {rule.id: rule for family in _FAMILIES for rule in family}
