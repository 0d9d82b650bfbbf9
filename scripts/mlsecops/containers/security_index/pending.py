"""Installed packages against the index of security updates: what is pending, one entry per source package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlsecops.containers.security_index.records import Package
from mlsecops.containers.security_index.versions import Version


@dataclass(frozen=True, slots=True)
class Pending:
    """A source package that is behind; `packages` are its installed packages, each with its fix."""

    source: str
    line: int
    packages: tuple[tuple[Package, Package], ...]

    @property
    def installed(self) -> str:
        """The version that is there."""
        return self.packages[0][0].version

    @property
    def fixed(self) -> str:
        """The version that has all security updates."""
        return self.packages[0][1].version


def pending(
    packages: Iterable[tuple[Package, int]], fixes: Mapping[str, Package]
) -> tuple[list[Pending], list[tuple[Package, str]]]:
    """What is pending of packages and the lines that brought them, and packages that cannot be compared."""
    found: dict[tuple[str, int], list[tuple[Package, Package]]] = defaultdict(list)
    odd: list[tuple[Package, str]] = []
    for package, line in packages:
        fix = fixes.get(package.name)
        try:
            own = Version(package.version)
        except ValueError:
            odd.append((package, f"its version {package.version[:40]} is none of dpkg's"))
            continue
        if fix is not None and own < Version(fix.version):
            found[package.source, line].append((package, fix))
    every = [
        Pending(source, line, tuple(sorted(pairs, key=lambda pair: pair[0].name)))
        for (source, line), pairs in sorted(found.items())
    ]
    return every, odd
