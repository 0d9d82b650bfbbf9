"""What a reviewer would want to know of a model file that is not text: a few facts of each, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsecops.models.outcome import Inspected

TRAITS = "models"
_MOST_NAMES, _LONGEST_NAME = 1000, 200
_MOST_CHARACTERS = 400_000


def traits(seen: Mapping[str, Inspected]) -> list[dict[str, Any]]:
    """The facts of every file whose format is known, by name.

    `whole` says that no name was left out, because the file could not be read to its end or names too much.
    """
    room = _MOST_CHARACTERS
    rows = []
    for uri, each in sorted(seen.items()):
        if not each.found.formats:
            continue
        row = _row(uri, each)
        room -= sum(map(len, (*row["imports"], *row["operators"])))
        if room < 0:
            row |= {"imports": [], "operators": [], "whole": False}
        rows.append(row)
    return rows


def _row(uri: str, each: Inspected) -> dict[str, Any]:
    found = each.found
    names = {"imports": sorted(found.imports), "operators": sorted(found.operators)}
    return {
        "uri": uri,
        "format": " in ".join(reversed(dict.fromkeys(found.formats[:4]))),
        "size": each.size,
        "sha256": each.sha256,
        "producer": found.producer[:_LONGEST_NAME],
        "whole": not found.unread and max(map(len, names.values())) <= _MOST_NAMES,
        **{kind: [name[:_LONGEST_NAME] for name in every[:_MOST_NAMES]] for kind, every in names.items()},
    }
