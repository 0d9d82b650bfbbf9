"""Pending security updates of Debian and Ubuntu images, by the distributions' own security archives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from mlsecops.containers.building import image_of
from mlsecops.containers.debian import Distribution, distribution
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.security_index.archive import Archive, ArchiveError
from mlsecops.containers.security_index.changelogs import fixes
from mlsecops.containers.security_index.index import Index, load
from mlsecops.containers.security_index.pending import Pending, pending
from mlsecops.containers.security_index.records import Package
from mlsecops.containers.updates import PENDING, Update, result
from mlsecops.job import Job, NotDueError, Parsed, Problem, ToolError, fresh_folder, printable
from mlsecops.sarif.build import Json

_CANARY_VERSION = "0~~mlsecops"
_AT_ONCE = 4
_KEYRINGS = "/usr/share/keyrings"


@dataclass(slots=True)
class _Found:
    """What has come out so far."""

    results: list[Json] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    canaries: list[bool] = field(default_factory=list)
    dates: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(frozen=True)
class SecurityUpdates:
    """Compares what dpkg has installed in each image with the index of its security suite."""

    recipes: tuple[Recipe, ...]
    name: str = "security-updates"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset({PENDING.id})
    weight: float = 0.05  # it waits for the image, which another one builds
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Load the index that each image needs, compare, and compare a package that is surely behind."""
        found = _Found()
        others = []
        for recipe in self.recipes:
            try:
                system = distribution(image_of(job, recipe))
                if system is None:
                    others.append(recipe.dockerfile)
                else:
                    self._compare(job, system, found)
            except ToolError as error:
                text = f"the updates of its image are not known: {error}"
                found.problems.append(Problem(recipe.dockerfile, printable(text)))
        if others and not found.due and not found.problems:
            raise NotDueError("no image of Debian or Ubuntu was built")
        found.notes += [f"{uri}: its image is neither Debian nor Ubuntu" for uri in others]
        return self._parsed(job, found)

    def _compare(self, job: Job, system: Distribution, found: _Found) -> None:
        uri = system.image.uri
        packages = system.packages
        if not packages:
            raise ToolError("it has no list of its packages (var/lib/dpkg/status)")
        units = {package: f"{uri}: {package.name} {package.version}" for package, _ in packages}
        found.due |= set(units.values())
        index, archive, notes = indexes(job, system)
        updates, odd = pending(packages, index.packages)
        found.problems += [Problem(units[package], reason) for package, reason in odd]
        found.looked_at |= set(units.values()) - {units[package] for package, _ in odd}
        found.canaries.append(_canary(index))
        found.dates.append((index.date, f"{index.suite.name} at {index.suite.base}"))
        found.notes += [f"{uri}: {note}" for note in notes]
        scratch = fresh_folder(job.work / "changelogs")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            known = list(pool.map(partial(_fixes, archive, scratch), enumerate(updates)))
        found.results += [
            result(_update(update, cves), uri) for update, cves in zip(updates, known, strict=True)
        ]
        unknown = sum(cves is None for cves in known)
        if unknown:
            found.notes.append(f"{uri}: what {unknown} updates fix could not be read from their changelogs")

    def _parsed(self, job: Job, found: _Found) -> Parsed:
        properties: Json = {}
        if found.dates:
            date, source = min(found.dates)
            properties["data"] = {"source": printable(source), "date": date.date().isoformat()}
            age = job.context.now() - date
            if age > job.policy.max_data_age:
                days = f"{age.days} days old, the policy allows {job.policy.max_data_age.days}"
                text = f"its data ({printable(source)}) is of {date.date()} and {days}"
                found.problems.append(Problem("security index", text, kind="stale"))
        return Parsed(
            looked_at=frozenset(found.looked_at),
            due=frozenset(found.due),
            rules=[PENDING.to_sarif()],
            results=found.results,
            canary=self.canary_rules if found.canaries and all(found.canaries) else frozenset(),
            problems=found.problems,
            notes=found.notes,
            properties=properties,
        )


def indexes(job: Job, system: Distribution) -> tuple[Index, Archive, list[str]]:
    """The index for a distribution, the archive it comes from, and notes. Raises ToolError without any."""
    named = job.policy.container.security_index
    here = named is not None and not named.startswith(("http://", "https://"))
    suites = system.suites(str(job.root / str(named)) if here else named)
    if not suites:
        raise ToolError("the image names no archive of security updates: set container.security-index")
    reasons = []
    for suite in suites:
        if named is None and not suite.base.startswith(("http://", "https://")):
            reasons.append(f"{suite.base} is no address")
            continue
        archive = Archive(suite.base)
        notes: list[str] = []
        try:
            index = load(
                archive, suite, system.image.config.architecture, partial(_check, job, system, notes)
            )
        except ArchiveError as error:
            reasons.append(f"{suite.base}: {error}")
        else:
            return index, archive, notes
    raise ToolError(f"no index of security updates could be loaded ({'; '.join(reasons)})")


def _check(job: Job, system: Distribution, notes: list[str], signed: bytes) -> None:
    """Whether somebody signed an `InRelease` whose key this machine or the image has for its packages."""
    program = shutil.which("gpgv")
    folder = fresh_folder(job.work / "signature")
    keyrings = [path for path in (Path(f"{_KEYRINGS}/{system.name}-archive-keyring.gpg"),) if path.is_file()]
    for number, content in enumerate(system.keyrings):
        keyrings.append(folder / f"{number}.gpg")
        keyrings[-1].write_bytes(content)
    if program is None or not keyrings:
        missing = "gpgv" if program is None else "the distribution's keys"
        notes.append(f"the signature of the index was not checked, for want of {missing}")
        return
    (folder / "InRelease").write_bytes(signed)
    options = [word for keyring in keyrings for word in ("--keyring", str(keyring))]
    try:
        done = job.execute(
            [program, "--status-fd", "1", *options, str(folder / "InRelease")],
            exit_codes=(0, 1, 2),
            timeout=60.0,
            silent=True,
        )
    except ToolError as error:
        raise ArchiveError(f"its signature cannot be checked: {error}") from error
    said = {line.split()[1] for line in done.output.read_text("utf-8", "replace").splitlines() if " " in line}
    # One key of several can be missing; none may say that the text was changed.
    if "VALIDSIG" not in said or "BADSIG" in said:
        raise ArchiveError("its signature is not the distribution's")


def _canary(index: Index) -> bool:
    """Whether a package that is surely behind is found to be."""
    name = next(iter(index.packages))
    behind = Package(name, _CANARY_VERSION, name, _CANARY_VERSION)
    updates, _ = pending([(behind, 1)], index.packages)
    return [update.installed for update in updates] == [_CANARY_VERSION]


def _fixes(archive: Archive, scratch: Path, numbered: tuple[int, Pending]) -> tuple[str, ...] | None:
    number, update = numbered
    return fixes(archive, update, fresh_folder(scratch / str(number)))


def _update(update: Pending, cves: Sequence[str] | None) -> Update:
    return Update(
        source=update.source,
        names=[own.name for own, _ in update.packages],
        installed=update.installed,
        fixed=update.fixed,
        line=update.line,
        fixes=cves or (),
    )
