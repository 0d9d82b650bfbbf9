"""Files that a model needs beside it: whether they are there, and no links to somewhere else."""

from __future__ import annotations

from pathlib import Path

from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.rules.onnx import ESCAPES

_MOST = 10_000
_KEY = "needs "


def needs(found: Inspection, name: str, part: str = "") -> None:
    """Note a file that a model reads from its own folder; a member of an archive has none yet."""
    if not part and len(found.details) < _MOST:
        found.details[f"{_KEY}{name}"] = ""


def needed(found: Inspection) -> list[str]:
    """The names of what a model reads from its folder."""
    return [key.removeprefix(_KEY) for key in found.details if key.startswith(_KEY)]


def look_beside(found: Inspection, folder: Path) -> None:
    """Compare what a model needs with what is in its folder; nothing is opened.

    The outcome depends on more than the model's content: it is not to be kept by that.
    """
    for name in needed(found):
        path = folder / name
        try:
            there = path.is_file()
            inside = path.resolve().is_relative_to(folder.resolve())
        except (OSError, ValueError, RuntimeError):
            there, inside = False, True
        if not inside:
            message = f"The model reads its weights from `{name}`, a link that leads out of its folder."
            found.add(Fact(rule=ESCAPES.id, subject=name, message=message))
        elif not there:
            found.not_read("", f"its weights are said to lie in {name!r}, which is not there")
