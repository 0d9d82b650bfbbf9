"""What an image of Debian or Ubuntu says of itself: its release, its packages, its package sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlsecops.containers.image import Image
from mlsecops.containers.layers import Entry
from mlsecops.containers.security_index.records import Package, Suite, installed, security_suites

_STATUS, _STATUS_FOLDER = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
_SOURCES, _SOURCES_FOLDER = "etc/apt/sources.list", "etc/apt/sources.list.d/"
_LARGEST = 64 << 20
# What the distributions publish updates of, for images that have no sources of their own.
_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "restricted", "universe", "multiverse")}
_KEYRING = re.compile(
    r"(?:usr/share|etc/apt)/keyrings/(?![^/]*removed)[^/]+\.(?:gpg|pgp)|etc/apt/trusted\.gpg\.d/[^/]+\.gpg"
)
_LARGEST_KEYRING = 1 << 20


@dataclass(frozen=True)
class Distribution:
    """A Debian or Ubuntu image."""

    image: Image
    name: str
    codename: str

    @cached_property
    def packages(self) -> list[tuple[Package, int]]:
        """What is installed, and the lines that brought it: of the layers that first had that version."""
        lines: dict[tuple[str, str], int] = {}
        files = self.image.files
        statuses = [each for each in files.hidden if _is_status(each)]
        statuses += [each for each in files.entries.values() if _is_status(each)]
        for entry in sorted(statuses, key=lambda each: each.layer):
            for package in _read(entry):
                lines.setdefault((package.name, package.version), self.image.line(entry))
        there = [each for entry in files.entries.values() if _is_status(entry) for each in _read(entry)]
        return [(each, lines[each.name, each.version]) for each in there]

    def suites(self, base: str | None) -> list[Suite]:
        """The security suites: at `base` if given, else as the image's own sources say, which may be none."""
        own = [each for each in self._own_suites() if each.name.startswith(self.codename)]
        if base is None:
            return list(dict.fromkeys(own))
        usual = Suite(base, f"{self.codename}-security", _COMPONENTS[self.name])
        return [Suite(base, own[0].name, own[0].components) if own else usual]

    def _own_suites(self) -> Iterator[Suite]:
        files = self.image.files
        yield from security_suites(files.text(_SOURCES), deb822=False)
        for path in sorted(files.entries):
            if path.startswith(_SOURCES_FOLDER) and path.endswith((".list", ".sources")):
                yield from security_suites(files.text(path), deb822=path.endswith(".sources"))

    @property
    def keyrings(self) -> list[bytes]:
        """The keys that the image trusts for its packages."""
        files = self.image.files
        found = [files.resolve(path) for path in sorted(files.entries) if _KEYRING.fullmatch(path)]
        return [entry.read(_LARGEST_KEYRING) for entry in found if entry and entry.size]


def distribution(image: Image) -> Distribution | None:
    """The image's distribution, None when it is neither Debian nor Ubuntu."""
    text = image.files.text("etc/os-release") or image.files.text("usr/lib/os-release")
    fields = {
        name: value.strip().strip("\"'")
        for name, _, value in (line.partition("=") for line in text.splitlines())
    }
    name = fields.get("ID", "")
    codename = fields.get("VERSION_CODENAME") or fields.get("UBUNTU_CODENAME") or ""
    return Distribution(image, name, codename) if name in _COMPONENTS and codename.isalnum() else None


def _is_status(entry: Entry) -> bool:
    if entry.kind != "file" or entry.path.endswith(".md5sums"):
        return False
    return entry.path == _STATUS or entry.path.startswith(_STATUS_FOLDER)


def _read(entry: Entry) -> Sequence[Package]:
    return list(installed(entry.read(_LARGEST).decode("utf-8", "replace")))
