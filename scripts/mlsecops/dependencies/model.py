"""Dependencies as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

FROM_ADDRESS = "it comes from an address, not from an index"
LOCAL_FILE = "it is a local file, not from an index"
OTHER_INDEX = "its packages need not be those that advisories are about"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One package that a manifest names; `version` is set where it is pinned to exactly one.

    `requirement` is what a resolver gets for it; `line` counts from 1.
    """

    name: str
    requirement: str
    line: int
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Unaudited:
    """Something a manifest names that no advisory database knows: a repository, an address, a local file."""

    what: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Another file or folder that a manifest leans on; `paths` are relative to its folder, one is enough.

    A `manifest` names more packages, `constraints` narrow their versions, `code` is a package of the
    repository itself, which has manifests of its own.
    """

    kind: Literal["manifest", "constraints", "code"]
    paths: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What one manifest names. `complete` says that it lists every package that will be installed.

    `problems` are sentences about what cannot be read, `left_out` the names of what is no Python package.
    """

    dependencies: tuple[Dependency, ...] = ()
    unaudited: tuple[Unaudited, ...] = ()
    references: tuple[Reference, ...] = ()
    problems: tuple[tuple[int, str], ...] = ()
    left_out: tuple[str, ...] = ()
    complete: bool = False


@dataclass(slots=True)
class Collector:
    """Gathers a listing while a manifest is read."""

    dependencies: list[Dependency] = field(default_factory=list)
    unaudited: list[Unaudited] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, text: str, line: int) -> None:
        """Add one PEP 508 requirement, or say why it cannot be read."""
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            self.problems.append((line, f"not a requirement: {text[:120]!r}"))
            return
        if requirement.url is not None:
            self.unaudited.append(Unaudited(requirement.name, line, FROM_ADDRESS))
            return
        self.dependencies.append(
            Dependency(
                canonicalize_name(requirement.name), str(requirement), line, pinned_version(requirement)
            )
        )

    def pin(self, name: str, version: str, line: int) -> None:
        """Add the one version that a lock gives for a package, or say that it is none."""
        try:
            canonical, parsed = canonicalize_name(name, validate=True), Version(version)
        except (InvalidName, InvalidVersion):
            self.problems.append((line, f"not a package and its version: {name[:60]!r} {version[:60]!r}"))
            return
        self.dependencies.append(Dependency(canonical, f"{canonical}=={parsed}", line, str(parsed)))

    def refer(self, kind: Literal["manifest", "constraints", "code"], line: int, *paths: str) -> None:
        """Add a reference to one of these paths."""
        self.references.append(Reference(kind, paths, line))

    def take(self, other: Listing, line: int) -> None:
        """Add what another listing found on this line."""
        self.dependencies += [
            Dependency(each.name, each.requirement, line, each.version) for each in other.dependencies
        ]
        self.unaudited += [Unaudited(each.what, line, each.reason) for each in other.unaudited]
        self.references += [Reference(each.kind, each.paths, line) for each in other.references]
        self.problems += [(line, sentence) for _, sentence in other.problems]

    def listing(self, *, complete: bool) -> Listing:
        """The finished listing."""
        return Listing(
            tuple(self.dependencies),
            tuple(self.unaudited),
            tuple(self.references),
            tuple(self.problems),
            tuple(self.left_out),
            complete,
        )


def pinned_version(requirement: Requirement) -> str | None:
    """The one PEP 440 version that `==` or `===` asks for, without wildcards; None for anything looser."""
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return None
    try:
        return str(Version(specifiers[0].version))
    except InvalidVersion:
        return None


def line_of(text: str, name: str) -> int:
    """The first line that names a package as a whole word, however its separators are spelled; else 1."""
    return _line(text, rf"(?<![A-Za-z0-9_.-]){_spelled(name)}(?![A-Za-z0-9]|[-_.][A-Za-z0-9])") or 1


def line_of_key(text: str, key: str) -> int:
    """The first line on which a package's name is a key of TOML or JSON; else where it stands at all."""
    return _line(text, rf"""^[ \t]*["']?{_spelled(key)}["']?[ \t]*[=:]""") or line_of(text, key)


def line_of_requirement(text: str, requirement: str) -> int:
    """The first line with a requirement in quotes; else the first one that names its package."""
    for quote in ('"', "'"):
        at = text.find(f"{quote}{requirement}{quote}")
        if at >= 0:
            return text.count("\n", 0, at) + 1
    return line_of(text, name_in(requirement))


def name_in(requirement: str) -> str:
    """The package's name that a requirement begins with, as it is written."""
    return re.split(r"[\s\[(<>=!~;@,]", requirement.strip(), maxsplit=1)[0]


def _spelled(name: str) -> str:
    return "[-_.]+".join(re.escape(part) for part in re.split(r"[-_.]+", name))


def _line(text: str, pattern: str) -> int | None:
    found = re.search(pattern, text, re.IGNORECASE | re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1
