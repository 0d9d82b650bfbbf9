"""Model files as our own readers see them: read in processes of their own, or known from earlier runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mlsecops.job import Job
from mlsecops.model_scanning.processes import Crew, Readings
from mlsecops.models.beside import look_beside, needed
from mlsecops.models.cache import Cache, folder_for
from mlsecops.models.inspect import UNKNOWN_FORMAT, unread
from mlsecops.models.inspection import Unread
from mlsecops.models.outcome import Inspected
from mlsecops.sarif.build import Json
from mlsecops.toolbox import usable_cores

# protocol 0: posix.system('echo mlsecops canary')
CANARY = b"cposix\nsystem\n(Vecho mlsecops canary\ntR."
CANARY_RULE = "model-runs-code"
_CANARY_HASH = sha256(CANARY).hexdigest()
_PROGRAM = "mlsecops.models.worker"
_SMALL = 700  # of half a millisecond each
_LIMITS = {"seconds": 30.0, "rate": 1 << 19, "memory": 768 << 20}


@dataclass(frozen=True, slots=True)
class Reading:
    """What our readers make of files and why some were lost, by path.

    `canary` says whether every process that read found the known-bad file to be bad.
    """

    seen: Mapping[str, Inspected]
    lost: Mapping[str, str]
    canary: bool


@dataclass(frozen=True, slots=True)
class _Marked:
    """What one process says of a file, and the file's `identity` from before it was read."""

    mark: str
    seen: Inspected


def read_models(job: Job, paths: Collection[str], *, seconds: float, python: str = sys.executable) -> Reading:
    """Read files within some seconds, or take from the cache what is known of them. Raises ToolError."""
    known = Cache.opened(folder_for(job.context.toolbox.cache, os.environ))
    before = {path: seen for path in paths if (seen := known.get(Path(path)))}
    left = [path for path in paths if path not in before]
    canary = known.of(_CANARY_HASH)
    if canary and not left:
        return Reading(_beside(before), {}, _is_found(canary))
    readings = _crew(job, python, seconds, known).read(left, _canary_file(job))
    read = _remembered(known, readings)
    canaries = [each.seen for each in readings.canaries]
    return Reading(_beside(before | read), readings.lost, bool(canaries) and all(map(_is_found, canaries)))


def _crew(job: Job, python: str, seconds: float, known: Cache) -> Crew[_Marked]:
    hashes = [digest for digest in known.hashes() if digest != _CANARY_HASH]
    return Crew(
        job=job,
        python=python,
        program=_PROGRAM,
        parse=_parse,
        processes=usable_cores(),
        seconds=seconds,
        order={**_LIMITS, "known": hashes},
        small=_SMALL,
    )


def _parse(line: Json) -> _Marked:
    return _Marked(str(line["mark"]), Inspected.from_json(line))


def _canary_file(job: Job) -> str:
    return str(job.canary({"canary.pkl": CANARY}) / "canary.pkl")


def _remembered(known: Cache, readings: Readings[_Marked]) -> dict[str, Inspected]:
    """Put what was read into the cache, and take from there what was only hashed."""
    whole: dict[str, Inspected] = {}
    for path, each in readings.read.items():
        seen = known.of(each.seen.sha256) if each.seen.known else each.seen
        whole[path] = seen or unread("an earlier run knew it, and its outcome is gone")
        known.put(whole[path], each.mark)
    for each in readings.canaries:
        known.put(each.seen, "")
    known.save()
    return whole


def _beside(seen: dict[str, Inspected]) -> dict[str, Inspected]:
    """Add what files say of their neighbours, which nobody remembers: those change without them.

    What a model reads beside itself and no reader knows is that model's numbers, as they are.
    """
    numbers: set[str] = set()
    for path, each in seen.items():
        folder = Path(path).parent
        look_beside(each.found, folder)
        numbers.update(str(folder / name) for name in needed(each.found))
    for path in numbers & seen.keys():
        if seen[path].found.unread == [Unread("", UNKNOWN_FORMAT)]:
            seen[path].found.unread.clear()
    return seen


def _is_found(canary: Inspected) -> bool:
    return any(fact.rule == CANARY_RULE and "system" in fact.subject for fact in canary.found.facts.values())
