"""SARIF files in pieces: runs and results as bytes, and decoded only what a merge has to know."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import orjson
from msgspec import Raw, Struct

from mlsecops.sarif.build import Json
from mlsecops.sarif.files import SarifError, read_bytes
from mlsecops.sarif.union import Category


class _Text(Struct):
    text: str = ""


class _Artifact(Struct):
    uri: str = ""


class _Region(Struct, rename="camel"):
    start_line: int = 1
    start_column: int = 1
    end_line: int | None = None
    end_column: int | None = None


class _Physical(Struct, rename="camel"):
    artifact_location: _Artifact | None = None
    region: _Region | None = None


class _Location(Struct, rename="camel"):
    physical_location: _Physical | None = None


class _Fingerprints(Struct):
    github: str = msgspec.field(name="primaryLocationLineHash", default="")
    own: str = msgspec.field(name="mlsecops/v1", default="")


class _Own(Struct):
    severity: float | None = None


class _Properties(Struct):
    mlsecops: _Own | None = None


class _Suppression(Struct):
    kind: str = ""


class _Thread(Struct):
    locations: list[Raw] | None = None


class _Flow(Struct, rename="camel"):
    thread_flows: list[_Thread] | None = None


class Result(Struct, rename="camel"):
    """What a merge has to know of a result: how grave, how long and whether the same as another."""

    rule_id: str = ""
    level: str = "warning"
    message: _Text | None = None
    locations: list[_Location] | None = None
    partial_fingerprints: _Fingerprints | None = None
    properties: _Properties | None = None
    suppressions: list[_Suppression] | None = None
    code_flows: list[_Flow] | None = None
    baseline_state: str | None = None

    @property
    def fingerprint(self) -> str:
        """Our own fingerprint, or nothing."""
        return self.partial_fingerprints.own if self.partial_fingerprints else ""

    @property
    def steps(self) -> int:
        """How many steps its code flows have together."""
        if not self.code_flows:
            return 0
        threads = (thread for flow in self.code_flows for thread in flow.thread_flows or ())
        return sum(len(thread.locations or ()) for thread in threads)

    @property
    def severity(self) -> float | None:
        """Its own severity where it has one."""
        own = self.properties.mlsecops if self.properties else None
        return own.severity if own else None

    def digest(self) -> bytes:
        """16 bytes that are the same for the same rule, level, message, places and fingerprints."""
        return hashlib.blake2b(_ENCODER.encode(self), digest_size=16).digest()


class _Driver(Struct):
    name: str


class _Tool(Struct):
    driver: _Driver


class _Details(Struct):
    id: str = ""


class _Log(Struct):
    version: str
    runs: list[dict[str, Raw]]
    properties: dict[str, Raw] | None = None


_LOG = msgspec.json.Decoder(_Log)
_TOOL = msgspec.json.Decoder(_Tool)
_DETAILS = msgspec.json.Decoder(_Details | None)
_RESULTS = msgspec.json.Decoder(list[Raw] | None)
_RESULT = msgspec.json.Decoder(Result)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class RawRun:
    """One run of a file; its methods raise SarifError, naming the file, for what is no SARIF."""

    path: Path
    number: int
    parts: dict[str, Raw]

    def category(self) -> Category:
        """The name of the tool and `automationDetails.id`."""
        with self._reading():
            name = _TOOL.decode(self.parts.get("tool", b"{}")).driver.name
            details = _DETAILS.decode(self.parts.get("automationDetails", b"null"))
        return name, details.id if details else ""

    def head(self) -> Json:
        """All of the run but its results."""
        with self._reading():
            return {key: orjson.loads(bytes(part)) for key, part in self.parts.items() if key != "results"}

    def results(self) -> Iterator[tuple[Raw, Result]]:
        """Every result as its bytes, and what a merge has to know of it."""
        with self._reading():
            for raw in _RESULTS.decode(self.parts.get("results", b"null")) or []:
                yield raw, _RESULT.decode(raw)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (msgspec.DecodeError, orjson.JSONDecodeError, RecursionError) as error:
            raise SarifError(f"{self.path} is not a SARIF 2.1.0 log: runs[{self.number}]: {error}") from None


@dataclass(slots=True)
class RawFiles:
    """Files in pieces; the last one stays in memory, for its runs are mostly read one after the other."""

    _path: Path | None = None
    _log: _Log = field(default_factory=lambda: _Log("2.1.0", []))

    def runs(self, path: Path) -> list[RawRun]:
        """The runs of a file. Raises SarifError for one that is not whole JSON or no SARIF 2.1.0 log."""
        log = self._read(path)
        return [RawRun(path, number, parts) for number, parts in enumerate(log.runs)]

    def properties(self, path: Path) -> Json:
        """The property bag of the log itself."""
        return {key: orjson.loads(bytes(part)) for key, part in (self._read(path).properties or {}).items()}

    def _read(self, path: Path) -> _Log:
        if path != self._path:
            self._log = _Log(
                "2.1.0", []
            )  # the memory of the last file is free before the next one takes its own
            self._log = _decoded(path)
            self._path = path
        return self._log


def _decoded(path: Path) -> _Log:
    content = read_bytes(path)
    try:
        if not content.isascii():
            content.decode()  # what is passed on undecoded is checked for nothing else
        log = _LOG.decode(content)
    except msgspec.ValidationError as error:
        raise SarifError(f"{path} is not a SARIF 2.1.0 log: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SarifError(f"{path} is not whole JSON: {error}") from None
    if log.version != "2.1.0":
        raise SarifError(f"{path} is not a SARIF 2.1.0 log: its version is {log.version[:20]!r}")
    return log
