"""What changes in model files, line by line, for those who cannot read them as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsecops.findings import Model, ModelChange, Report
from mlsecops.report.escape import code, markdown, shorten, shorten_path
from mlsecops.report.parts import plural

_MOST_MODELS, _MOST_NAMES = 6, 10
_LONGEST_PATH, _LONGEST_NAME, _LONGEST_FACT = 160, 80, 100
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


def facts(change: ModelChange) -> Iterator[str]:
    """Format, size and producer: what is there now, and what it was where that differs."""
    models = [each for each in (change.before, change.after) if each]
    for pair in (
        [each.format for each in models],
        [size(each.size) for each in models],
        [f"made by {each.producer}" if each.producer else "" for each in models],
    ):
        text = " → ".join(dict.fromkeys(shorten(text, _LONGEST_FACT) for text in pair if text))
        if text:
            yield text


def sha256(change: ModelChange) -> tuple[str, ...]:
    """The hashes before and after, once where they are the same."""
    return tuple(dict.fromkeys(each.sha256 for each in (change.before, change.after) if each and each.sha256))


def _lines(change: ModelChange) -> Iterator[str]:
    moved = f" (was {_path(change.before)})" if change.kind == "renamed" else ""
    hashes = " → ".join(code(each[:_HASH]) for each in sha256(change))
    known = ", ".join([*map(markdown, facts(change)), *([f"SHA-256 {hashes}"] if hashes else [])])
    yield f"- {_path(change.after or change.before)} **{change.kind}**{moved}: {known}"
    for name, added, gone in (
        ("imports", change.added("imports"), change.gone("imports")),
        ("operators and layers", change.added("operators"), change.gone("operators")),
    ):
        words = [*_named("+", added), *_named("−", gone)]
        if words:
            yield f"  - {name}: {' '.join(words)}"
    if not change.whole and change.kind != "removed":
        yield "  - not read to its end, so there may be more"


def _named(sign: str, names: Sequence[str]) -> Iterator[str]:
    for name in names[:_MOST_NAMES]:
        yield code(f"{sign} {shorten(name, _LONGEST_NAME)}")
    if len(names) > _MOST_NAMES:
        yield f"and {len(names) - _MOST_NAMES:,} more"


def _path(model: Model | None) -> str:
    return code(shorten_path(model.uri if model else "", _LONGEST_PATH))
