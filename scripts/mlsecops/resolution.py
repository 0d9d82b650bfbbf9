"""Which packages a project installs: its locks as they are, looser manifests resolved from wheels only."""

from __future__ import annotations

import posixpath
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from mlsecops.dependencies import Dependency, Listing, Reference, Unaudited, read_manifest
from mlsecops.dependencies.model import LOCAL_FILE
from mlsecops.job import Job, Problem, ToolError
from mlsecops.project import Manifest
from mlsecops.uv_output import Package, anchored, cause, same_release

_RESOLVE_SECONDS = 180.0
_NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|lookup address|name resolution|connection|"
    r"connect error|unreachable|timed out|did not end within",
    re.IGNORECASE,
)
_LOCAL_VERSION = re.compile(r"(===?\s*[^,;+\s]+)\+[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """For which Python and system to resolve; None means those of this machine."""

    python: str | None = None
    system: str | None = None

    def __str__(self) -> str:
        """As a sentence says it."""
        python = f"Python {self.python}" if self.python else "this Python"
        return f"{python} on {self.system}" if self.system else python


# Older releases have wheels for older interpreters only, some packages for one system only; to resolve them
# none of that need be here.
_TARGETS = (Target(), Target("3.10"), Target("3.8"), Target("3.8", "windows"))
_ELSEWHERE = (Target(), Target(system="windows"), Target(system="macos"), Target("3.8"))


@dataclass(frozen=True, slots=True)
class Resolution:
    """All packages of all manifests, and everything that could not be settled."""

    packages: tuple[Package, ...] = ()
    unaudited: tuple[tuple[str, Unaudited], ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


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
                self._done.append(_Work(job).settle(self.manifests))
            return self._done[0]


@dataclass
class _Work:
    """The packages, and what could not be settled, while the manifests are gone through."""

    job: Job
    packages: list[Package] = field(default_factory=list)
    unaudited: list[tuple[str, Unaudited]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    offline: str = ""

    def settle(self, manifests: Sequence[Manifest]) -> Resolution:
        """Go through the manifests, and through those that only they lead to."""
        known = {manifest.uri for manifest in (*manifests, *self.job.project.manifests)}
        queue = list(manifests)
        while queue:
            manifest = queue.pop(0)
            text = self._text(manifest.uri)
            if text is None:
                continue
            listing = read_manifest(manifest.kind, text)
            constraints = self._follow(manifest, listing, known, queue)
            self._take(manifest, listing, constraints)
        return Resolution(
            tuple(self.packages), tuple(self.unaudited), tuple(self.problems), tuple(self.notes)
        )

    def _text(self, uri: str) -> str | None:
        try:
            return self.job.project.read_text(uri)
        except OSError as error:
            self.problems.append(Problem(uri, error.strerror or "it cannot be read"))
            return None

    def _follow(
        self, manifest: Manifest, listing: Listing, known: set[str], queue: list[Manifest]
    ) -> list[str]:
        """See to what a manifest leans on: more manifests, its own code; return the constraints."""
        constraints: list[str] = []
        files = {file.uri for file in self.job.project.files}
        for reference in listing.references:
            uris = [posixpath.normpath(posixpath.join(manifest.group, path)) for path in reference.paths]
            if reference.kind == "code":
                self._follow_code(manifest, reference, uris[0], files)
                continue
            there = [uri for uri in uris if uri in files]
            if not there:
                names = " or ".join(reference.paths)
                sentence = f"it takes in {names}, which is not in the repository"
                self.problems.append(Problem(manifest.uri, sentence, reference.line))
            elif reference.kind == "constraints":
                constraints += self._constraints(there[0])
            elif not known.intersection(there):
                known.add(there[0])
                queue.append(
                    Manifest(there[0], "requirements", lock=False, group=posixpath.dirname(there[0]))
                )
        return constraints

    def _follow_code(self, manifest: Manifest, reference: Reference, uri: str, files: set[str]) -> None:
        if uri == "." or any(each.startswith(f"{uri}/") for each in files):
            return
        self.unaudited.append((manifest.uri, Unaudited(reference.paths[0], reference.line, LOCAL_FILE)))

    def _constraints(self, uri: str) -> list[str]:
        listing = read_manifest("requirements", self._text(uri) or "")
        self.problems += [Problem(uri, sentence, line) for line, sentence in listing.problems]
        self.problems += [
            Problem(uri, f"a constraint cannot be followed: {each.what}", each.line)
            for each in listing.unaudited
        ]
        self.problems += [
            Problem(uri, f"it takes in {each.paths[0]}, which cannot be followed", each.line)
            for each in listing.references
        ]
        return [each.requirement for each in listing.dependencies]

    def _take(self, manifest: Manifest, listing: Listing, constraints: Sequence[str]) -> None:
        """The packages of a manifest: as they are in a lock, else resolved."""
        self.problems += [Problem(manifest.uri, sentence, line) for line, sentence in listing.problems]
        self.unaudited += [(manifest.uri, each) for each in listing.unaudited]
        if listing.left_out:
            names = ", ".join(sorted(set(listing.left_out)))
            self.notes.append(f"{manifest.uri}: no Python packages and so not audited: {names}")
        pinned = [package for each in listing.dependencies if (package := _as_pinned(each, manifest.uri))]
        if listing.complete and len(pinned) == len(listing.dependencies):
            self.packages += pinned
        elif listing.dependencies:
            try:
                self.packages += self._resolved(manifest.uri, listing.dependencies, constraints)
            except ToolError as error:
                audited = f"only {len(pinned)} pinned" if pinned else "none"
                sentence = f"its dependencies cannot be resolved from wheels, {audited} were audited"
                self.problems.append(Problem(manifest.uri, f"{sentence}; a lock file says all: {error}"))
                self.packages += pinned

    def _resolved(self, uri: str, named: Sequence[Dependency], constraints: Sequence[str]) -> list[Package]:
        """Packages of a manifest that is no lock, also those that markers keep from this machine."""
        found = self._ask(uri, named, constraints, _TARGETS)
        packages = list(found)
        missing = [each for each in named if not _is_among(each, found)]
        packages += [package for each in missing if (package := _as_pinned(each, uri))]
        loose = [_without_marker(each) for each in missing if each.version is None]
        if loose:
            packages += self._ask(uri, loose, constraints, _ELSEWHERE)
        return packages

    def _ask(
        self, uri: str, named: Sequence[Dependency], constraints: Sequence[str], targets: Sequence[Target]
    ) -> list[Package]:
        """The first answer for one of these targets. Raises ToolError with the reason of the first one."""
        if self.offline:
            raise ToolError(self.offline)
        reasons: list[str] = []
        for target in targets:
            try:
                output = compile_requirements(self.job, named, constraints, target)
            except ToolError as error:
                reasons.append(str(error))
                if _NO_NETWORK.search(str(error)):
                    self.offline = str(error)
                    break
                continue
            if target != Target():
                names = "" if len(named) > 3 else f" ({', '.join(each.name for each in named)})"
                self.notes.append(f"{uri}{names} was resolved for {target}, there is no answer for this one")
            return anchored(output, named, uri)
        raise ToolError(reasons[0])


def compile_requirements(
    job: Job, named: Sequence[Dependency], constraints: Sequence[str], target: Target
) -> str:
    """uv's resolution of requirements, from wheels only; raises ToolError with uv's own reason.

    Nothing of the scanned repository reaches uv but requirements and constraints: no index, no settings file.
    Builds of a version (`2.0.1+cu118`) are on other indexes; their release is what is resolved.
    """
    source, output = job.work / "requirements.in", job.work / "requirements.txt"
    narrowing = job.work / "constraints.txt"
    _write(source, (each.requirement for each in named))
    _write(narrowing, constraints)
    chosen = ["--python-version", target.python] if target.python else []
    chosen += ["--python-platform", target.system] if target.system else []
    done = job.execute(
        [str(job.context.toolbox.environments.uv), "pip", "compile", "--quiet", "--only-binary=:all:"]
        + ["--no-header", "--no-emit-index-url", "--annotation-style=line", *chosen]
        + ["--python", job.context.toolbox.environments.python("pip-audit")]
        + ["--constraints", str(narrowing), "--output-file", str(output), str(source)],
        exit_codes=(0, 1, 2),  # an answer, none that fits, an error
        output=output,
        timeout=_RESOLVE_SECONDS,
        installer=True,
        silent=True,  # when no marker holds here there is nothing to write
        env={"UV_HTTP_RETRIES": "1", "UV_NO_PROGRESS": "1"},
    )
    if done.exit_code != 0:
        raise ToolError(cause(done.stderr.read_text(encoding="utf-8", errors="replace")))
    try:
        return output.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError("uv wrote no output") from error


def _write(file: Path, requirements: Iterable[str]) -> None:
    """Requirements, each on a line, without the local part of versions."""
    lines = [_LOCAL_VERSION.sub(r"\1", each) for each in requirements]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _as_pinned(dependency: Dependency, uri: str) -> Package | None:
    if dependency.version is None:
        return None
    return Package(dependency.name, dependency.version, uri, dependency.line)


def _is_among(dependency: Dependency, packages: Sequence[Package]) -> bool:
    """Whether a named dependency is resolved; a pinned one to its own version."""
    return any(
        package.name == dependency.name
        and (dependency.version is None or same_release(dependency.version, package.version))
        for package in packages
    )


def _without_marker(dependency: Dependency) -> Dependency:
    requirement = Requirement(dependency.requirement)
    requirement.marker = None
    return Dependency(dependency.name, str(requirement), dependency.line, dependency.version)
