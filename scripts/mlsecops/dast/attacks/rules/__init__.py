"""Every rule of our own attacks."""

from __future__ import annotations

from mlsecops.dast.attacks.rules import access, injection, inputs, leaks, load

RULES = (*injection.RULES, *leaks.RULES, *access.RULES, *inputs.RULES, *load.RULES)
