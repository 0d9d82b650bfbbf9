"""Dependencies as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


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
class Listing:
    """What one manifest names. `complete` says that it lists every package that will be installed.

    `own` are references to the repository's own code, `problems` are sentences about what cannot be read.
    """

    dependencies: tuple[Dependency, ...] = ()
    unaudited: tuple[Unaudited, ...] = ()
    own: tuple[str, ...] = ()
    problems: tuple[tuple[int, str], ...] = ()
    complete: bool = False


@dataclass(slots=True)
class Collector:
    """Gathers a listing while a manifest is read."""

    dependencies: list[Dependency] = field(default_factory=list)
    unaudited: list[Unaudited] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def add(self, text: str, line: int) -> None:
        """Add one PEP 508 requirement, or say why it cannot be read."""
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            self.problems.append((line, f"not a requirement: {text[:120]}"))
            return
        if requirement.url is not None:
            self.unaudited.append(
                Unaudited(requirement.name, line, "it comes from an address and has no version of an index")
            )
            return
        self.dependencies.append(
            Dependency(
                canonicalize_name(requirement.name), str(requirement), line, pinned_version(requirement)
            )
        )

    def listing(self, *, complete: bool) -> Listing:
        """The finished listing."""
        return Listing(
            tuple(self.dependencies), tuple(self.unaudited), tuple(self.own), tuple(self.problems), complete
        )


def pinned_version(requirement: Requirement) -> str | None:
    """The one version that `==` or `===` asks for, without wildcards; None for anything looser."""
    specifiers = list(requirement.specifier)
    exact = [each.version for each in specifiers if each.operator in ("==", "===")]
    if len(specifiers) == 1 and exact and not exact[0].endswith(".*"):
        return exact[0]
    return None


def line_of(text: str, name: str) -> int:
    """The first line that names a package as a word, however its separators are spelled; else 1."""
    spelled = "[-_.]+".join(re.escape(part) for part in re.split(r"[-_.]+", name))
    found = re.search(rf"(?<![A-Za-z0-9]){spelled}(?![A-Za-z0-9])", text, re.IGNORECASE)
    return text.count("\n", 0, found.start()) + 1 if found else 1
