"""Which vulnerability data a run uses: the OSV service where it can be reached, else a dated snapshot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name

from mlsecops.advisories.groups import Advisory, describe
from mlsecops.advisories.record import AdvisoryError, ServiceError
from mlsecops.advisories.server import AdvisoryServer, Backend, serve
from mlsecops.advisories.snapshot import Snapshot, load

if TYPE_CHECKING:
    from mlsecops.advisories.live import LiveOsv

SEED = Path(__file__).resolve().parents[1] / "data" / "advisories.json.gz"
"""The snapshot that is shipped. It is old: with it an offline run works, and says how old its data is."""

OSV_URL_VARIABLE = "MLSECOPS_OSV_URL"
CACHED_NAME = "advisories.json.gz"
"""Name of the user's own snapshot in the cache folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The vulnerability data of one run. `live` is the service that is asked, None when the snapshot is.

    `notes` are for people: why the service is not asked, which files were passed over.
    """

    snapshot: Snapshot
    today: dt.date
    live: LiveOsv | None = None
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["live", "snapshot"]:
        """Whether the answers are today's or those of a file."""
        return "snapshot" if self.live is None else "live"

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"snapshot {self.snapshot.name}" if self.live is None else f"OSV at {self.live.url}"

    @property
    def date(self) -> dt.date:
        """How new the data is."""
        return self.snapshot.date if self.live is None else self.today

    @property
    def age(self) -> dt.timedelta:
        """How old the data is today; never negative."""
        return max(self.today - self.date, dt.timedelta(0))

    @property
    def backend(self) -> Backend:
        """What answers queries."""
        return self.snapshot if self.live is None else self.live

    @property
    def exploited(self) -> Mapping[str, str]:
        """CVE -> ISO date it entered CISA's Known Exploited Vulnerabilities; always from the snapshot."""
        return self.snapshot.kev

    def advisories(self, package: str, version: str) -> tuple[Advisory, ...]:
        """The vulnerabilities of a package's version, each once, the worst first. Raises AdvisoryError."""
        name = canonicalize_name(package)
        records = self.backend.query(name, version)
        return describe(records, package=name, version=version, exploited=self.exploited)

    def serve(self) -> AbstractContextManager[AdvisoryServer]:
        """Offer the data to pip-audit on a loopback address, as long as the block lasts."""
        return serve(self.backend)

    def prepared(self, packages: Iterable[tuple[str, str]]) -> Source:
        """This source with the answers for these packages (name, version) at hand.

        When the service gives out meanwhile it is the snapshot, with a note: never half of each.
        """
        if self.live is None:
            return self
        try:
            self.live.prefetch(packages)
        except ServiceError as error:
            return Source(snapshot=self.snapshot, today=self.today, notes=(*self.notes, str(error)))
        return self


def choose_source(
    *,
    today: dt.date,
    offline: bool = False,
    advisories: Path | None = None,
    cached: Path | None = None,
    osv_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    seed: Path = SEED,
) -> Source:
    """Take the OSV service when it can be reached and proves that it is one, else a snapshot.

    The service is `MLSECOPS_OSV_URL` in `environ`, else `osv_url` (the policy's), else the public one. The
    snapshot is `advisories` (the user's file), else the newer one of `cached` and the shipped `seed`.
    Raises AdvisoryError when a file or an address that was asked for is no good.
    """
    snapshot, notes = _snapshot(advisories, cached, seed)
    if offline:
        return Source(snapshot=snapshot, today=today, notes=notes)
    url = (environ or {}).get(OSV_URL_VARIABLE) or osv_url
    try:
        live = _connect(url)
    except ServiceError as error:
        return Source(snapshot=snapshot, today=today, notes=(*notes, str(error)))
    return Source(snapshot=snapshot, today=today, live=live, notes=notes)


def _connect(url: str | None) -> LiveOsv:
    from mlsecops.advisories.live import OSV_URL, LiveOsv
    from mlsecops.advisories.transport import JsonService

    live = LiveOsv(JsonService(url or OSV_URL))
    live.probe()
    return live


def _snapshot(advisories: Path | None, cached: Path | None, seed: Path) -> tuple[Snapshot, tuple[str, ...]]:
    if advisories is not None:
        return load(advisories), ()
    shipped = replace(load(seed), name="shipped with mlsecops")
    if cached is None or not cached.is_file():
        return shipped, ()
    try:
        own = load(cached)
    except AdvisoryError as error:
        return shipped, (str(error),)
    return (own if own.date >= shipped.date else shipped), ()
