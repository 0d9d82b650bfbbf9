"""Pickles for tests: opcodes put together byte by byte, a judge to stand in for ours, and Python's values."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlsecops.models.inspection import Inspection
from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import Items, Pairs
from mlsecops.models.pickle.opcodes import interpret
from mlsecops.models.pickle.values import Call, Event, Import
from mlsecops.models.readers.joblib import JoblibReader
from mlsecops.models.readers.pickle import PickleReader
from mlsecops.models.readers.pickle_behind import PickleBehindReader
from mlsecops.models.source import Source
from mlsecops.models.walk import Reader, Walk

ECHO = b"cos\nsystem\n(S'echo hello'\ntR."
HARMLESS = ("numpy.", "sklearn.", "joblib.numpy_pickle", "collections.", "torch.", "persistent_load")
DANGEROUS = ("os.", "posix.", "nt.", "subprocess.", "builtins.", "pickle.", "operator.")


@dataclass(frozen=True)
class Verdict:
    kind: Literal["harmless", "dangerous", "unknown"]
    subject: str
    sentence: str
    severity: float


def judge(event: Import | Call) -> Verdict:
    """By the first part of the name."""
    name = event.name if isinstance(event, Import) else event.target or "?"
    if name.startswith(HARMLESS):
        return Verdict("harmless", name, "", 0.0)
    if name.startswith(DANGEROUS):
        return Verdict("dangerous", name, f"Loading calls {name}.", 9.8)
    return Verdict("unknown", name, f"Loading uses {name}.", 6.5)


@contextmanager
def source_of(data: bytes) -> Iterator[Source]:
    """Bytes as a source."""
    with tempfile.TemporaryFile(buffering=0) as stream:
        stream.write(data)
        yield Source.of(stream)


def run(data: bytes, steps: int | None = None) -> tuple[Machine, list[Event]]:
    """Interpret the pickle that the bytes begin with."""
    with source_of(data) as source:
        machine = interpret(source)
        return machine, list(machine.steps(steps))


def targets(data: bytes) -> list[str | None]:
    """What is called, in order."""
    return [event.target for event in run(data)[1] if isinstance(event, Call)]


def imports(data: bytes) -> list[str]:
    """What is imported, in order."""
    return [event.name for event in run(data)[1] if isinstance(event, Import)]


def read(data: bytes, scratch: Path, *others: Reader) -> tuple[bool, Inspection]:
    """Give bytes to our readers, with the judge that stands in."""
    found = Inspection()
    readers: list[Reader] = [PickleReader(judge), JoblibReader(), *others, PickleBehindReader(judge)]
    with source_of(data) as source:
        known = Walk(readers=readers, found=found, scratch=scratch).read(source)
    return known, found


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def plain(value: object, depth: int = 0) -> object:
    """An object of the machine as Python has it. Raises RecursionError for what holds itself."""
    if depth > 50:
        raise RecursionError
    if isinstance(value, tuple):
        return tuple(plain(item, depth + 1) for item in value)
    if isinstance(value, Pairs):
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in value.items}
    if isinstance(value, Items):
        kinds = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
        return kinds[value.kind](plain(item, depth + 1) for item in value.items)
    return value
