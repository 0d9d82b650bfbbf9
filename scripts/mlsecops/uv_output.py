"""What uv prints: its resolution as packages, its complaints as one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.version import Version

from mlsecops.dependencies import Dependency
from mlsecops.job import ToolError, printable

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(?:\s*;[^#]*)?(?:\s*# via (.*))?$")


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package, and the line of the manifest that brings it in.

    `via` is the named dependency that pulls it in, where the manifest does not name it itself.
    """

    name: str
    version: str
    uri: str
    line: int
    via: str | None = None

    @property
    def unit(self) -> str:
        """The package as `name==version`."""
        return f"{self.name}=={self.version}"


def anchored(output: str, named: Sequence[Dependency], uri: str) -> list[Package]:
    """uv's output lines -> packages, each on the line of the dependency that brings it in.

    Raises ToolError on a line that is none of uv's: what is not understood must not be lost.
    """
    lines: dict[str, int] = {}
    for each in named:
        lines.setdefault(each.name, each.line)
    pins: list[tuple[str, str]] = []
    parents: dict[str, list[str]] = {}
    for line in (each.strip() for each in output.splitlines()):
        if not line or line.startswith("#"):
            continue
        pin = _PINNED.match(line)
        if pin is None:
            raise ToolError(f"uv's answer cannot be read: {line[:100]}")
        pins.append((pin[1], pin[2]))
        parents.setdefault(pin[1], []).extend(each.strip() for each in (pin[3] or "").split(","))
    return [_anchored(name, version, uri, named, lines, parents) for name, version in pins]


def _anchored(
    name: str,
    version: str,
    uri: str,
    named: Sequence[Dependency],
    lines: Mapping[str, int],
    parents: Mapping[str, list[str]],
) -> Package:
    for each in named:
        if each.name == name and each.version is not None and same_release(each.version, version):
            return Package(name, version, uri, each.line)
    origin = _origin(name, lines, parents)
    return Package(name, version, uri, lines.get(origin or "", 1), None if origin == name else origin)


def _origin(name: str, lines: Mapping[str, int], parents: Mapping[str, list[str]]) -> str | None:
    """The named dependency nearest to a package, going up its parents."""
    seen = {name}
    level = [name]
    while level:
        for each in level:
            if each in lines:
                return each
        level = [up for each in level for up in parents.get(each, []) if up not in seen]
        seen.update(level)
    return None


def same_release(one: str, other: str) -> bool:
    """Whether two versions are the same release (`1.0` and `1.0.0`, `2.0+cpu` and `2.0`)."""
    return Version(Version(one).public) == Version(Version(other).public)


def cause(said: str) -> str:
    """What uv printed -> the innermost cause, in one line."""
    lines = [line for line in said.splitlines() if line.strip()]
    hints = [number for number, line in enumerate(lines) if line.lstrip(" │").startswith("hint:")]
    lines = lines[: hints[0]] if hints and hints[0] else lines
    marks = [number for number, line in enumerate(lines) if re.search("─▶|[Cc]ause(?:d by)?:", line)]
    innermost = lines[marks[-1] :] if marks else lines
    words = " ".join(re.sub(r"^[\s×│├╰─▶]*(?:[Cc]ause(?:d by)?: |error: )?", "", line) for line in innermost)
    return printable(words)[:400] or "uv gave no reason"
