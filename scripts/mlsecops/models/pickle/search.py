"""Pickles that begin somewhere within other bytes, found by what they begin with and by what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.models.pickle.findings import Findings
from mlsecops.models.pickle.opcodes import interpret
from mlsecops.models.pickle.values import Import
from mlsecops.models.source import CHUNK, Source
from mlsecops.models.walk import UnreadableError, Walk

_ANNOUNCED = re.compile(rb"\x80[\x00-\x05][(\]})NKMJGXTUcCBiV\x88-\x8f\x95\x96]")
_NAME = re.compile(rb"\n(?=[A-Za-z_][\w.]{0,80}\n)")  # behind the module of a GLOBAL or an INST
_MODULE = re.compile(rb"[\w.]{1,81}\Z")
_OVERLAP, _LINE = 256, 82
_STEPS, _ALL_STEPS = 20_000, 300_000
_START = 8  # steps that beginning costs as much as


def find_dangerous(
    findings: Findings, source: Source, start: int, length: int | None = None, *, where: str, walk: Walk
) -> bool:
    """Interpret whatever looks like the beginning of a pickle; return whether one of them does harm.

    Many false beginnings use up what we are ready to do for a part: the caller has to say that the bytes are
    unknown. Raises UnreadableError where many parts have used up what we are ready to do for the file.
    """
    left = _ALL_STEPS
    for offset in _beginnings(source, start, length):
        machine = interpret(source, offset)
        # Two lines of any text look like an import.
        events = (event for event in machine.steps(min(left, _STEPS)) if not isinstance(event, Import))
        if findings.add_doubtful(events, where):
            return True
        if not walk.search(machine.taken + _START):
            raise UnreadableError("more of it looks like pickles than can be looked into")
        left -= machine.taken + _START
        if left <= 0:
            break
    return False


def _beginnings(source: Source, start: int, length: int | None) -> Iterator[int]:
    end = source.size if length is None else min(source.size, start + length)
    offset = start
    while offset < end:
        piece = source.at(offset, min(CHUNK + _OVERLAP, end - offset))
        for at in _within(piece):
            if at < CHUNK:
                yield offset + at
        offset += CHUNK


def _within(piece: bytes) -> Iterator[int]:
    for match in _ANNOUNCED.finditer(piece):
        yield match.start()
    for match in _NAME.finditer(piece):
        module = _MODULE.search(piece, max(0, match.start() - _LINE), match.start())
        if module is not None:
            yield from (at for at in range(module.start(), module.end() - 1) if piece[at] in b"ci")
