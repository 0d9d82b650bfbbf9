"""CVE numbers that updates fix, from the changelogs within the packages themselves."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from mlsecops.containers.security_index.archive import Archive, ArchiveError
from mlsecops.containers.security_index.pending import Pending
from mlsecops.containers.security_index.versions import Version
from mlsecops.models.source import Source
from mlsecops.models.unpack.codecs import CODECS, Streams

_CVE = re.compile(r"CVE-\d{4}-\d{4,7}")
_ENTRY = re.compile(r"^\S+ \(([^)\s]+)\) [^;\n]+;", re.MULTILINE)
_CHANGELOG = re.compile(r"(?:\./)?usr/share/doc/[^/]+/changelog\.Debian(?:\.\w+)?\.gz")
_LARGEST_PACKAGE, _LARGEST_CONTENT, _LARGEST_CHANGELOG = 16 << 20, 128 << 20, 8 << 20
_TRIES = 2
_BROKEN = (tarfile.TarError, OSError, EOFError, ValueError, LookupError)


def fixes(archive: Archive, update: Pending, scratch: Path) -> tuple[str, ...] | None:
    """The CVE numbers that an update's changelog names since the installed version; None if there is none."""
    candidates = {fix.filename: fix for _, fix in update.packages if 0 < fix.size <= _LARGEST_PACKAGE}
    for fix in sorted(candidates.values(), key=lambda each: each.size)[:_TRIES]:
        try:
            content = archive.get(fix.filename, fix.size)
            if hashlib.sha256(content).hexdigest() != fix.sha256:
                continue
            text = changelog(content, scratch)
        except (ArchiveError, *_BROKEN):
            continue
        if text is not None:
            since = min((own.source_version for own, _ in update.packages), key=Version)
            return tuple(sorted(set(_since(text, since, fix.source_version)), key=_number))
    return None


def _since(text: str, installed: str, fixed: str) -> Iterator[str]:
    """The CVE numbers of entries newer than the one version and up to the other."""
    heads = list(_ENTRY.finditer(text))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        if Version(installed) < Version(head[1]) <= Version(fixed):
            yield from _CVE.findall(text, head.start(), end)


def _number(cve: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cve.split("-")[1:])


def changelog(package: bytes, scratch: Path) -> str | None:
    """The changelog in a `.deb`. Raises what broken archives raise."""
    for name, content in _members(package):
        if name.startswith("data.tar"):
            with tarfile.open(fileobj=io.BytesIO(_unpacked(content, scratch)), mode="r:") as archive:
                for member in archive:
                    if member.isreg() and _CHANGELOG.fullmatch(member.name):
                        file = archive.extractfile(member)
                        packed = gzip.GzipFile(fileobj=file)
                        return packed.read(_LARGEST_CHANGELOG).decode("utf-8", "replace")
    return None


def _members(package: bytes) -> Iterator[tuple[str, bytes]]:
    """The members of an `ar` archive (deb(5)): heads of 60 bytes, contents at even places."""
    at = len(b"!<arch>\n")
    while at + 60 <= len(package):
        name = package[at : at + 16].decode("ascii").rstrip(" /")
        size = int(package[at + 48 : at + 58])
        yield name, package[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def _unpacked(content: bytes, scratch: Path) -> bytes:
    file = scratch / "data"
    file.write_bytes(content)
    with file.open("rb") as stream:
        source = Source.of(stream)
        codec = next((each for each in CODECS if each.begins(source.at(0, 32))), None)
        if codec is None:
            return content
        plain = bytearray()
        for piece in Streams(source, codec, lambda: False):
            plain += piece
            if len(plain) > _LARGEST_CONTENT:
                raise ValueError("it is too large")
        return bytes(plain)
