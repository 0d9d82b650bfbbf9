"""What changes in model files, line by line, for those who cannot read them as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsecops.findings import Model, ModelChange, Report
from mlsecops.report.escape import code, markdown, shorten, shorten_path
from mlsecops.report.parts import plural

_MOST_MODELS, _MOST_NAMES = 6, 10
_LONGEST_PATH, _LONGEST_NAME = 160, 80
_HASH = 12  # hex digits shown of a SHA-256
_UNITS = ("B", "kB", "MB", "GB", "TB")


def models_block(report: Report) -> str:
    """The part of a comment or summary, or nothing where no model file differs from the baseline."""
    changes = report.model_changes
    if not changes:
        return ""
    lines = [f"#### Models that change ({len(changes):,})", ""]
    lines += [line for each in changes[:_MOST_MODELS] for line in _lines(each)]
    if len(changes) > _MOST_MODELS:
        lines.append(f"- and {plural(len(changes) - _MOST_MODELS, 'more model')}")
    return "\n".join(lines)


def size(number: int) -> str:
    """Bytes as people say them, such as "1.2 MB"."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{number:,} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def _lines(change: ModelChange) -> Iterator[str]:
    moved = f" (was {_path(change.before)})" if change.kind == "renamed" else ""
    facts = ", ".join(filter(None, _facts(change)))
    yield f"- {_path(change.after or change.before)} **{change.kind}**{moved}: {facts}"
    for name, added, gone in (
        ("imports", change.added("imports"), change.gone("imports")),
        ("operators and layers", change.added("operators"), change.gone("operators")),
    ):
        words = [*_named("+", added), *_named("−", gone)]
        if words:
            yield f"  - {name}: {' '.join(words)}"
    if not change.whole and change.kind != "removed":
        yield "  - not read to its end, so there may be more"


def _facts(change: ModelChange) -> Iterator[str]:
    """What is there now, and what it was where that differs."""
    before, after = change.before, change.after
    for pair in (
        [each.format for each in (before, after) if each],
        [size(each.size) for each in (before, after) if each],
        [f"made by {each.producer}" if each.producer else "" for each in (before, after) if each],
    ):
        yield markdown(" → ".join(dict.fromkeys(shorten(text, 100) for text in pair if text)))
    hashes = dict.fromkeys(each.sha256[:_HASH] for each in (before, after) if each and each.sha256)
    yield f"SHA-256 {' → '.join(map(code, hashes))}" if hashes else ""


def _named(sign: str, names: Sequence[str]) -> Iterator[str]:
    for name in names[:_MOST_NAMES]:
        yield code(f"{sign} {shorten(name, _LONGEST_NAME)}")
    if len(names) > _MOST_NAMES:
        yield f"and {len(names) - _MOST_NAMES:,} more"


def _path(model: Model | None) -> str:
    return code(shorten_path(model.uri if model else "", _LONGEST_PATH))
