"""Stands in for the judge of names, which has tests of its own."""

from __future__ import annotations

from mlsecops.models.named import Verdict

_DANGEROUS = ("os", "posix", "subprocess", "builtins", "shutil")
_HARMLESS = ("sklearn", "numpy", "scipy")


def judge_name(name: str) -> Verdict:
    """By the first word of the name."""
    first = name.partition(".")[0]
    if first in _DANGEROUS:
        return "dangerous"
    return "harmless" if first in _HARMLESS else "unknown"
