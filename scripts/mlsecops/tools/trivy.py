"""Trivy: known vulnerabilities of all packages of built images, secrets in them, and their SBOM."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from mlsecops import dockerfiles
from mlsecops.containers import image_rules, updates
from mlsecops.containers.building import built, image_of
from mlsecops.containers.image import Image
from mlsecops.containers.known import known_files
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.trivy import canary
from mlsecops.containers.trivy.database import database_of, stale
from mlsecops.containers.trivy.findings import find
from mlsecops.containers.trivy.inventory import (
    JAVA_PATTERNS,
    RPM,
    has_java,
    has_rpm,
    python_packages,
    system_packages,
)
from mlsecops.containers.trivy.program import program_of
from mlsecops.containers.trivy.report import Report
from mlsecops.containers.trivy.scanner import Scanner
from mlsecops.findings.sightings import package_name
from mlsecops.job import Job, Parsed, Problem, ToolError, fresh_folder, printable
from mlsecops.sarif.build import Json

_CANARY_RULES = frozenset(
    {
        *(canary.ADVISORY, updates.PENDING.id),
        *(image_rules.SECRET_FILE.id, image_rules.SECRET_ENVIRONMENT.id),
    }
)


@dataclass(slots=True)
class _State:
    """What has come out so far."""

    rules: dict[str, Json] = field(default_factory=dict)
    results: list[Json] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    canaries: list[frozenset[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Trivy:
    """Runs Trivy over the archive of each image, and over one of ours that surely has flaws."""

    recipes: tuple[Recipe, ...]
    which: Callable[[str], str | None] = shutil.which
    name: str = "trivy"
    environment: str | None = None
    information_uri: str = "https://trivy.dev"
    canary_rules: frozenset[str] = _CANARY_RULES
    weight: float = 0.1  # it waits for the image, which another one builds
    timeout: float = 900.0

    def run(self, job: Job) -> Parsed:
        """Scan every image that can be built; without a program or a database none is."""
        state = _State()
        images: list[tuple[Image, Path]] = []
        for recipe in self.recipes:
            try:
                images.append((image_of(job, recipe), built(job, recipe).archive))
            except ToolError as error:
                state.due.add(recipe.dockerfile)
                text = printable(f"its image cannot be looked at: {error}")
                state.problems.append(Problem(recipe.dockerfile, text))
        if not images:
            return _parsed(state, self.canary_rules, {}, None)
        program = program_of(job, self.which)
        database = database_of(job, program)
        scanner = Scanner(job, program, database)
        for image, archive in images:
            try:
                _scan(scanner, image, archive, state)
            except ToolError as error:
                state.due.add(image.uri)
                text = printable(f"its image cannot be looked at: {error}")
                state.problems.append(Problem(image.uri, text))
        state.problems += stale(job, database)
        state.notes += database.notes
        return _parsed(state, self.canary_rules, {"data": dict(database.data)}, program.version)


def _scan(scanner: Scanner, image: Image, archive: Path, state: _State) -> None:
    """One image and its canary."""
    job = scanner.job
    own = fresh_folder(job.work / "image") / "image.tar"
    own.symlink_to(archive)
    without = scanner.without_java if has_java(image) else ""
    # Without the database that knows them it would give up on the whole image.
    report = scanner.report(own, JAVA_PATTERNS if without else ())
    if report.layers != image.digests:
        raise ToolError("its report is about another image")
    due, seen = units(image, report)
    state.due |= due
    state.looked_at |= seen
    if without:
        text = printable(f"its Java archives are not looked at: {without}")
        state.problems.append(Problem(image.uri, text))
    found = find(image, report, known_files(job.project))
    state.rules |= found.rules
    state.results += found.results
    state.notes += found.notes
    state.canaries.append(_canary(scanner, image))
    name = "image-sbom.cdx.json" if len(state.canaries) == 1 else f"image-{len(state.canaries)}-sbom.cdx.json"
    document = scanner.sbom(own)
    listed = sum(bool(each.get("purl")) for each in document["components"])
    if listed < len(report.packages):
        raise ToolError(f"its bill of materials lists {listed} of {len(report.packages)} packages")
    # It is the image of a Dockerfile, wherever its archive was.
    document["metadata"]["component"]["name"] = image.uri
    job.keep(name, orjson.dumps(document, option=orjson.OPT_INDENT_2))
    state.notes.append(f"{name} lists the {listed} packages of the image of {image.uri}")


def _canary(scanner: Scanner, image: Image) -> frozenset[str]:
    """What is found in an image of the same distribution that surely has flaws."""
    folder = fresh_folder(scanner.job.work / "canary")
    archive = folder / "canary.tar"
    archive.write_bytes(canary.canary(image))
    dockerfile = dockerfiles.parse(canary.DOCKERFILE)
    with Image.opened(archive, fresh_folder(folder / "layers"), image.uri, dockerfile) as opened:
        try:
            report = scanner.report(archive)
        except ToolError:
            return frozenset()
        found = find(opened, report, lambda *_: False)
    return frozenset(each["ruleId"] for each in found.results)


def units(image: Image, report: Report) -> tuple[set[str], set[str]]:
    """What is due in an image, as we read it, and what Trivy says that it looked at."""
    uri = image.uri
    due = {uri} | {f"{uri}: {name} {version}" for name, version in system_packages(image)}
    due |= {f"{uri}: {name} {version} (Python)" for name, version in python_packages(image)}
    seen = {uri}
    for each in report.packages:
        if each.system:
            seen.add(f"{uri}: {each.name} {each.version}")
        elif each.kind == "python-pkg":
            seen.add(f"{uri}: {package_name(each.name)} {each.version} (Python)")
    if has_rpm(image):
        due.add(f"{uri}: {RPM}")
        seen |= {f"{uri}: {RPM}"} if any(each.system for each in report.packages) else set()
    return due, due & seen


def _parsed(state: _State, wanted: frozenset[str], properties: Json, version: str | None) -> Parsed:
    found = frozenset.intersection(*state.canaries) if state.canaries else frozenset()
    return Parsed(
        looked_at=frozenset(state.looked_at),
        due=frozenset(state.due),
        rules=list(state.rules.values()),
        results=state.results,
        canary=found & wanted,
        problems=state.problems,
        notes=state.notes,
        properties=properties,
        version=version,
    )
