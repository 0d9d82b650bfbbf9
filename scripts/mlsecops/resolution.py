"""Which packages a project installs: its locks as they are, looser manifests resolved from wheels only."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlsecops.dependencies import Dependency, Listing, Unaudited, read_manifest
from mlsecops.job import Job, Problem, ToolError
from mlsecops.project import Manifest

# Older releases have wheels for older interpreters only; the resolution itself needs none of them installed.
_OTHER_PYTHONS = ("3.10", "3.8")
_RESOLVE_SECONDS = 180.0
_NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|connect|timed out|offline", re.IGNORECASE
)
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?:\s*;[^#]*)?(?:\s*# via (.*))?$")


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


@dataclass(frozen=True, slots=True)
class Resolution:
    """All packages of all manifests, and everything that could not be settled."""

    packages: tuple[Package, ...]
    unaudited: tuple[tuple[str, Unaudited], ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Resolver:
    """Resolves once, for the tools of a stage that share it."""

    manifests: tuple[Manifest, ...]
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _done: list[Resolution] = field(default_factory=list)

    def resolve(self, job: Job) -> Resolution:
        """The packages of all manifests; only the first caller's job runs a resolver."""
        with self._guard:
            if not self._done:
                self._done.append(_resolve(self.manifests, job))
            return self._done[0]


def _resolve(manifests: Sequence[Manifest], job: Job) -> Resolution:
    packages: list[Package] = []
    unaudited: list[tuple[str, Unaudited]] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for manifest in manifests:
        try:
            listing = read_manifest(manifest.kind, job.project.read_text(manifest.uri))
        except OSError as error:
            problems.append(Problem(manifest.uri, error.strerror or "it cannot be read"))
            continue
        problems += [Problem(manifest.uri, sentence, line) for line, sentence in listing.problems]
        unaudited += [(manifest.uri, each) for each in listing.unaudited]
        pinned = [
            Package(each.name, each.version, manifest.uri, each.line)
            for each in listing.dependencies
            if each.version is not None
        ]
        if listing.complete and len(pinned) == len(listing.dependencies):
            packages += pinned
        elif listing.dependencies:
            found, problem, note = _resolve_listing(manifest, listing, job)
            packages += found or pinned
            problems += problem
            notes += note
    return Resolution(tuple(packages), tuple(unaudited), tuple(problems), tuple(notes))


def _resolve_listing(
    manifest: Manifest, listing: Listing, job: Job
) -> tuple[list[Package], list[Problem], list[str]]:
    """Packages of a manifest that is no lock; when nothing can resolve it, the problem that says why."""
    requirements = "\n".join(each.requirement for each in listing.dependencies) + "\n"
    first_reason = ""
    for python in (None, *_OTHER_PYTHONS):
        try:
            output = compile_requirements(job, requirements, python)
        except ToolError as error:
            first_reason = first_reason or str(error)
            if _NO_NETWORK.search(str(error)):
                break
            continue
        note = (
            f"{manifest.uri} was resolved for Python {python}, it has no answer for this one"
            if python
            else ""
        )
        return anchored(output, listing.dependencies, manifest.uri), [], [note] if note else []
    pinned = sum(1 for each in listing.dependencies if each.version is not None)
    sentence = f"its dependencies cannot be resolved from wheels, only {pinned} pinned ones were audited"
    return [], [Problem(manifest.uri, f"{sentence}: {first_reason}")], []


def compile_requirements(job: Job, requirements: str, python: str | None) -> str:
    """uv's resolution of requirements, from wheels only; raises ToolError with uv's own reason.

    Nothing of the scanned repository reaches uv but the requirements: no index option, no settings file.
    """
    source, output = job.work / "requirements.in", job.work / "requirements.txt"
    source.write_text(requirements, encoding="utf-8")
    version = ["--python-version", python] if python else []
    job.execute(
        [str(job.context.toolbox.environments.uv), "pip", "compile", "--quiet", "--only-binary=:all:"]
        + ["--no-header", "--no-emit-index-url", "--annotation-style=line", *version]
        + ["--python", job.context.toolbox.environments.python("pip-audit")]
        + ["--output-file", str(output), str(source)],
        exit_codes=(0,),
        output=output,
        timeout=_RESOLVE_SECONDS,
        installer=True,
        env={"UV_HTTP_RETRIES": "1", "UV_NO_PROGRESS": "1"},
    )
    return output.read_text(encoding="utf-8")


def anchored(output: str, named: Sequence[Dependency], uri: str) -> list[Package]:
    """uv's output lines -> packages, each on the line of the dependency that brings it in."""
    lines = {each.name: each.line for each in named}
    pins: list[tuple[str, str]] = []
    parents: dict[str, list[str]] = {}
    for line in output.splitlines():
        pin = _PINNED.match(line.strip())
        if pin:
            pins.append((pin[1], pin[2]))
            parents[pin[1]] = [each.strip() for each in (pin[3] or "").split(",")]
    packages = []
    for name, version in pins:
        origin = _origin(name, lines, parents)
        via = origin if origin != name else None
        packages.append(Package(name, version, uri, lines.get(origin or "", 1), via))
    return packages


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
