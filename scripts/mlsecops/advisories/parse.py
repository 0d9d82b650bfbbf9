"""Untrusted advisory JSON -> `Record`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from packaging.utils import canonicalize_name

from mlsecops.advisories.record import ECOSYSTEM, AdvisoryError, Affected, Record
from mlsecops.advisories.versions import Event

T = TypeVar("T")

_EVENT_KINDS = ("introduced", "fixed", "last_affected", "limit")
_WORDS = frozenset({"LOW", "MODERATE", "MEDIUM", "HIGH", "CRITICAL"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_CWE = re.compile(r"CWE-\d{1,6}")
_VECTOR = re.compile(r"[A-Za-z0-9.:/()]{1,300}")
_SUMMARY_LENGTH = 160
# The largest real records name a few thousand versions.
_MOST_ITEMS = 200_000


def from_json(stored: Any) -> Record:
    """A record as `Record.to_json` wrote it. Raises AdvisoryError with the reason."""
    reader = _Reader()
    record = reader.object(stored, "the record")
    return Record(
        id=reader.id(record.get("id")),
        modified=timestamp(record.get("modified")),
        aliases=tuple(reader.texts(record.get("aliases"), "aliases")),
        published=timestamp(record.get("published")),
        summary=reader.text(record.get("summary"), "summary"),
        severity=tuple(reader.texts(record.get("severity"), "severity")),
        word=reader.text(record.get("word"), "word"),
        cwe=tuple(reader.texts(record.get("cwe"), "cwe")),
        affected=tuple(
            Affected(
                name=reader.text(item.get("name"), "name"),
                ranges=tuple(reader.events(events) for events in reader.list(item.get("ranges"), "ranges")),
                versions=tuple(reader.texts(item.get("versions"), "versions")),
            )
            for item in reader.objects(record.get("affected"), "affected")
        ),
    )


def from_osv(raw: Any) -> Record | None:
    """Any OSV record -> Record, or None when it is about no PyPI package.

    Names become canonical and dates RFC 3339; what a gate does not need is left out. A withdrawn record is
    returned as such, for it overrules older copies of itself. Raises AdvisoryError with the reason.
    """
    reader = _Reader()
    record = reader.object(raw, "the record")
    identifier = reader.id(record.get("id"))
    parts = [item for item in reader.objects(record.get("affected"), "affected") if _is_pypi(item, reader)]
    withdrawn = bool(record.get("withdrawn"))
    if not parts and not withdrawn:
        return None
    sources = [record, *parts]
    return Record(
        id=identifier,
        modified=timestamp(record.get("modified")) or timestamp(record.get("published")),
        aliases=_unique(
            alias for alias in reader.texts(record.get("aliases"), "aliases") if _ID.fullmatch(alias)
        ),
        published=timestamp(record.get("published")),
        withdrawn=withdrawn,
        summary=_one_line(record.get("summary")) or _one_line(record.get("details")),
        severity=_unique(vector for source in sources for vector in _vectors(source, reader)),
        word=_word(sources),
        cwe=_unique(cwe for source in sources for cwe in _cwes(source)),
        affected=_merged(parts, reader),
    )


def timestamp(value: Any) -> str:
    """Any ISO 8601 time -> RFC 3339 in UTC ending in Z, the only form pip-audit can read; else ""."""
    if not isinstance(value, str):
        return ""
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat().replace("+00:00", "Z")


class _Reader:
    """Takes untrusted JSON apart; counts what it takes, so that no record can be endless."""

    def __init__(self) -> None:
        self._left = _MOST_ITEMS

    def object(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise AdvisoryError(f"{what} is not an object")
        return value

    def list(self, value: Any, what: str) -> list[Any]:
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise AdvisoryError(f"{what} is not a list")
        self._left -= len(value)
        if self._left < 0:
            raise AdvisoryError(f"the record names more than {_MOST_ITEMS:,} versions and events")
        return value

    def text(self, value: Any, what: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise AdvisoryError(f"{what} is not a text")
        return value

    def texts(self, value: Any, what: str) -> Iterator[str]:
        return (self.text(item, f"an item of {what}") for item in self.list(value, what))

    def objects(self, value: Any, what: str) -> Iterator[Mapping[str, Any]]:
        return (self.object(item, f"an item of {what}") for item in self.list(value, what))

    def id(self, value: Any) -> str:
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise AdvisoryError("the record has no usable id")
        return value

    def events(self, value: Any) -> tuple[Event, ...]:
        return tuple(
            (kind, self.text(event[kind], kind).strip())
            for event in self.objects(value, "events")
            for kind in _EVENT_KINDS
            if kind in event
        )


def _is_pypi(affected: Mapping[str, Any], reader: _Reader) -> bool:
    if affected.get("package") is None:
        return False
    package = reader.object(affected["package"], "package")
    ecosystem = reader.text(package.get("ecosystem"), "ecosystem")
    return ecosystem.partition(":")[0] == ECOSYSTEM and bool(reader.text(package.get("name"), "name").strip())


def _merged(parts: Iterable[Mapping[str, Any]], reader: _Reader) -> tuple[Affected, ...]:
    """One `Affected` a package: databases give a package one entry for each of its release lines."""
    merged: dict[str, Affected] = {}
    for part in parts:
        name = canonicalize_name(part["package"]["name"].strip())
        known = merged.get(name, Affected(name))
        ranges = tuple(
            reader.events(item.get("events"))
            for item in reader.objects(part.get("ranges"), "ranges")
            if item.get("type") != "GIT"
        )
        versions = tuple(text.strip() for text in reader.texts(part.get("versions"), "versions"))
        if not ranges and not versions:
            # Nothing says which versions: all of them, for silence would read as "clean".
            ranges = ((("introduced", "0"),),)
        merged[name] = Affected(
            name, _unique((*known.ranges, *ranges)), _unique((*known.versions, *versions))
        )
    return tuple(merged[name] for name in sorted(merged))


def _vectors(source: Mapping[str, Any], reader: _Reader) -> Iterator[str]:
    for item in reader.objects(source.get("severity"), "severity"):
        kind, score = item.get("type"), item.get("score")
        if str(kind).startswith("CVSS_") and isinstance(score, str) and _VECTOR.fullmatch(score):
            yield score


def _word(sources: Iterable[Mapping[str, Any]]) -> str:
    for source in sources:
        for key in ("database_specific", "ecosystem_specific"):
            specific = source.get(key)
            word = specific.get("severity") if isinstance(specific, Mapping) else None
            if isinstance(word, str) and word.upper() in _WORDS:
                return word.upper()
    return ""


def _cwes(source: Mapping[str, Any]) -> Iterator[str]:
    specific = source.get("database_specific")
    found = specific.get("cwe_ids") if isinstance(specific, Mapping) else None
    for cwe in found if isinstance(found, list) else ():
        if isinstance(cwe, str) and _CWE.fullmatch(cwe):
            yield cwe


def _one_line(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in value[: _SUMMARY_LENGTH * 8])
    text = " ".join(printable.split())
    return text if len(text) <= _SUMMARY_LENGTH else f"{text[: _SUMMARY_LENGTH - 1].rstrip()}…"


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
