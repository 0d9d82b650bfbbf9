"""Pickles, whatever they are called: one or several, alone or with other things behind them."""

from __future__ import annotations

import binascii
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from mlsecops.models.inspection import Fact
from mlsecops.models.pickle import judge as ours
from mlsecops.models.pickle.constants import ENCODED
from mlsecops.models.pickle.findings import Findings, Judge
from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.opcodes import interpret
from mlsecops.models.pickle.recognise import is_pickle
from mlsecops.models.pickle.search import find_dangerous
from mlsecops.models.pickle.storages import MAGIC, STREAMS
from mlsecops.models.pickle.values import Call, Cut, Import
from mlsecops.models.rules.pickle_stream import TRAILING
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_STREAMS = 10_000
_INNER, _SMALLEST_MODEL = 32, 256
_DEEPEST, _LONGEST_TEXT = 4, 4 << 20
_SEARCHED = 32 << 20  # bytes
_BEHIND = "Behind the pickle"
_PADDING = b"\x00\t\n\r "
_NOT_PRODUCERS = sys.stdlib_module_names | {"__builtin__", "copy_reg", "nt", "posix"}
_MERE_PARTS = ("joblib", "numpy", "scipy", "pandas", "cloudpickle", "dill")


@dataclass(frozen=True, slots=True)
class PickleReader:
    """Python's pickle of every protocol, with joblib's raw arrays and the storages of old torch files."""

    judge: Judge = ours.judge
    format: str = "pickle"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether unpicklers would find something to do at the beginning."""
        del head
        return is_pickle(source, known=self.known)

    def read(self, source: Source, walk: Walk) -> None:
        """Judge what loading would do. Raises UnreadableError where unpicklers fail, too."""
        _Reading(self, source, walk).read()

    def known(self, event: Import | Call) -> bool:
        """Whether something is said of an event by its name."""
        return self.judge(event).kind != "unknown"


class _Reading:
    def __init__(self, reader: PickleReader, source: Source, walk: Walk) -> None:
        self.reader = reader
        self.source = source
        self.walk = walk
        self.findings = Findings(walk.found, source.name, reader.judge)
        self.torch = False

    def read(self) -> None:
        """All streams, one after another, then what is left."""
        offset = streams = 0
        try:
            while streams == 0 or is_pickle(self.source, offset, known=self.reader.known, alone=True):
                offset = self._stream(offset, first=streams == 0)
                streams += 1
                if streams > _STREAMS:
                    raise UnreadableError(f"it has more than {_STREAMS:,} pickles in it")
                if self.torch and streams == STREAMS:
                    offset = self._storages(offset)
                    break
            if not self._is_done(offset):
                self._rest(offset)
        finally:
            self._inner()
            self._producer()

    def _stream(self, offset: int, *, first: bool) -> int:
        machine = interpret(self.source, offset)
        self.findings.add(machine.steps())
        if machine.plain is not None:
            self.findings.add_doubtful(machine.plain.steps(), "Loaded without joblib")
        self._constants(machine)
        if machine.arrays:
            self.walk.found.details["arrays"] = "joblib"
        if machine.end is None:
            raise UnreadableError(f"it is broken at byte {machine.offset:,}: {machine.reason}")
        if machine.short_frame:
            self.walk.found.not_read(self.source.name, "a frame of it is longer than the file")
        self.walk.found.streams += 1
        self.torch = self.torch or (first and machine.value == MAGIC)
        return machine.end

    def _constants(self, machine: Machine, depth: int = 0) -> None:
        """Bytes in a pickle that are a pickle themselves: a class may well unpickle its own state."""
        for start, length in machine.pickled if depth < _DEEPEST else ():
            part = machine.source.part(start, length, "")
            if part.at(0, len(ENCODED)) == ENCODED and length <= _LONGEST_TEXT:
                try:
                    data = binascii.a2b_base64(part.at(0, length))
                except binascii.Error:
                    continue
                with self.walk.unpacked([data], "", length) as decoded:
                    self._constant(decoded, depth)
            elif part.at(length - 1, 1) == b".":
                self._constant(part, depth)

    def _constant(self, part: Source, depth: int) -> None:
        inner = interpret(part)
        self.findings.add_doubtful(inner.steps(), "A pickle within the pickle")
        self._constants(inner, depth + 1)

    def _inner(self) -> None:
        """What the file itself hands to an unpickler, and the models that it keeps whole."""
        for number, data in enumerate(self.findings.inner[:_INNER]):
            self._part(data, f"inner pickle {number + 1}")
        kept = self.findings.kept
        most = _INNER + self.source.size // _SMALLEST_MODEL
        if len(kept) > most:
            self.walk.found.not_read(self.source.name, f"it keeps more than {most:,} models in it")
        for number, data in enumerate(kept[:most]):
            name = f"kept model {number + 1}"
            if not self._part(data, name):
                self.walk.found.not_read(name, "nothing here knows its format")

    def _part(self, data: bytes | Cut, name: str) -> bool:
        if isinstance(data, Cut):
            return self.walk.read(self.source.part(data.offset, data.length, name))
        below = f"{self.source.name}/{name}" if self.source.name else name
        with self.walk.unpacked([data], below, len(data)) as part:
            return self.walk.read(part)

    def _storages(self, offset: int) -> int:
        """The end of what torch reads from an old file, whose raw storages begin at `offset`."""
        self.walk.found.details["torch"] = "the format before 1.6"
        size = self.findings.storages.size
        if size is None:
            raise UnreadableError("how long its storages are cannot be known")
        if offset + size > self.source.size:
            raise UnreadableError("its storages are cut off")
        return offset + size

    def _is_done(self, offset: int) -> bool:
        return all(not piece.strip(_PADDING) for piece in _pieces(self.source, offset))

    def _rest(self, offset: int) -> None:
        part = self.source.part(offset, self.source.size - offset, f"bytes from {offset}")
        if self.walk.read(part):
            return
        if not self._harm_in(offset):
            message = f"{part.size:,} bytes follow the pickle that no reader knows."
            fact = Fact(
                rule=TRAILING.id, subject="rest", message=message, part=self.source.name, offset=offset
            )
            self.walk.found.add(fact)

    def _harm_in(self, offset: int) -> bool:
        """Whether a harmful pickle begins behind: of very much, only the two ends are searched."""
        search = partial(find_dangerous, self.findings, self.source, where=_BEHIND, walk=self.walk)
        starts = sorted({offset, max(offset, self.source.size - _SEARCHED)})
        return any(search(start, _SEARCHED) for start in starts)

    def _producer(self) -> None:
        found = self.walk.found
        packages = {name.partition(".")[0] for name in found.imports} - _NOT_PRODUCERS
        makers = sorted(packages - set(_MERE_PARTS)) + [name for name in _MERE_PARTS if name in packages]
        if makers and not found.producer:
            found.producer = makers[0]


def _pieces(source: Source, offset: int) -> Iterator[bytes]:
    """The first bytes in short, then all of them: most often the first tell."""
    yield source.at(offset, 64)
    yield from source.chunks(offset + 64)
