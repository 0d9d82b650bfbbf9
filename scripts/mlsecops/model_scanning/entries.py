"""Model files as a lock or a bill of materials lists them: hashes, and what our readers say of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mlsecops.job import Job, ToolError
from mlsecops.model_scanning.readings import read_models
from mlsecops.models.outcome import Inspected
from mlsecops.models.trust.gather import gather
from mlsecops.models.trust.lock import Entry

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
    reading = read_models(job, tuple(paths.values()), seconds=_SECONDS)
    if not reading.canary:
        raise ToolError("our readers did not find the known-bad canary, so they may be blind")
    entries = [
        _described(
            each.entry, reading.seen.get(paths.get(each.entry.path, "")), signers.get(each.entry.path, "")
        )
        for each in found.seen
    ]
    return Described(tuple(entries), found.problems)


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
