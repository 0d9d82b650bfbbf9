"""Reading JSON that others wrote: what has the wrong type counts as not there."""

from __future__ import annotations

from typing import Any

from mlsecops.sarif.build import Json


def object_of(holder: Json, key: str) -> Json:
    """The object under a key, or an empty one."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """The objects in a list, or none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def natural(value: Any) -> int | None:
    """A whole number that is not negative, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
