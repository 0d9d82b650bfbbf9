"""The text formats of dpkg and apt -> records: installed packages, sources, what an archive lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_SOURCE = re.compile(r"(\S+)(?:\s+\((\S+)\))?")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)")
_SECURITY = re.compile(r"[a-z]+(?:-security|/updates)")


@dataclass(frozen=True, slots=True)
class Package:
    """A binary package of one version; `source` is what it is built from, in `source_version`."""

    name: str
    version: str
    source: str
    source_version: str
    architecture: str = ""
    filename: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """A security suite at an archive's address or in a folder."""

    base: str
    name: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What an archive says of a suite: its names, its date, and the SHA-256 and size of its files."""

    names: frozenset[str]
    date: datetime
    components: tuple[str, ...]
    files: Mapping[str, tuple[str, int]]


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file; names of fields in lower case, continuation lines kept as lines."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] += "\n" + line.strip()
        elif match := _FIELD.fullmatch(line):
            name = match[1].lower()
            fields[name] = match[2].strip()
    if fields:
        yield fields


def installed(text: str) -> Iterator[Package]:
    """The packages that a dpkg status file says are unpacked; a paragraph without a status is one."""
    for fields in paragraphs(text):
        state = fields.get("status", "install ok installed").split()
        if "package" in fields and "version" in fields and state[-1] not in ("not-installed", "config-files"):
            yield _package(fields)


def listed(text: str) -> Iterator[Package]:
    """The packages of a `Packages` file."""
    for fields in paragraphs(text):
        if "package" in fields and "version" in fields:
            yield _package(fields)


def _package(fields: Mapping[str, str]) -> Package:
    name, version = fields["package"], fields["version"]
    source = _SOURCE.match(fields.get("source", "")) or _SOURCE.match(name)
    size = fields.get("size", "0")
    return Package(
        name=name,
        version=version,
        source=source[1] if source else name,
        source_version=(source and source[2]) or version,
        architecture=fields.get("architecture", ""),
        filename=fields.get("filename", ""),
        size=int(size) if size.isdecimal() else 0,
        sha256=fields.get("sha256", "").lower(),
    )


def security_suites(text: str, *, deb822: bool) -> Iterator[Suite]:
    """The security suites that one file of apt's sources names."""
    if not deb822:
        for line in text.splitlines():
            match = _ONE_LINE.fullmatch(line.split("#")[0].strip())
            if match and _SECURITY.fullmatch(match[2]):
                yield Suite(match[1], match[2], tuple(match[3].split()))
        return
    for fields in paragraphs("\n".join(line for line in text.splitlines() if not line.startswith("#"))):
        if fields.get("enabled", "yes").lower() == "no" or "deb" not in fields.get("types", "").split():
            continue
        components = tuple(fields.get("components", "").split())
        for name in fields.get("suites", "").split():
            if _SECURITY.fullmatch(name):
                yield from (Suite(base, name, components) for base in fields.get("uris", "").split())


def release(text: str) -> Release:
    """An `InRelease` file. Raises ValueError for anything else."""
    body = re.sub(r"\A-----BEGIN PGP SIGNED MESSAGE-----\n(?:.+\n)*\n", "", text.replace("\r\n", "\n"))
    fields = next(paragraphs(body.split("\n-----BEGIN PGP SIGNATURE-----")[0]), {})
    if "date" not in fields or "sha256" not in fields:
        raise ValueError("it is no InRelease file")
    files = {}
    for line in fields["sha256"].splitlines():
        digest, size, name = (*line.split(), "", "", "")[:3]
        if name and size.isdecimal():
            files[name] = (digest.lower(), int(size))
    date = parsedate_to_datetime(fields["date"])
    return Release(
        names=frozenset(fields.get(key, "") for key in ("suite", "codename")),
        date=date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC),
        components=tuple(fields.get("components", "").split()),
        files=files,
    )
