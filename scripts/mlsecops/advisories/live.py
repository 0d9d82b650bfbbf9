"""The OSV service over the network: https://google.github.io/osv.dev/api/."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from mlsecops.advisories.parse import from_osv
from mlsecops.advisories.record import ECOSYSTEM, AdvisoryError, Json, Record, ServiceError
from mlsecops.advisories.transport import JsonService, Patience
from mlsecops.advisories.versions import parse_version

OSV_URL = "https://api.osv.dev"
CANARY = ("pyyaml", "5.3")
# Every database that knows the canary names one of these; a captive portal that answers `{}` does not.
CANARY_IDS = frozenset({"CVE-2020-1747", "CVE-2020-14343"})

_MOST_PAGES = 100
_PARALLEL = 8


class LiveOsv:
    """Asks an OSV service and remembers every record it gave. Safe to use from several threads."""

    def __init__(self, service: JsonService) -> None:
        self._service = service
        self._answers: dict[tuple[str, str], list[Record]] = {}
        self._records: dict[str, Record] = {}

    @property
    def url(self) -> str:
        """The service's address, without credentials."""
        return self._service.url

    def query(self, name: str, version: str) -> list[Record]:
        """The records that affect a package's version; asked once, then remembered.

        Raises ServiceError when the service gives no whole answer, and AdvisoryError for a version that is
        not PEP 440, of which it would only say "none known".
        """
        key = (canonicalize_name(name), version.strip())
        if key not in self._answers:
            parsed = parse_version(key[1])
            if parsed is None:
                raise AdvisoryError(f"{key[0]}: version {key[1][:60]!r} is not PEP 440, no database lists it")
            # A build such as 2.0.0+cpu has the flaws of 2.0.0, which is what the databases list.
            wanted = dict.fromkeys((str(parsed), parsed.public))
            found = {r.id: r for text in wanted for r in self._pages(key[0], text)}
            self._records.update(found)
            self._answers[key] = list(found.values())
        return self._answers[key]

    def record(self, identifier: str) -> Record | None:
        """The record with this id, or None when there is none. Raises ServiceError."""
        if identifier not in self._records:
            answer = self._service.ask("GET", f"/v1/vulns/{quote(identifier, safe='')}")
            record = None if answer is None else self._understood(answer)
            if record is None:
                return None
            self._records[identifier] = record
        return self._records[identifier]

    def prefetch(self, packages: Iterable[tuple[str, str]]) -> None:
        """Ask for many packages (name, version) side by side; the first ServiceError ends it and is raised.

        A version that cannot be looked up is no failure of the service; `query` will say so.
        """
        pool = ThreadPoolExecutor(_PARALLEL)
        try:
            for done in as_completed([pool.submit(self.query, *package) for package in packages]):
                error = done.exception()
                if error is not None and (
                    isinstance(error, ServiceError) or not isinstance(error, AdvisoryError)
                ):
                    raise error
        finally:
            pool.shutdown(cancel_futures=True)

    def probe(self, *, within: float = 10.0) -> None:
        """Check in `within` seconds that this is an OSV service which knows a known-bad package.

        Raises ServiceError. The time limit holds for the name look-up too, which no other time-out covers.
        """
        patience = Patience(connect=3.0, read=5.0, whole=within, tries=2, pause=0.0)
        outcome: list[ServiceError | None] = []

        def look() -> None:
            try:
                self._look_for_canary(patience)
            except ServiceError as error:
                outcome.append(error)
            else:
                outcome.append(None)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(within)
        if not outcome:
            raise self._service.error(f"no answer within {within:g} s")
        if outcome[0] is not None:
            raise outcome[0]

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def _look_for_canary(self, patience: Patience) -> None:
        name, version = CANARY
        known = {identifier for record in self._pages(name, version, patience) for identifier in record.ids}
        if not known & CANARY_IDS:
            raise self._service.error(
                f"it does not know the vulnerabilities of {name} {version}, so it is no OSV service"
            )

    def _pages(self, name: str, version: str, patience: Patience | None = None) -> Iterator[Record]:
        query: Json = {"package": {"name": name, "ecosystem": ECOSYSTEM}, "version": version}
        for _ in range(_MOST_PAGES):
            answer = self._service.ask("POST", "/v1/query", query, patience)
            vulns = None if answer is None else answer.get("vulns", [])
            if answer is None or not isinstance(vulns, list):
                raise self._service.error(f"its answer for {name} {version} is not OSV's")
            for raw in vulns:
                record = self._understood(raw)
                if record is not None:
                    yield record
            token = answer.get("next_page_token")
            if not token:
                return
            query["page_token"] = token
        raise self._service.error(f"its answer for {name} {version} does not end")

    def _understood(self, raw: Any) -> Record | None:
        """A record; None when it was withdrawn."""
        try:
            record = from_osv(raw)
        except AdvisoryError as error:
            raise self._service.error(f"an advisory cannot be read, {error}") from error
        if record is None:
            raise self._service.error("an advisory is about no PyPI package")
        return None if record.withdrawn else record
