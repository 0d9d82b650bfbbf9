"""The zip of a report artifact -> the report in it, within bounds, and no file by a name of the zip's."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

REPORT = "report.sarif"
_WANTED = (REPORT, "report.json")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1
_MEMBER = b"PK\x01\x02"  # before each entry of a zip's directory
_MOST_MEMBERS = 1_000
_CHUNK = 1 << 20
# An offset in the zip may lead to a place that no file has: an OSError, as one of the disk is.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError)


class ArtifactError(Exception):
    """What another job left cannot be used; one sentence."""


def unpack_report(archive: Path, folder: Path, *, most_bytes: int = 256 << 20) -> Path:
    """Write `report.sarif`, and `report.json` where there is one, into a folder; the path of the first.

    Other members are not looked at. Raises ArtifactError for what is no such zip, when a wanted member is
    there twice, encrypted or unpacks to more than `most_bytes`, or when a file cannot be written.
    """
    try:
        _count_members(archive)
        with zipfile.ZipFile(archive) as opened:
            chosen = {name: member for name in _WANTED if (member := _member(opened, name)) is not None}
            if REPORT not in chosen:
                raise ArtifactError(f"the report artifact holds no {REPORT}")
            for name, member in chosen.items():
                with opened.open(member) as reader, (folder / name).open("wb") as writer:
                    for chunk in _bounded(reader, name, most_bytes):
                        writer.write(chunk)
    except _BROKEN as error:
        raise ArtifactError(f"the report artifact is no zip that can be unpacked: {error}") from None
    return folder / REPORT


def _count_members(archive: Path) -> None:
    """Refuse a zip whose directory alone would take much memory."""
    count, end = 0, b""
    with archive.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            joined = end + chunk
            count += joined.count(_MEMBER)
            end = joined[-len(_MEMBER) + 1 :]
    if count > _MOST_MEMBERS:
        raise ArtifactError(f"the report artifact has more than {_MOST_MEMBERS:,} members")


def _member(opened: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    found = [member for member in opened.infolist() if member.filename == name]
    if len(found) > 1:
        raise ArtifactError(f"the report artifact holds {name} more than once")
    if not found:
        return None
    (member,) = found
    if member.flag_bits & _ENCRYPTED:
        raise ArtifactError(f"the report artifact holds {name} encrypted")
    if member.compress_type not in _METHODS:
        raise ArtifactError(f"the report artifact holds {name} in a compression that GitHub does not use")
    return member


def _bounded(reader: IO[bytes], name: str, most_bytes: int) -> Iterator[bytes]:
    """The bytes that really come out, whatever the zip says of their number."""
    left = most_bytes
    while chunk := reader.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise ArtifactError(f"{name} of the report artifact has more than {most_bytes:,} bytes")
        yield chunk
