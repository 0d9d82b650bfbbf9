"""Model files as a lock or a bill of materials lists them: hashes, and what our readers say of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlsecops.job import Job
from mlsecops.model_processes import Crew
from mlsecops.models.cache import Cache, folder_for
from mlsecops.models.outcome import Inspected
from mlsecops.models.trust.gather import gather
from mlsecops.models.trust.lock import Entry
from mlsecops.toolbox import usable_cores

_SECONDS = 1800.0
_UNREAD = "not scanned"


@dataclass(frozen=True, slots=True)
class Described:
    """All models with what is known of them, and those of which nothing can be said: path -> reason."""

    entries: tuple[Entry, ...]
    problems: Mapping[str, str]


def describe(job: Job, signers: Mapping[str, str], with_md5: Collection[str] = ()) -> Described:
    """Hash and read every model of the project; `signers` are by path. Raises ToolError."""
    found = gather(job.project, with_md5)
    paths = {
        each.entry.path: str(job.project.file(each.entry.path).path)
        for each in found.seen
        if each.here and not each.entry.is_folder
    }
    outcomes = read_models(job, tuple(paths.values()))
    entries = [
        _described(each.entry, outcomes.get(paths.get(each.entry.path, "")), signers.get(each.entry.path, ""))
        for each in found.seen
    ]
    return Described(tuple(entries), found.problems)


def read_models(job: Job, paths: Collection[str]) -> dict[str, Inspected]:
    """What our readers make of files, from the cache where they have read them before. Raises ToolError."""
    known = Cache.opened(folder_for(job.context.toolbox.cache, os.environ))
    before = {path: seen for path in paths if (seen := known.get(Path(path)))}
    left = [path for path in paths if path not in before]
    if not left:
        return before
    canary = str(job.canary({"canary.pkl": b"N."}) / "canary.pkl")
    crew = Crew(job=job, python=sys.executable, processes=usable_cores(), seconds=_SECONDS)
    readings = crew.read(left, canary)
    for path, seen in readings.read.items():
        known.put(seen, readings.marks[path])
    known.save()
    return before | readings.read


def _described(entry: Entry, seen: Inspected | None, signer: str) -> Entry:
    if seen is None:
        return replace(entry, verdict=_UNREAD, signer=signer)
    formats = seen.found.formats
    return replace(
        entry,
        format=formats[0] if formats and entry.format in ("", "unknown") else entry.format,
        producer=seen.found.producer,
        verdict=seen.outcome,
        signer=signer,
    )
