"""The index of a security suite: which version of each package has all security updates."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mlsecops.containers.security_index.archive import Archive, ArchiveError
from mlsecops.containers.security_index.records import Package, Release, Suite, listed, release
from mlsecops.containers.security_index.versions import Version

# By the names that images have for the machines they run on.
_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64", "386": "i386", "ppc64le": "ppc64el", "arm": "armhf"}
_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress,
    ".gz": gzip.decompress,
    "": bytes,
}
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)
_LARGEST_RELEASE = 4 << 20


@dataclass(frozen=True, slots=True)
class Index:
    """The newest version of every package of a suite, and the day on which it was published."""

    suite: Suite
    date: datetime
    packages: Mapping[str, Package]


def load(archive: Archive, suite: Suite, architecture: str, check: Callable[[bytes], None]) -> Index:
    """The index of a suite; `check` gets the signed `InRelease` and raises ArchiveError if it is not genuine.

    Raises ArchiveError when it cannot be had whole, or is another suite's.
    """
    signed = archive.get(f"dists/{suite.name}/InRelease", _LARGEST_RELEASE)
    check(signed)
    try:
        about = release(signed.decode("utf-8", "replace"))
    except ValueError as error:
        raise ArchiveError(f"dists/{suite.name}/InRelease is none") from error
    if not about.names & {suite.name, suite.name.removesuffix("/updates")}:
        raise ArchiveError(f"dists/{suite.name}/InRelease is of another suite")
    packages: dict[str, Package] = {}
    wanted = _ARCHITECTURES.get(architecture, architecture)
    for component in suite.components or ("main",):
        text = _packages(archive, suite, about, f"{component}/binary-{wanted}/Packages")
        _keep_newest(packages, listed(text))
    if not packages:
        raise ArchiveError(f"dists/{suite.name} lists no package for {wanted}")
    return Index(suite, about.date, packages)


def _packages(archive: Archive, suite: Suite, about: Release, path: str) -> str:
    for ending, unpack in _UNPACK.items():
        digest, size = about.files.get(f"{path}{ending}", ("", 0))
        if not digest:
            continue
        content = archive.get(f"dists/{suite.name}/{path}{ending}", size)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArchiveError(f"{path}{ending} is not what InRelease says")
        try:
            return unpack(content).decode("utf-8", "replace")
        except _BROKEN as error:
            raise ArchiveError(f"{path}{ending} cannot be unpacked") from error
    raise ArchiveError(f"dists/{suite.name} has no {path}")


def _keep_newest(packages: dict[str, Package], more: Iterable[Package]) -> None:
    for each in more:
        known = packages.get(each.name)
        if known is None or Version(known.version) < Version(each.version):
            packages[each.name] = each
