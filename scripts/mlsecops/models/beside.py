"""Files that a model needs beside it: whether they are there, and no links to somewhere else."""

from __future__ import annotations

from pathlib import Path

from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.rules.onnx import ESCAPES

_MOST = 10_000
_KEY = "needs "


def needs(found: Inspection, name: str, part: str = "") -> None:
    """Note a file that a model reads from its own folder."""
    if len(found.details) < _MOST:
        found.details[f"{_KEY}{name}"] = part


def look_beside(found: Inspection, folder: Path) -> None:
    """Compare what a model needs with what is in its folder; nothing is opened."""
    for name in [key.removeprefix(_KEY) for key in found.details if key.startswith(_KEY)]:
        path = folder / name
        try:
            there = path.exists()
            inside = path.resolve().is_relative_to(folder.resolve())
        except (OSError, ValueError, RuntimeError):
            there, inside = False, True
        if not inside:
            message = f"The model reads its weights from `{name}`, a link that leads out of its folder."
            found.add(Fact(rule=ESCAPES.id, subject=name, message=message))
        elif not there:
            found.not_read("", f"its weights are said to lie in {name!r}, which is not there")
