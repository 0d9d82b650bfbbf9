"""Advisory inputs -> one snapshot. Pure but for reading the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from mlsecops.advisories.inputs import read, read_kev
from mlsecops.advisories.record import AdvisoryError, Affected, Record
from mlsecops.advisories.snapshot import Snapshot, make
from mlsecops.advisories.versions import affects, parse_version


def build(inputs: Sequence[Path], *, kev: Path | None, built: date, name: str = "advisories") -> Snapshot:
    """Merge advisory inputs (see `inputs.read`) and a KEV catalogue (see `inputs.read_kev`) into a snapshot.

    Of records with the same id the one modified last counts; withdrawn ones are left out. `built` is
    today's date (UTC): data cannot be newer. Raises AdvisoryError with one sentence that names the file.
    """
    if not inputs:
        raise AdvisoryError("there is no input to build a snapshot from")
    batches = [read(path, latest=built) for path in inputs]
    origins = [origin for batch in batches for origin in batch.origins]
    exploited = {cve: added for batch in batches for cve, added in batch.kev.items()}
    if kev is not None:
        catalogue, exploited = read_kev(kev)
        origins = [*(origin for origin in origins if origin.kind != "kev"), catalogue]
    records = merge(record for batch in batches for record in batch.records)
    if not records:
        raise AdvisoryError("every advisory of the inputs is withdrawn")
    main = max((origin for origin in origins if origin.kind == "advisories"), key=lambda origin: origin.count)
    return make(
        map(shortened, records),
        name=name,
        date=date.fromisoformat(main.date),
        built=built,
        sources=tuple(dict.fromkeys(origins)),
        kev=exploited,
    )


def merge(records: Iterable[Record]) -> list[Record]:
    """One record for each id, the one modified last, in the order of ids, without the withdrawn ones."""
    newest: dict[str, Record] = {}
    for record in records:
        known = newest.get(record.id)
        if known is None or _rank(record) > _rank(known):
            newest[record.id] = record
    return [newest[identifier] for identifier in sorted(newest) if not newest[identifier].withdrawn]


def shortened(record: Record) -> Record:
    """The record without the enumerated versions that its ranges cover anyway; it means the same."""
    return replace(record, affected=tuple(_shortened(affected) for affected in record.affected))


def _shortened(affected: Affected) -> Affected:
    if not affected.ranges:
        return affected
    needed = tuple(
        version
        for version in affected.versions
        if parse_version(version) is None or not affects(affected.ranges, (), version)
    )
    return replace(affected, versions=needed)


def _rank(record: Record) -> tuple[str, str]:
    # Without the Z a time with a fraction sorts after the same second without; the rest breaks ties for good.
    return record.modified.removesuffix("Z"), repr(record)
