"""Values out of SARIF that may come from a stranger: what has the wrong type counts as absent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from mlsecops.sarif.build import Json

_NOT_A_FAILURE = frozenset({"pass", "notApplicable", "informational"})


def score_of(value: object) -> float | None:
    """A security-severity between 0 and 10, given as number or text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        score = float(value)
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) and 0.0 <= score <= 10.0 else None


def moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text_of(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(value: object) -> date | None:
    try:
        return date.fromisoformat(text_of(value)[:10])
    except ValueError:
        return None


def seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if math.isfinite(value) and value >= 0 else 0.0


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[Json]:
    items: Iterable[Any] = value if isinstance(value, list) else ()
    return (item for item in items if isinstance(item, dict))


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def own_properties(holder: Json) -> Json:
    """The `mlsecops` property bag of a SARIF object."""
    return mapping(mapping(holder.get("properties")).get("mlsecops"))


def driver_of(run: Json) -> Json:
    return mapping(mapping(run.get("tool")).get("driver"))


def stage_of(run: Json) -> str:
    """The run's stage, else that of its category `mlsecops/<stage>/<tool>/`."""
    named = text_of(own_properties(run).get("stage"))
    category = text_of(mapping(run.get("automationDetails")).get("id")).split("/")
    return named or (category[-3] if len(category) >= 4 else "unknown")


def failures_of(run: Json) -> Iterator[Json]:
    """The results of a run that say that something is wrong now."""
    for result in mappings(run.get("results")):
        if result.get("baselineState") != "absent" and text_of(result.get("kind")) not in _NOT_A_FAILURE:
            yield result


def suppression_of(result: Json) -> str | None:
    """Justification of the comment in the file that suppresses a result; None when none does.

    A suppression under review or rejected suppresses nothing (SARIF 2.1.0, 3.27.23 and 3.35).
    """
    given = [each for each in mappings(result.get("suppressions")) if each.get("kind") == "inSource"]
    if not given or any(each.get("status", "accepted") != "accepted" for each in given):
        return None
    return next((text for each in given if (text := text_of(each.get("justification")))), "no reason given")
