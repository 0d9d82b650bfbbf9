"""Dotted names that a file gives to a loader: what importing and calling them would mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from mlsecops.models.inspection import Fact
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

Verdict = Literal["harmless", "dangerous", "unknown"]
JudgeName = Callable[[str], Verdict]

UNKNOWN_IMPORT = "model-unknown-import"
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def add_name(
    name: str, judge_name: JudgeName, source: Source, walk: Walk, *, rule: str, where: str
) -> Verdict:
    """Judge a name that a loader would import: dangerous ones are facts of `rule`, unknown ones of their own.

    `where` says what names it, such as "Its schema".
    """
    walk.found.imports.add(name)
    verdict: Verdict = judge_name(name) if _NAME.fullmatch(name) else "unknown"
    shown = name[:200]
    if verdict == "dangerous":
        message = f"{where} names `{shown}`, which runs code, commands or files when it is called."
        walk.found.add(Fact(rule=rule, subject=shown, message=message, part=source.name))
    elif verdict == "unknown":
        message = f"{where} names `{shown}`, which no library that is known here has."
        walk.found.add(Fact(rule=UNKNOWN_IMPORT, subject=shown, message=message, part=source.name))
    return verdict
