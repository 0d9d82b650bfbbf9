"""Our own checks of built images: how they run, what lies in their layers, who may change it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlsecops import dockerfiles
from mlsecops.containers import canary
from mlsecops.containers.baked_models import Baked, baked, check_models, write
from mlsecops.containers.building import image_of
from mlsecops.containers.check_config import check_environment, check_health, check_history, check_user
from mlsecops.containers.check_contents import Known, check_secrets, check_tools, check_waste, size_note
from mlsecops.containers.check_rights import check_setuid, check_writable
from mlsecops.containers.image import Image
from mlsecops.containers.image_rules import HIDDEN_CONTENT, ROOT_USER, RULES
from mlsecops.containers.known import known_files
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.told import result
from mlsecops.dockerfiles.found import Found
from mlsecops.job import Job, Parsed, Problem, ToolError, fresh_folder, printable
from mlsecops.model_scanning.readings import read_models
from mlsecops.models.outcome import DANGEROUS, Inspected, severity_of
from mlsecops.models.rules import RULES as MODEL_RULES
from mlsecops.sarif.build import Json, Location, Result

_CHECKS: tuple[Callable[[Image], Iterator[Found]], ...] = (
    check_user,
    check_health,
    check_environment,
    check_history,
    check_setuid,
    check_writable,
    check_tools,
    check_waste,
)
_CANARY_URI = "Dockerfile"
_MODEL_SECONDS = 300.0
# Who is not root can be shown what to write, and waste takes space.
_CANARY_RULES = frozenset(rule.id for rule in RULES) - {ROOT_USER.id, HIDDEN_CONTENT.id}


@dataclass(slots=True)
class _Found:
    """What has come out so far."""

    results: list[Json] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ImageChecks:
    """Builds each Dockerfile's image and reads it from its archive, byte by byte."""

    recipes: tuple[Recipe, ...]
    name: str = "image-checks"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = _CANARY_RULES
    weight: float = 60.0
    timeout: float = 900.0
    python: str = sys.executable

    def run(self, job: Job) -> Parsed:
        """Check each image, then the canary, by the same code."""
        found = _Found()
        known = known_files(job.project)
        for recipe in self.recipes:
            uri = recipe.dockerfile
            try:
                self._check(job, image_of(job, recipe), known, found)
            except ToolError as error:
                found.problems.append(Problem(uri, printable(f"its image cannot be looked at: {error}")))
            else:
                found.looked_at.add(uri)
        return Parsed(
            looked_at=frozenset(found.looked_at),
            rules=[rule.to_sarif() for rule in (*RULES, *MODEL_RULES.values())],
            results=found.results,
            canary=self._canary(job),
            problems=found.problems,
            notes=found.notes,
        )

    def _check(self, job: Job, image: Image, known: Known, found: _Found) -> None:
        models = baked(image, known)
        found.results += [result(each, image.uri) for each in parse(image, known, models)]
        found.notes.append(size_note(image))
        if not image.origins.known:
            found.notes.append(
                f"{image.uri}: the image's history does not fit it, so all in it counts as its own"
            )
        self._read_models(job, image, models, found)

    def _read_models(self, job: Job, image: Image, models: Collection[Baked], found: _Found) -> None:
        """Let our readers look at models that the model stage has not seen."""
        if not models:
            return
        written = write(models, fresh_folder(job.work / "models") / "files")
        reading = read_models(job, written, seconds=min(_MODEL_SECONDS, self.timeout), python=self.python)
        if not reading.canary:
            raise ToolError("its reader of models did not find the known-bad canary, so it may be blind")
        packaged = 0
        for path, model in written.items():
            seen = reading.seen.get(path)
            if seen is None or seen.found.unread:
                reason = (
                    seen.reason if seen else reading.lost.get(path, "its reader did not come back with it")
                )
                if model.of_package:
                    packaged += 1
                else:
                    text = f"/{printable(model.entry.path)} in its image is not scanned: {reason}"
                    found.problems.append(Problem(image.uri, text, image.line(model.entry)))
            if seen is not None:
                found.results += _facts(image, model, seen)
            Path(path).unlink(missing_ok=True)
        if packaged:
            found.notes.append(
                f"{image.uri}: {packaged} data files of installed packages are in no format we read"
            )

    def _canary(self, job: Job) -> frozenset[str]:
        folder = job.canary({"image.tar": canary.canary()})
        dockerfile = dockerfiles.parse(canary.DOCKERFILE)
        with Image.opened(
            folder / "image.tar", fresh_folder(job.work / "layers"), _CANARY_URI, dockerfile
        ) as image:
            return frozenset(each.rule.id for each in parse(image, lambda *_: False))


def parse(image: Image, known: Known, models: Collection[Baked] | None = None) -> list[Found]:
    """What all checks find in an image; `models` are those it holds, where that is known already."""
    found = [each for check in _CHECKS for each in check(image)]
    found += check_secrets(image, known)
    found += check_models(image, baked(image, known) if models is None else models)
    return sorted(found, key=lambda each: each.line)


def _facts(image: Image, model: Baked, seen: Inspected) -> Iterator[Json]:
    """What loading a baked model would do; of files of packages only what is dangerous."""
    for fact in seen.found.facts.values():
        severity = severity_of(fact)
        if model.of_package and severity < DANGEROUS:
            continue
        path, subject = printable(model.entry.path), printable(fact.subject)[:200]
        yield Result(
            rule_id=fact.rule,
            message=f"/{path} in the image: {printable(fact.message)[:600]}",
            location=Location(uri=image.uri, start_line=image.line(model.entry)),
            severity=severity,
            identity=("image-model", fact.rule, image.uri, path, subject),
        ).to_sarif()
