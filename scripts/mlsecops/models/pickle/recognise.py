"""Whether bytes are a pickle, told by interpreting them, for names and first bytes say little."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mlsecops.models.pickle.opcodes import TABLE, interpret
from mlsecops.models.pickle.values import Call, External, Import
from mlsecops.models.source import Source

_NAMES = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*|\(\))+")
_STEPS, _PROBED = 2000, 200_000
_ANNOUNCED = re.compile(rb"\x80[\x00-\x05]")
_PADDING = 16


@dataclass(frozen=True, slots=True)
class Probe:
    """What the first opcodes of some bytes say: how many there were, whether an unpickler would go on, where
    it came to an end, how much was remembered, and what was imported and called by names that can be names.
    """

    steps: int
    valid: bool
    end: int | None
    memo: int
    imports: tuple[Import, ...]
    calls: tuple[Call, ...]
    outside: bool


def probe(source: Source, offset: int, steps: int = _STEPS) -> Probe:
    """Interpret up to `steps` opcodes, or to the first call."""
    machine = interpret(source, offset)
    imports: list[Import] = []
    calls: list[Call] = []
    outside = False
    for event in machine.steps(steps):
        if isinstance(event, Import) and _NAMES.fullmatch(event.name):
            imports.append(event)
        elif isinstance(event, Call) and (event.target is None or _NAMES.fullmatch(event.target)):
            calls.append(event)
            break
        outside = outside or isinstance(event, External)
    return Probe(
        machine.taken,
        machine.reason is None,
        machine.end,
        machine.memo.count,
        tuple(imports),
        tuple(calls),
        outside,
    )


def is_pickle(
    source: Source, offset: int = 0, *, known: Callable[[Import | Call], bool], alone: bool = False
) -> bool:
    """Whether a pickle begins at `offset`.

    Where a header announces one, hardly anything else is asked for. Without, plain text can look like one for
    a while: it has to lead to its end at the end of the source, to go on for longer than text could, or to
    import or call what is `known`, harmless or not. With `alone` it need not end where the source does.
    """
    head = source.at(offset, 2)
    if len(head) < 2 or TABLE[head[0]] is None:
        return False
    found = probe(source, offset)
    if _ANNOUNCED.fullmatch(head):
        return found.steps >= 3 or bool(found.imports or found.calls or found.outside)
    if _any(known, found):
        return True
    if found.end is not None:
        whole = alone or source.size - found.end < _PADDING
        return whole and bool(found.memo or found.imports or found.calls)
    if not found.valid:
        return False
    if found.calls or found.memo:
        return True
    longer = probe(source, offset, _PROBED)
    return _any(known, longer) or longer.valid


def _any(known: Callable[[Import | Call], bool], found: Probe) -> bool:
    return any(known(event) for event in found.imports) or any(known(event) for event in found.calls)
